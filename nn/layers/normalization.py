"""Normalization: activations to mean 0 and variance 1, then scaled and shifted as it learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, effect

from .. import functional as F
from ..module import Parameter, cast_like, get_default_dtype
from ..validation import boolean, has_bias, integer, not_negative
from .layer import Layer, parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "LayerNorm", "RMSNorm"]

Sizes = tuple[int, ...]


class _Normalization(Layer):
    """What all have: a weight that starts at 1 and a bias that starts at 0, each optional."""

    weight: Parameter | None
    bias: Parameter | None

    def _start(self, shape: Sizes, eps: float, affine: bool, bias: bool, dtype: Any) -> None:
        self.eps = not_negative(f"{type(self).__name__}: eps", eps)
        bias = has_bias(type(self).__name__, bias) and affine
        self.weight = parameter("ones", shape, dtype) if affine else None
        self.bias = parameter("zeros", shape, dtype) if bias else None

    def extra_repr(self) -> str:
        shown = super().extra_repr()
        return shown.removesuffix(", bias=False") if self.weight is None else shown

    def _like(self, x: Tensor) -> Tensor:
        """x in the parameters' dtype."""
        return x if self.weight is None else cast_like(x, self.weight)

    def _check(self, x: Tensor, fits: bool, expected: str) -> None:
        if not fits:
            raise ValueError(f"{type(self).__name__} takes {expected}, and x has shape {x.shape}")


# -------------------------------------------------------------------- over the batch


class _BatchNorm(_Normalization):
    _axes: Sizes = ()  # how many an input may have
    _layout = ""  # with `n` channels
    running_mean: Any = None
    running_var: Any = None
    num_batches_tracked: Any = None

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
        affine: bool = True, track_running_stats: bool = True, *, bias: bool = True,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        self.num_features = n = integer(f"{name}: num_features", num_features)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(
                f"{name}: momentum is a number from 0 to 1, or None for the mean "
                f"of all batches, and not {momentum!r}"
            )
        self.momentum = momentum
        self.affine = boolean(f"{name}: affine", affine)
        self.track_running_stats = boolean(f"{name}: track_running_stats", track_running_stats)
        self._start((n,), eps, affine, bias, dtype)
        if track_running_stats:
            self.register_buffer("running_mean", np.zeros(n, dtype or get_default_dtype()))
            self.register_buffer("running_var", np.ones(n, dtype or get_default_dtype()))
            self.register_buffer("num_batches_tracked", np.array(0))

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, num_features, ...) -> the same shape."""
        fits = x.ndim in self._axes and x.shape[1] == self.num_features
        self._check(x, fits, self._layout.format(n=self.num_features))
        share = self.momentum
        if share is None:  # the mean of all batches
            share = effect(_next_share, self.num_batches_tracked)
        y: Tensor = F.batch_norm(
            self._like(x), self.running_mean, self.running_var, self.weight, self.bias,
            self.training, share, self.eps,
        )  # fmt: skip
        if self.track_running_stats and self.training:
            tracked = self.num_batches_tracked
            effect(_count, tracked, changes=(tracked,))
        return y


def _next_share(batches: Any) -> float:
    """Of the next batch in the mean of all, if so many came before it."""
    return float(1 / (int(batches or 0) + 1))


def _count(batches: np.ndarray) -> None:
    batches += 1


class BatchNorm1d(_BatchNorm):
    """`BatchNorm2d` of features (batch, num_features), or of signals with a length after them.

    >>> import numpy as np
    >>> BatchNorm1d(2)(np.array([[1.0, 5.0], [3.0, 5.0]])).data.round(3)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    _axes = (2, 3)
    _layout = "(batch, {n}) or (batch, {n}, length)"


class BatchNorm2d(_BatchNorm):
    """Each channel of images to mean 0 and variance 1, over batch and space, then γ y + β.

    y = γ (x - x̄) / √(σ² + ε) + β on (batch, num_features, height, width), where `weight` is γ and
    `bias` β, of shape (num_features,), both absent with `affine=False`, the latter with
    `bias=False` (Ioffe and Szegedy, 2015).

    In training x̄ and σ² are the batch's, and the buffers `running_mean` and `running_var` (of the
    unbiased variance) move towards them by the share `momentum`, or with None to the mean of all
    `num_batches_tracked`.  In evaluation these take the place of the batch's, unless
    `track_running_stats=False`: call `model.eval()` before you predict.

    Raises ValueError for inputs of other axes or channels, and in training for a batch with one
    value a channel, which has no variance.

    >>> import numpy as np
    >>> layer = BatchNorm2d(3)
    >>> _ = layer(np.full((5, 3, 8, 8), 2.0))
    >>> layer.running_mean
    array([0.2, 0.2, 0.2], dtype=float32)
    """

    _axes = (4,)
    _layout = "(batch, {n}, height, width)"


