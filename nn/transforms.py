"""Preprocessing (standardization, one-hot) and augmentation (random shifts, flips and crops).

Augmentations are functions of a batch of images, (N, H, W) or (N, C, H, W), and return a new
batch; each image meets its own chance, drawn from the generator that `nn.manual_seed` sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_edu.errors import located

from . import functional as F
from .init import generator
from .module import get_default_dtype
from .validation import integer

__all__ = [
    "Compose", "MinMax", "RandomCrop", "RandomFlip", "RandomShift", "Standardizer", "one_hot",
]  # fmt: skip


def one_hot(indices: Any, classes: int, dtype: Any = None) -> np.ndarray:
    """Class indices (...) as rows with a single 1, (..., classes), in nn's default dtype.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    rows: np.ndarray = F.one_hot(indices, classes, dtype or get_default_dtype())
    return rows


# -------------------------------------------------------------------- scales


class _Scaler:
    """(x - offset_) / scale_, both found by `fit` for each feature, over all but the last axis."""

    offset_: np.ndarray | None = None
    scale_: np.ndarray | None = None
    _exact: Any = np.float16  # the least dtype in which the old scale keeps its digits

    @located
    def fit(self, x: Any) -> Any:
        """Find offset and scale in x (n, ..., features); returns the scaler itself.

        Raises ValueError if x has no samples, no feature axis, or values that are not finite.
        """
        name, x = type(self).__name__, np.asarray(x)
        if x.ndim < 2 or not x.size:
            advice = "; make it one feature with x[:, None]" if x.ndim == 1 else ""
            raise ValueError(
                f"{name} takes samples (n, ..., features), and was given shape {x.shape}{advice}"
            )
        axes = tuple(range(x.ndim - 1))
        low, high = x.min(axes).astype(np.float64), x.max(axes).astype(np.float64)
        finite = np.isfinite(low) & np.isfinite(high)
        if not finite.all():
            raise ValueError(f"{name}: feature {finite.argmin()} holds NaN or infinity")
        offset, scale = self._measure(x, axes, low, high)
        self.offset_ = np.where(low < high, offset, low)  # else rounding could make 0 / 0 of it
        self.scale_ = np.where(low < high, scale, 1.0)
        large = np.absolute(self.offset_) > 1e4 * self.scale_
        self._exact = np.float64 if x.dtype.kind in "iu" and large.any() else np.float16
        return self

    def _measure(self, x: Any, axes: Any, low: Any, high: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def transform(self, x: Any) -> np.ndarray:
        """x on the new scale; float32 stays float32, and integers become nn's default dtype."""
        x, dtype = self._checked(x)
        return np.asarray((x - self.offset_) / self.scale_, dtype)

    def inverse_transform(self, x: Any) -> np.ndarray:
        """Back on the old scale."""
        x, dtype = self._checked(x)
        return np.asarray(x * self.scale_ + self.offset_, np.result_type(dtype, self._exact))

    def fit_transform(self, x: Any) -> np.ndarray:
        """`fit(x)` and `transform(x)`."""
        self.fit(x)
        return self.transform(x)

    @located
    def _checked(self, x: Any) -> tuple[np.ndarray, np.dtype[Any]]:
        """x in float64, since large numbers such as times lose too much, and the result's dtype."""
        name, x = type(self).__name__, np.asarray(x)
        if self.offset_ is None or self.scale_ is None:
            raise ValueError(f"{name} knows no scale yet; call fit(x) on the training data first")
        features = len(self.offset_)
        if not x.ndim or x.shape[-1] != features:
            raise ValueError(
                f"{name} was fitted to {features} features, and was given shape {x.shape}"
            )
        dtype = x.dtype if x.dtype.kind == "f" else get_default_dtype()
        return x.astype(np.float64, copy=False), dtype


class Standardizer(_Scaler):
    """Every feature with mean 0 and standard deviation 1, (x - mean_) / scale_.

    Fit it to the training data alone, then transform all data with it.  A feature that is constant
    becomes 0.  `mean_` and `scale_` are float64 arrays, one number for each feature.

    >>> standardizer = Standardizer().fit([[1.0, 5.0], [3.0, 5.0]])
    >>> standardizer.transform(np.array([[1.0, 5.0], [5.0, 6.0]]))
    array([[-1.,  0.],
           [ 3.,  1.]])
    >>> standardizer.mean_, standardizer.scale_
    (array([2., 5.]), array([1., 1.]))
    """

    @property
    def mean_(self) -> np.ndarray | None:
        """The mean of each feature; None before `fit`."""
        return self.offset_

    def _measure(self, x: Any, axes: Any, low: Any, high: Any) -> tuple[Any, Any]:
        return x.mean(axes, dtype=np.float64), x.std(axes, dtype=np.float64)


class MinMax(_Scaler):
    """Every feature from 0 (its minimum) to 1 (its maximum); a constant one becomes 0.

    >>> MinMax().fit_transform([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]]).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]]
    """

    def _measure(self, x: Any, axes: Any, low: Any, high: Any) -> tuple[Any, Any]:
        return low, high - low


# -------------------------------------------------------------------- images


class _Augmentation:
    """A function of a batch of images, checked."""

    @located
    def __call__(self, x: Any) -> np.ndarray:
        images = np.asarray(x)
        if images.ndim not in (3, 4):
            raise ValueError(
                f"{type(self).__name__} takes images (N, H, W) or (N, C, H, W), and was given "
                f"shape {images.shape}; unfold rows of pixels first, as in x.reshape(-1, 28, 28)"
            )
        return self._changed(images)

    def _changed(self, images: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class RandomCrop(_Augmentation):
    """A piece of each image, of a `size` (both sides, or height and width), from anywhere in it.

    Before that, `padding` rows and columns of zeros are put around the image.

    >>> RandomCrop(24)(np.ones((5, 3, 28, 28))).shape
    (5, 3, 24, 24)
    """

    def __init__(self, size: int | tuple[int, int], padding: int = 0) -> None:
        height, width = size if isinstance(size, (tuple, list)) else (size, size)
        self.size = integer("RandomCrop: size", height), integer("RandomCrop: size", width)
        self.padding = integer("RandomCrop: padding", padding, 0)

    def _changed(self, images: np.ndarray) -> np.ndarray:
        return _cropped(images, self.padding, self.size)

    def __repr__(self) -> str:
        return f"RandomCrop({self.size}, padding={self.padding})"


class RandomShift(_Augmentation):
    """Each image moved by up to so many `pixels` along both axes; zeros move in.

    >>> import nn
    >>> _ = nn.manual_seed(0)
    >>> RandomShift(1)(np.arange(1, 10).reshape(1, 3, 3))
    array([[[4, 5, 6],
            [7, 8, 9],
            [0, 0, 0]]])
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = integer("RandomShift: pixels", pixels, 0)

    def _changed(self, images: np.ndarray) -> np.ndarray:
        return _cropped(images, self.pixels, images.shape[-2:])

    def __repr__(self) -> str:
        return f"RandomShift({self.pixels})"


class RandomFlip(_Augmentation):
    """Each image mirrored with probability `p` along an axis: -1 left to right, -2 upside down.

    >>> RandomFlip(p=1.0)(np.arange(4).reshape(1, 2, 2)).tolist()
    [[[1, 0], [3, 2]]]
    """

    def __init__(self, p: float = 0.5, axis: int = -1) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomFlip: p is a probability from 0 to 1, not {p!r}")
        if axis not in (-1, -2):
            raise ValueError(f"RandomFlip: axis is -1 (left to right) or -2, not {axis!r}")
        self.p, self.axis = p, axis

    def _changed(self, images: np.ndarray) -> np.ndarray:
        flipped: np.ndarray = images.copy()
        chosen = np.flatnonzero(generator().random(len(images)) < self.p)
        flipped[chosen] = np.flip(images[chosen], self.axis)
        return flipped

    def __repr__(self) -> str:
        return f"RandomFlip({self.p}, axis={self.axis})"


class Compose:
    """One transform after the other.

    >>> Compose(RandomShift(2), RandomFlip())
    Compose(RandomShift(2), RandomFlip(0.5, axis=-1))
    """

    def __init__(self, *transforms: Callable[[Any], Any]) -> None:
        for i, transform in enumerate(transforms):
            if isinstance(transform, type) or not callable(transform):
                raise TypeError(
                    f"Compose takes functions of a batch one after the other, as in "
                    f"Compose(RandomShift(2), RandomFlip()), and number {i} is {transform!r}"
                )
        self.transforms = transforms

    def __call__(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.transforms))})"


def _cropped(images: np.ndarray, padding: int, size: tuple[int, ...]) -> np.ndarray:
    """From each image, with zeros around it, the piece of this size at a random offset."""
    if padding:
        *outer, height, width = images.shape
        padded = np.zeros((*outer, height + 2 * padding, width + 2 * padding), images.dtype)
        padded[..., padding:-padding, padding:-padding] = images  # np.pad is slower
        images = padded
    offsets = [have - want + 1 for have, want in zip(images.shape[-2:], size, strict=True)]
    if min(offsets) < 1:
        raise ValueError(
            f"pieces of size {size} cannot be cropped from images of size {images.shape[-2:]}, "
            "padding included"
        )
    top, left = (generator().integers(0, n, len(images)) for n in offsets)
    pieces = sliding_window_view(images, size, axis=(-2, -1))
    return np.asarray(np.moveaxis(pieces, (-4, -3), (1, 2))[np.arange(len(images)), top, left])
