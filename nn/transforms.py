"""Data made ready: standardised, one-hot, and pictures shifted, mirrored and cropped at random.

Augmentations are functions of a batch of pictures, (N, H, W) or (N, C, H, W), and answer a new
batch; each picture meets its own chance, drawn from the generator that `nn.manual_seed` sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_edu.errors import place

from . import functional as F
from .init import generator
from .module import get_default_dtype

Size = int | tuple[int, int]


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

    def fit(self, x: Any) -> Any:
        """Find offset and scale in x (n, ..., features); answers the scaler itself.

        Raises ValueError if x has no samples, no feature axis, or values that are not finite.
        """
        name, x = type(self).__name__, np.asarray(x)
        if x.ndim < 2 or not x.size:
            raise ValueError(
                f"{name} takes samples (n, ..., features), and was given shape {x.shape}"
                + ("; make it one feature with x[:, None]" if x.ndim == 1 else "")
                + place()
            )
        axes = tuple(range(x.ndim - 1))
        low, high = x.min(axes).astype(np.float64), x.max(axes).astype(np.float64)
        finite = np.isfinite(low) & np.isfinite(high)
        if not finite.all():
            raise ValueError(f"{name}: feature {finite.argmin()} holds NaN or infinity{place()}")
        offset, scale = self._measure(x, axes, low, high)
        self.offset_ = np.where(low < high, offset, low)  # else rounding could make 0 / 0 of it
        self.scale_ = np.where(low < high, scale, 1.0)
        return self

    def _measure(self, x: Any, axes: Any, low: Any, high: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def transform(self, x: Any) -> np.ndarray:
        """x on the new scale; float32 stays float32, and integers become nn's default dtype."""
        array, offset, scale = self._checked(x)
        scaled: np.ndarray = (array - offset) / scale
        return scaled

    def inverse_transform(self, x: Any) -> np.ndarray:
        """Back on the old scale."""
        array, offset, scale = self._checked(x)
        unscaled: np.ndarray = array * scale + offset
        return unscaled

    def fit_transform(self, x: Any) -> np.ndarray:
        """`fit(x)` and `transform(x)`."""
        answer: np.ndarray = self.fit(x).transform(x)
        return answer

    def _checked(self, x: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, offset and scale in one floating dtype."""
        name, x = type(self).__name__, np.asarray(x)
        if self.offset_ is None or self.scale_ is None:
            raise ValueError(f"{name} knows no scale yet; call fit(x) on the training data first")
        features = len(self.offset_)
        if not x.ndim or x.shape[-1] != features:
            raise ValueError(
                f"{name} was fitted to {features} features, and was given shape {x.shape}{place()}"
            )
        dtype = x.dtype if x.dtype.kind == "f" else get_default_dtype()
        return x.astype(dtype, copy=False), self.offset_.astype(dtype), self.scale_.astype(dtype)


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


# -------------------------------------------------------------------- pictures


class RandomCrop:
    """A piece of each picture, of a `size` (both sides, or height and width), from a random place.

    Before that, `padding` rows and columns of zeros are put around the picture.

    >>> RandomCrop(24)(np.ones((5, 3, 28, 28))).shape
    (5, 3, 24, 24)
    """

    def __init__(self, size: Size, padding: int = 0) -> None:
        height, width = (size, size) if isinstance(size, (int, np.integer)) else size
        self.size = _whole("RandomCrop", "size", height, 1), _whole("RandomCrop", "size", width, 1)
        self.padding = _whole("RandomCrop", "padding", padding)

    def __call__(self, x: Any) -> np.ndarray:
        return _cropped(_padded(_pictures(self, x), self.padding), self.size)

    def __repr__(self) -> str:
        return f"RandomCrop({self.size}, padding={self.padding})"


class RandomShift:
    """Each picture moved by up to so many `pixels` along both axes; zeros move in.

    >>> import nn
    >>> _ = nn.manual_seed(0)
    >>> RandomShift(1)(np.arange(1, 10).reshape(1, 3, 3))
    array([[[4, 5, 6],
            [7, 8, 9],
            [0, 0, 0]]])
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = _whole("RandomShift", "pixels", pixels)

    def __call__(self, x: Any) -> np.ndarray:
        x = _pictures(self, x)
        return _cropped(_padded(x, self.pixels), x.shape[-2:])

    def __repr__(self) -> str:
        return f"RandomShift({self.pixels})"


class RandomFlip:
    """Each picture mirrored with probability `p` along an axis: -1 left to right, -2 upside down.

    >>> RandomFlip(p=1.0)(np.arange(4).reshape(1, 2, 2)).tolist()
    [[[1, 0], [3, 2]]]
    """

    def __init__(self, p: float = 0.5, axis: int = -1) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomFlip: p is a probability from 0 to 1, not {p!r}")
        if axis not in (-1, -2):
            raise ValueError(f"RandomFlip: axis is -1 (left to right) or -2, not {axis!r}")
        self.p, self.axis = p, axis

    def __call__(self, x: Any) -> np.ndarray:
        answer: np.ndarray = _pictures(self, x).copy()
        chosen = np.flatnonzero(generator().random(len(answer)) < self.p)
        answer[chosen] = np.flip(answer[chosen], self.axis)
        return answer

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


def _whole(owner: str, name: str, value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        kind = "a positive integer" if least else "an integer of at least 0"
        raise ValueError(f"{owner}: {name} must be {kind}, not {value!r}")
    return int(value)


def _pictures(transform: Any, x: Any) -> np.ndarray:
    pictures = np.asarray(x)
    if pictures.ndim not in (3, 4):
        raise ValueError(
            f"{type(transform).__name__} takes pictures (N, H, W) or (N, C, H, W), and was given "
            f"shape {pictures.shape}; unfold rows of pixels first, as in x.reshape(-1, 28, 28)"
            + place()
        )
    return pictures


def _padded(x: np.ndarray, n: int) -> np.ndarray:
    if not n:
        return x
    *outer, height, width = x.shape
    answer = np.zeros((*outer, height + 2 * n, width + 2 * n), x.dtype)  # np.pad is slower
    answer[..., n:-n, n:-n] = x
    return answer


def _cropped(x: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """From each picture the piece of this size at a random place."""
    room = [have - want + 1 for have, want in zip(x.shape[-2:], size, strict=True)]
    if min(room) < 1:
        raise ValueError(
            f"pieces of size {size} cannot be cropped from pictures of size {x.shape[-2:]}, "
            f"padding included{place()}"
        )
    top, left = (generator().integers(0, n, len(x)) for n in room)
    pieces = sliding_window_view(x, size, axis=(-2, -1))
    chosen: np.ndarray = np.moveaxis(pieces, (-4, -3), (1, 2))[np.arange(len(x)), top, left]
    return chosen