class BatchNorm3d(_BatchNorm):
    """`BatchNorm2d` of volumes (batch, num_features, depth, height, width).

    >>> import numpy as np
    >>> BatchNorm3d(2, bias=False)(np.ones((5, 2, 3, 4, 4))).shape
    (5, 2, 3, 4, 4)
    """

    _axes = (5,)
    _layout = "(batch, {n}, depth, height, width)"


# -------------------------------------------------------------------- over each sample


class GroupNorm(_Normalization):
    """Each group of a sample's channels to mean 0 and variance 1, then γ y + β for each channel.

    y = γ (x - x̄) / √(σ² + ε) + β on (batch, num_channels, ...), the same in training and
    evaluation and for any size of batch (Wu and He, 2018).  `weight` and `bias` have shape
    (num_channels,); both are absent with `affine=False`, the latter with `bias=False`.  Raises
    ValueError for other channels.

    >>> import numpy as np
    >>> GroupNorm(2, 4)(np.ones((5, 4, 8, 8))).shape
    (5, 4, 8, 8)
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *,
        bias: bool = True, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.num_groups = integer("GroupNorm: num_groups", num_groups)
        self.num_channels = integer("GroupNorm: num_channels", num_channels)
        if self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: {num_channels} channels do not divide into {num_groups} groups"
            )
        self.affine = boolean("GroupNorm: affine", affine)
        self._start((self.num_channels,), eps, affine, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, num_channels, ...) -> the same shape."""
        fits = x.ndim > 1 and x.shape[1] == self.num_channels
        self._check(x, fits, f"(batch, {self.num_channels}, ...)")
        return F.group_norm(self._like(x), self.num_groups, self.weight, self.bias, self.eps)


class _LastAxes(_Normalization):
    """Over the last axes of each sample, which must have a given shape."""

    def _over(self, shape: Any, affine: Any) -> Sizes:
        sizes = shape if isinstance(shape, (tuple, list)) and shape else (shape,)
        name = type(self).__name__
        self.elementwise_affine = boolean(f"{name}: elementwise_affine", affine)
        self.normalized_shape = tuple(integer(f"{name}: normalized_shape", n) for n in sizes)
        return self.normalized_shape


class LayerNorm(_LastAxes):
    """The last axes of each sample to mean 0 and variance 1, then γ y + β, elementwise.

    y = γ (x - x̄) / √(σ² + ε) + β on (..., *normalized_shape), the same in training and evaluation
    (Ba et al., 2016).  `weight` and `bias` have shape `normalized_shape`; both are absent with
    `elementwise_affine=False`, the latter with `bias=False`.  Raises ValueError for other last
    axes.

    >>> import numpy as np
    >>> LayerNorm(2)(np.array([[1.0, 3.0], [2.0, -4.0]])).data.round(3)
    array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """

    def __init__(
        self, normalized_shape: int | Sizes, eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, *, dtype: Any = None,
    ) -> None:  # fmt: skip
        shape = self._over(normalized_shape, elementwise_affine)
        self._start(shape, eps, elementwise_affine, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., *normalized_shape) -> the same shape."""
        shape = self.normalized_shape
        return F.layer_norm(self._like(x), shape, self.weight, self.bias, self.eps)


class RMSNorm(_LastAxes):
    """The last axes of each sample to mean square 1, then times γ, elementwise.

    y = γ x / √(mean(x²) + ε) on (..., *normalized_shape): a LayerNorm without the mean and the
    bias (Zhang and Sennrich, 2019).  `eps` is by default the smallest of x's dtype with 1 + ε > 1.
    `weight` is absent with `elementwise_affine=False`.  Raises ValueError for other last axes.

    >>> import numpy as np
    >>> RMSNorm(2)(np.array([[1.0, 1.0], [2.0, -2.0]])).data.round(3)
    array([[ 1.,  1.],
           [ 1., -1.]], dtype=float32)
    """

    def __init__(
        self, normalized_shape: int | Sizes, eps: float | None = None,
        elementwise_affine: bool = True, *, dtype: Any = None,
    ) -> None:  # fmt: skip
        shape = self._over(normalized_shape, elementwise_affine)
        self._start(shape, eps or 0.0, elementwise_affine, False, dtype)
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """x (..., *normalized_shape) -> the same shape."""
        return F.rms_norm(self._like(x), self.normalized_shape, self.weight, self.eps)
