"""Scalers agree with scikit-learn's; augmentations move each image by its own chance, no other
way; the loader hands out what its data and its transform say."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from nn.transforms import Compose, MinMax, RandomCrop, RandomFlip, RandomShift

SHAPES = [(50, 7, 5), (50, 3, 7, 5)]


def images(shape: tuple[int, ...] = (50, 7, 5), dtype: Any = np.float32) -> np.ndarray:
    """Images of which no two pixels are alike, and none is 0."""
    return np.arange(1, np.prod(shape) + 1, dtype=dtype).reshape(shape)


# -------------------------------------------------------------------- one-hot and scales


def test_one_hot() -> None:
    assert nn.one_hot([[1], [0]], 3).tolist() == [[[0, 1, 0]], [[1, 0, 0]]]
    assert nn.one_hot(np.array([1]), 2).dtype == np.float32
    assert nn.one_hot(np.array([1]), 2, np.float64).dtype == np.float64
    with pytest.raises(IndexError, match="one_hot"):
        nn.one_hot([3], 3)


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(["Standardizer", "MinMax"]),
    seed=st.integers(0, 99),
    shape=st.sampled_from([(9, 4), (5, 3, 4), (2, 1)]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_scalers(kind: str, seed: int, shape: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(3, 10, shape) * 2.0 ** np.arange(shape[-1])).astype(dtype)
    scaler = getattr(nn.transforms, kind)()
    y = scaler.fit_transform(x)
    assert (y.dtype, y.shape) == (dtype, shape)
    flat, tolerance = y.reshape(-1, shape[-1]), 1e-4 if dtype == np.float32 else 1e-12
    got, want = (flat.mean(0), flat.std(0)), (0.0, 1.0)
    if kind == "MinMax":
        got = flat.min(0), flat.max(0)
    np.testing.assert_allclose(got[0], want[0], atol=tolerance)
    np.testing.assert_allclose(got[1], want[1], atol=tolerance)
    np.testing.assert_allclose(scaler.inverse_transform(y), x, rtol=tolerance, atol=10 * tolerance)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(scaler)).transform(x), y)


def test_scalers_as_in_scikit_learn() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = np.random.default_rng(0).normal(5, 3, (40, 6))
    x[:, 2], new = 0.1, x[::-1] * 2 + 1
    ours, theirs = nn.Standardizer().fit(x), preprocessing.StandardScaler().fit(x)
    np.testing.assert_allclose(ours.mean_, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.scale_, theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), rtol=1e-12)
    ours, theirs = MinMax().fit(x), preprocessing.MinMaxScaler().fit(x)
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), rtol=1e-12)


@pytest.mark.parametrize("scaler", [nn.Standardizer(), MinMax()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_becomes_0_and_comes_back(scaler: Any, dtype: Any) -> None:
    x = np.full((1000, 2), [0.1, 1e7 / 3]).astype(dtype)
    assert not scaler.fit_transform(x).any(), "not the rounding error of the mean, blown up"
    np.testing.assert_array_equal(scaler.inverse_transform(np.zeros((1000, 2), dtype)), x)
    assert scaler.transform(x + 1).max() == 1


def test_scalers_take_integers_and_large_means() -> None:
    years = 2000 + np.arange(200_000)[:, None] % 2
    assert nn.Standardizer().fit_transform(years).dtype == np.float32
    scaler = nn.Standardizer().fit(np.tile(years, 2).astype(np.float32))
    np.testing.assert_allclose(scaler.mean_, [2000.5, 2000.5], rtol=1e-9)
    np.testing.assert_allclose(scaler.scale_, [0.5, 0.5], rtol=1e-9)


def test_scalers_say_what_is_wrong() -> None:
    scaler = nn.Standardizer()
    with pytest.raises(ValueError, match=r"Standardizer knows no scale yet; call fit\(x\)"):
        scaler.transform(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"was given shape \(3,\); make it one feature with x\["):
        scaler.fit(np.ones(3))
    with pytest.raises(ValueError, match=r"samples \(n, ..., features\), and was given .*\(0, 3\)"):
        scaler.fit(np.ones((0, 3)))
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="feature 1 holds NaN or infinity, at test_transforms"):
            scaler.fit(np.array([[1, 2], [3, bad]]))
    assert scaler.mean_ is None
    with pytest.raises(ValueError, match=r"fitted to 2 features, and was given shape \(4, 3\)"):
        scaler.fit(np.eye(2)).transform(np.ones((4, 3)))


# -------------------------------------------------------------------- images


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_shift_moves_each_image_by_its_own_offset(shape: tuple[int, ...], dtype: Any) -> None:
    nn.manual_seed(1)
    x = images(shape, np.int64).astype(dtype) | 1 if dtype == np.uint8 else images(shape)
    before, p = x.copy(), 2
    y = RandomShift(p)(x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    np.testing.assert_array_equal(x, before)
    padding = [(0, 0)] * (x.ndim - 3) + [(p, p), (p, p)]
    offsets = set()
    for image, moved in zip(x, y, strict=True):
        wide = np.pad(image, padding)
        found = [
            (i, j)
            for i in range(2 * p + 1)
            for j in range(2 * p + 1)
            if np.array_equal(wide[..., i : i + 7, j : j + 5], moved)
        ]
        assert len(found) >= 1
        offsets.add(found[0])
    assert {i for i, _ in offsets} == {j for _, j in offsets} == set(range(2 * p + 1))
    assert len(offsets) > 2 * p + 1, "rows and columns move independently"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [-1, -2])
def test_flip(shape: tuple[int, ...], axis: int) -> None:
    nn.manual_seed(0)
    x = images(shape)
    before = x.copy()
    y = RandomFlip(0.3, axis)(x)
    np.testing.assert_array_equal(x, before)
    kept = [np.array_equal(a, b) for a, b in zip(x, y, strict=True)]
    turned = [np.array_equal(np.flip(a, axis), b) for a, b in zip(x, y, strict=True)]
    assert all(a != b for a, b in zip(kept, turned, strict=True))
    assert 5 <= sum(turned) <= 25
    np.testing.assert_array_equal(RandomFlip(0.0, axis)(x), x)
    np.testing.assert_array_equal(RandomFlip(1.0, axis)(x), np.flip(x, axis))


@pytest.mark.parametrize("shape", SHAPES)
def test_crop(shape: tuple[int, ...]) -> None:
    nn.manual_seed(0)
    x = images(shape)
    y = RandomCrop((4, 3))(x)
    assert y.shape == (*shape[:-2], 4, 3)
    corners = set()
    for image, piece in zip(x, y, strict=True):
        offset = int((piece - image[..., :4, :3]).flat[0])
        i, j = divmod(offset, 5)
        corners.add((i, j))
        np.testing.assert_array_equal(piece, image[..., i : i + 4, j : j + 3])
    assert corners == {(i, j) for i in range(4) for j in range(3)}
    assert RandomCrop(9, padding=2)(x).shape == (*shape[:-2], 9, 9)
    np.testing.assert_array_equal(RandomCrop((7, 5))(x), x)


def test_augmentation_repeats_from_the_seed_and_composes() -> None:
    both = Compose(RandomShift(2), RandomFlip())
    x = images()
    nn.manual_seed(4)
    first, second = both(x), both(x)
    assert not np.array_equal(first, second)
    nn.manual_seed(4)
    np.testing.assert_array_equal(RandomFlip()(RandomShift(2)(x)), first)
    assert repr(RandomCrop(24, padding=2)) == "RandomCrop((24, 24), padding=2)"
    assert Compose()(x) is x


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: RandomShift(-1), ValueError, "RandomShift: pixels must be an integer of at least"),
        (lambda: RandomShift(1.5), ValueError, "not 1.5"),
        (lambda: RandomFlip(1.1), ValueError, "RandomFlip: p is a probability"),
        (lambda: RandomFlip(axis=0), ValueError, "axis is -1 .* not 0"),
        (lambda: RandomCrop(0), ValueError, "RandomCrop: size must be a positive integer, not 0"),
        (lambda: RandomCrop(3, padding=-1), ValueError, "padding must be"),
        (lambda: Compose(RandomFlip), TypeError, "number 0 is <class"),
        (lambda: Compose([RandomFlip()]), TypeError, r"number 0 is \[RandomFlip"),
        (lambda: RandomShift(2)(np.ones((5, 784))), ValueError, r"\(5, 784\); unfold .*transforms"),
        (lambda: RandomCrop(8)(images()), ValueError, r"size \(8, 8\) .* of size \(7, 5\)"),
    ],
)
def test_bad_augmentations(make: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make()


# -------------------------------------------------------------------- the loader


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_loader_transforms_inputs_alone_and_leaves_the_data(shuffle: bool) -> None:
    x, y = images(), np.arange(50)
    before = x.copy()
    loader = nn.DataLoader((x, y), 8, shuffle, seed=0, transform=RandomFlip(1.0))
    for batch, target in loader:
        np.testing.assert_array_equal(batch, x[target, :, ::-1])
    np.testing.assert_array_equal(x, before)
    alone = nn.DataLoader(x, 50, transform=RandomFlip(1.0))
    np.testing.assert_array_equal(next(iter(alone)), x[..., ::-1])
    np.testing.assert_array_equal(loader.batch(np.array([3]))[0], x[[3], :, ::-1])
    for wrong in (RandomFlip, 3):
        with pytest.raises(TypeError, match="transform must be a function of a batch"):
            nn.DataLoader(x, 8, transform=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("shuffle", [False, True])
def test_what_is_done_to_a_batch_is_not_done_to_the_data(shuffle: bool) -> None:
    x = np.arange(10.0)
    for batch, _ in nn.DataLoader((x, x), 4, shuffle, seed=0):
        batch *= 0
    np.testing.assert_array_equal(x, np.arange(10.0))


def test_a_dataset_is_of_arrays() -> None:
    for wrong in (lambda: nn.Dataset(np.ones(3), None), lambda: nn.DataLoader([1, 2, 3])):
        with pytest.raises(ValueError, match=r"arrays of samples, .* np.array\(samples\)"):
            wrong()


def test_the_loader_goes_on_from_the_state_of_its_generator() -> None:
    loader, other = (nn.DataLoader(np.arange(30), 4, shuffle=True, seed=s) for s in (1, 2))
    list(loader)
    state = loader.generator.bit_generator.state
    expected = np.concatenate(list(loader))
    other.generator.bit_generator.state = state
    np.testing.assert_array_equal(np.concatenate(list(other)), expected)
    assert nn.DataLoader(np.arange(3), shuffle=True).generator is nn.init.generator()


def test_the_loader_after_an_early_end_and_with_a_batch_that_is_too_large() -> None:
    loader = nn.DataLoader(np.arange(10), 4, shuffle=True, seed=0)
    for _ in loader:
        break
    assert sorted(np.concatenate(list(loader))) == list(range(10))
    assert len(nn.DataLoader(np.arange(10), 64)) == 1
    assert [len(b) for b in nn.DataLoader(np.arange(10), 64, shuffle=True)] == [10]
    with pytest.raises(ValueError, match="64 is more than the 10 samples, and drop_last leaves no"):
        nn.DataLoader(np.arange(10), 64, drop_last=True)


def test_rows_are_those_of_indexing() -> None:
    """Also of arrays that do not lie as `take` wants them, and by indices of any kind."""
    wide = np.arange(60.0).reshape(6, 10)
    unaligned = np.frombuffer(b"x" + wide.tobytes(), np.uint8)[1:].view(np.float64).reshape(6, 10)
    assert not unaligned.flags.aligned
    for array in (wide, wide.T, wide[:, ::2], unaligned, wide[:, 0], np.arange(6).astype(">i4")):
        data = nn.Dataset(array)
        for index in (np.array([3, -1, 3]), np.array([[0, 1], [2, 3]]), np.arange(len(array)) > 2):
            np.testing.assert_array_equal(data[index][0], array[index])
        with pytest.raises(IndexError, match="out of bounds"):
            data[np.array([len(array)])]


def test_a_dataset_of_ones_own_is_asked_for_its_samples() -> None:
    class Squares(nn.Dataset):
        def __getitem__(self, index: Any) -> tuple[Any, ...]:
            (x,) = super().__getitem__(index)
            return x, x**2

    for x, y in nn.DataLoader(Squares(np.arange(10)), 4, shuffle=True):
        np.testing.assert_array_equal(y, x**2)
