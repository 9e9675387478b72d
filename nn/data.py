"""Data in mini-batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from tinygrad_edu import Tensor

from .display import Displayed
from .init import generator
from .validation import KeywordsChecked, integer

__all__ = ["DataLoader", "Dataset"]


class Dataset:
    """Arrays of equal length, seen as samples: `dataset[i]` is a tuple of one row of each.

    `about` holds what else is known, by name, such as `class_names`.

    >>> data = Dataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]))
    >>> len(data), data[1]
    (3, (array([2., 3.]), np.int64(1)))
    """

    def __init__(self, *arrays: Any, **about: Any) -> None:
        self.arrays = tuple(np.asarray(a) for a in arrays)
        self.about = about
        if not arrays or min(a.ndim for a in self.arrays) == 0:
            raise ValueError(
                "a Dataset needs arrays of samples, one or more; a list of samples becomes one by "
                "np.array(samples)"
            )
        lengths = [len(a) for a in self.arrays]
        if len(set(lengths)) > 1:
            raise ValueError(f"the arrays of a Dataset must be equally long, and are {lengths}")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        integers = isinstance(index, np.ndarray) and index.dtype.kind in "iu"
        return tuple(  # take is faster, but would first copy an array that is not contiguous
            a.take(index, axis=0) if integers and a.flags.c_contiguous and a.flags.aligned
            else a[index]
            for a in self.arrays
        )  # fmt: skip

    @property
    def x(self) -> np.ndarray:
        """The first array: the inputs."""
        return self.arrays[0]

    @property
    def y(self) -> np.ndarray:
        """The last array: the targets."""
        return self.arrays[-1]

    def split(self, share: float, *, seed: int | None = None) -> tuple[Dataset, Dataset]:
        """Two Datasets of shuffled samples, of which the second holds `share` of them.

        >>> train, test = Dataset(np.arange(10)).split(0.2, seed=0)
        >>> len(train), len(test)
        (8, 2)
        """
        held_out = round(share * len(self))
        if not 0 < held_out < len(self):
            raise ValueError(f"share {share} of {len(self)} samples leaves one part empty")
        order = generator(seed).permutation(len(self))
        parts = order[:-held_out], order[-held_out:]
        first, second = (Dataset(*self[np.sort(part)], **self.about) for part in parts)
        return first, second

    def __repr__(self) -> str:
        arrays = ", ".join(f"{a.dtype}{list(a.shape)}" for a in self.arrays)
        return f"Dataset({arrays})"


class Sampler(Protocol):
    """The indices of the samples of an epoch, in their order, and how many they are.

    One with a method `share` also says which part of each batch is for this process.
    """

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...


class DataLoader(Displayed, KeywordsChecked):
    """Mini-batches of a Dataset, of a tuple of arrays or of one array; one iteration is an epoch.

    A list of tuples is one of samples, as `list(zip(x, y))`.

    With `shuffle` every epoch comes in a new order, drawn from `seed` or else from the generator
    that `nn.manual_seed` sets.  The last batch is smaller if the data do not divide evenly, or
    left out with `drop_last`.  `transform` is a function of the first array of a batch, such as
    those of `nn.transforms`.  A `sampler`, in place of `shuffle`, gives the indices of an epoch's
    samples, and by `len` their number.  Batches are copies, made when they are asked for: making
    them ahead in a thread was measured to gain nothing.

    Raises ValueError for a batch size that is not positive, for empty data, and if `drop_last`
    leaves no batch.

    >>> loader = DataLoader((np.arange(5), np.arange(5) * 2), batch_size=2)
    >>> [x.tolist() for x, y in loader]
    [[0, 1], [2, 3], [4]]
    >>> loader = DataLoader((np.arange(5), np.arange(5)), batch_size=3, transform=lambda x: -x)
    >>> [(x.tolist(), y.tolist()) for x, y in loader]
    [([0, -1, -2], [0, 1, 2]), ([-3, -4], [3, 4])]
    """

    def __init__(
        self,
        dataset: Dataset | Sequence[Any] | np.ndarray,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        seed: int | None = None,
        transform: Callable[[Any], Any] | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise TypeError(
                f"a DataLoader takes a Dataset or arrays, and a {type(dataset).__name__} cannot be "
                "asked for its length and its samples; list(zip(x, y)) can"
            )
        if isinstance(batch_size, (np.ndarray, list, tuple, Tensor)):
            raise TypeError("inputs and targets go in together, as in DataLoader((x, y), 32)")
        dataset = dataset.data if isinstance(dataset, Tensor) else dataset
        self._alone = isinstance(dataset, np.ndarray)
        if isinstance(dataset, (np.ndarray, tuple, list)):
            dataset = Dataset(*((dataset,) if self._alone else columns(dataset)))
        self.dataset: Any = dataset
        self.batch_size = integer("batch_size", batch_size)
        n = len(self.dataset if sampler is None else sampler)
        if not n:
            raise ValueError("the dataset is empty")
        if sampler is not None and (shuffle or seed is not None):
            raise ValueError("a sampler gives the order, so that shuffle and seed are its own")
        if drop_last and self.batch_size > n:
            raise ValueError(
                f"batch_size={batch_size} is more than the {n} samples, and drop_last leaves no "
                "batch; take a smaller batch_size, or drop_last=False"
            )
        if isinstance(transform, type) or not (transform is None or callable(transform)):
            raise TypeError(
                f"transform must be a function of a batch, such as nn.transforms.RandomShift(2), "
                f"not {transform!r}"
            )
        self.shuffle, self.drop_last, self.transform = shuffle, drop_last, transform
        self.sampler = sampler
        self._rng = None if seed is None else np.random.default_rng(seed)

    @property
    def generator(self) -> np.random.Generator:
        """What draws the order of the next epoch; with its state, shuffling goes on as it would.

        >>> loader = DataLoader(np.arange(100), 100, shuffle=True, seed=0)
        >>> state = loader.generator.bit_generator.state
        >>> order = next(iter(loader))
        >>> loader.generator.bit_generator.state = state
        >>> bool((next(iter(loader)) == order).all())
        True
        """
        return getattr(self.sampler, "generator", None) or self._rng or generator()

    def _shown(self) -> dict[str, Any]:
        data = self.dataset if isinstance(self.dataset, Dataset) else type(self.dataset).__name__
        options = {name: getattr(self, name) for name in ("batch_size", "shuffle", "drop_last")}
        return {"data": data, **options, "batches": len(self)}

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        batches = len(self.dataset if self.sampler is None else self.sampler) / self.batch_size
        return math.floor(batches) if self.drop_last else math.ceil(batches)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        if self.sampler is not None:
            order = np.fromiter(self.sampler, np.intp)
        else:
            order = self.generator.permutation(n) if self.shuffle else np.arange(n)
        share = getattr(self.sampler, "share", None)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            index = order[start : start + self.batch_size]
            yield self.batch(index if share is None else share(index))

    def batch(self, index: Any) -> Any:
        """The samples at some indices, as iteration would give them."""
        try:
            batch = self.dataset[index]
        except (TypeError, LookupError, ValueError) as error:
            if isinstance(self.dataset, Dataset):
                raise
            kind = type(self.dataset).__name__
            raise TypeError(
                f"a DataLoader asks for {kind}[indices], with an array of them, and this raises "
                f"{error!r}; nn.Dataset(x, y) of arrays does this"
            ) from error
        if self.transform is not None:
            batch = (self.transform(batch[0]), *batch[1:])
        return batch[0] if self._alone else batch


def columns(data: Any) -> Sequence[Any]:
    """The arrays of a tuple of them; of a list of samples, tuples such as (x, y), each column.

    Raises TypeError for a list whose members could be samples or columns.
    """
    if isinstance(data, tuple) or not data:
        return data
    if all(isinstance(sample, tuple) for sample in data):
        if len({len(sample) for sample in data}) > 1:
            raise ValueError("the samples of a list must be tuples of equal length")
        return tuple(np.array(column) for column in zip(*data, strict=True))
    try:
        shapes = {np.shape(each) for each in data}
    except ValueError:
        raise TypeError(
            "the samples of a list are tuples, as in list(zip(x, y)), and no lists"
        ) from None
    if len(data) > 1 and len(shapes) == 1 and shapes != {()}:
        raise TypeError(
            f"a list of {len(data)} arrays of the same shape could be samples or inputs and "
            "targets; write np.stack(samples) for samples, the tuple (x, y) for inputs and targets"
        )
    return data  # type: ignore[no-any-return]
