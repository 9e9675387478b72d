"""Normalisation: activations shifted and scaled to mean 0 and variance 1, then as it learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import place

from ..module import Module, Parameter, get_default_dtype, like
from .arguments import described, not_negative, positive

Sizes = tuple[int, ...]


class _Normalisation(Module):
    """What all have: a weight that starts at 1 and a bias that starts at 0, each optional."""

    weight: Parameter | None
    bias: Parameter | None

    def _start(self, shape: Sizes, weight: bool, bias: bool, dtype: Any) -> None:
        self.weight = Parameter(np.ones(shape, dtype or get_default_dtype())) if weight else None
        self.bias = Parameter(np.zeros(shape, dtype or get_default_dtype())) if bias else None

    def _taken(self, x: Tensor, fits: bool, expected: str) -> Tensor:
        """x in the parameters' dtype, if it fits."""
        if not fits:
            kind = type(self).__name__
            raise ValueError(f"{kind} takes {expected}, and x has shape {x.shape}{place()}")
        return x if self.weight is None else like(x, self.weight)

    def extra_repr(self) -> str:
        return described(self)


# -------------------------------------------------------------------- over the batch


class _BatchNorm(_Normalisation):
    _axes: Sizes = ()  # how many an input may have
    _layout = ""  # with `n` channels
    running_mean: Any = None
    running_var: Any = None
    num_batches_tracked: Any = None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        positive(self, num_features=num_features)
        not_negative(self, eps=eps)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(
                f"{type(self).__name__}: momentum is a number from 0 to 1, or None for the mean "
                f"of all batches, and not {momentum!r}"
            )
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._start((num_features,), affine, affine, dtype)
        if track_running_stats:
            dtype = dtype or get_default_dtype()
            self.register_buffer("running_mean", np.zeros(num_features, dtype))
            self.register_buffer("running_var", np.ones(num_features, dtype))
            self.register_buffer("num_batches_tracked", np.array(0))

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, num_features, ...) -> the same shape."""
        fits = x.ndim in self._axes and x.shape[1] == self.num_features
        x = self._taken(x, fits, self._layout.format(n=self.num_features))
        if self.track_running_stats and not self.training:
            # copies, since the graph keeps them and training changes them
            return self._normed(x, self.running_mean.copy(), self.running_var.copy())
        if x.size <= self.num_features:
            instead = ", or call model.eval() to use the running statistics"
            raise ValueError(
                f"{type(self).__name__}: the variance of a channel needs more than one value; give "
                "a larger batch (drop_last=True leaves out a last one of 1)"
                f"{instead if self.track_running_stats else ''} (shape: {x.shape}{place()})"
            )
        y = self._normed(x)
        if self.track_running_stats:
            self._track(x.data)
        return y

    def _normed(self, x: Tensor, mean: Any = None, variance: Any = None) -> Tensor:
        y: Tensor = ops.batch_norm(x, self.weight, self.bias, mean, variance, self.eps)
        return y

    def _track(self, x: np.ndarray) -> None:
        """Move the running statistics towards the batch's; its variance is the unbiased one."""
        axes = (0, *range(2, x.ndim))
        mean = x.mean(axes, keepdims=True)
        self.num_batches_tracked += 1
        share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean += share * (mean.ravel() - self.running_mean)
        self.running_var += share * (x.var(axes, ddof=1, mean=mean) - self.running_var)


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
    `bias` β, of shape (num_features,), absent with `affine=False` (Ioffe and Szegedy, 2015).

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


# -------------------------------------------------------------------- over each sample


class GroupNorm(_Normalisation):
    """Each group of a sample's channels to mean 0 and variance 1, then γ y + β for each channel.

    y = γ (x - x̄) / √(σ² + ε) + β on (batch, num_channels, ...), the same in training and
    evaluation and for any size of batch (Wu and He, 2018).  `weight` and `bias` have shape
    (num_channels,), or are absent with `affine=False`.  Raises ValueError for other channels.

    >>> import numpy as np
    >>> GroupNorm(2, 4)(np.ones((5, 4, 8, 8))).shape
    (5, 4, 8, 8)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        positive(self, num_groups=num_groups, num_channels=num_channels)
        not_negative(self, eps=eps)
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: {num_channels} channels do not divide into {num_groups} groups"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self._start((num_channels,), affine, affine, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, num_channels, ...) -> the same shape."""
        fits = x.ndim > 1 and x.shape[1] == self.num_channels
        x = self._taken(x, fits, f"(batch, {self.num_channels}, ...)")
        y: Tensor = ops.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
        return y


class _LastAxes(_Normalisation):
    """Over the last axes of each sample, which must have a given shape."""

    def _over(self, shape: Any) -> None:
        several = isinstance(shape, (tuple, list)) and len(shape) > 0
        self.normalized_shape: Sizes = tuple(shape) if several else (shape,)
        for n in self.normalized_shape:
            positive(self, normalized_shape=n)

    @property
    def _last(self) -> Sizes:
        return tuple(range(-len(self.normalized_shape), 0))

    def _fitting(self, x: Tensor) -> Tensor:
        shape = self.normalized_shape
        fits = x.shape[-len(shape) :] == shape
        return self._taken(x, fits, f"(..., {', '.join(map(str, shape))})")


class LayerNorm(_LastAxes):
    """The last axes of each sample to mean 0 and variance 1, then γ y + β, elementwise.

    y = γ (x - x̄) / √(σ² + ε) + β on (..., *normalized_shape), the same in training and evaluation
    (Ba et al., 2016).  `weight` and `bias` have shape `normalized_shape`, or are absent with
    `elementwise_affine=False` or `bias=False`.  Raises ValueError for other last axes.

    >>> import numpy as np
    >>> LayerNorm(2)(np.array([[1.0, 3.0], [2.0, -4.0]])).data.round(3)
    array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sizes,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self._over(normalized_shape)
        not_negative(self, eps=eps)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._start(self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., *normalized_shape) -> the same shape."""
        x = self._fitting(x)
        y: Tensor = ops.layer_norm(x, self.weight, self.bias, self._last, self.eps)
        return y


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
        self,
        normalized_shape: int | Sizes,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self._over(normalized_shape)
        not_negative(self, eps=eps or 0)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._start(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., *normalized_shape) -> the same shape."""
        y: Tensor = ops.rms_norm(self._fitting(x), self.weight, self._last, self.eps)
        return y
