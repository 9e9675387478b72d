"""MNIST and Fashion-MNIST: 70,000 images of 28 x 28 pixels in ten classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data import Dataset
from .download import fetch
from .idx import read_idx

__all__ = ["fashion_mnist", "mnist"]

FILES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
         "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")  # fmt: skip

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_SUMS = (  # SHA-256 of the unpacked content, which mirrors pack differently
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)

FASHION_MIRRORS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
)
FASHION_SUMS = (  # MD5 of the packed files, since their authors publish no other
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79",
    "bb300cfdad3c16e7a12a480ee83cd310",
)
FASHION_NAMES = ["T-shirt", "trousers", "pullover", "dress", "coat",
                 "sandal", "shirt", "sneaker", "bag", "ankle boot"]  # fmt: skip


def mnist() -> tuple[Dataset, Dataset]:
    """Handwritten digits, 60,000 to learn from and 10,000 to test (LeCun, Cortes, Burges, 1998).

    x: float32 (n, 784), the pixels row by row, 0 (paper) to 1 (ink); y: int64 (n,), the digit.
    The files are read from $TINYGRAD_EDU_DATA (or its folder `mnist`), else from a cache in the
    home directory, else downloaded.  Raises ValueError for damaged files, ConnectionError if
    they cannot be had.
    """
    return _load("mnist", MNIST_SUMS, MNIST_MIRRORS, [str(i) for i in range(10)])


def fashion_mnist() -> tuple[Dataset, Dataset]:
    """Images of clothes, as `mnist()` (Xiao, Rasul and Vollgraf, 2017; MIT license)."""
    return _load("fashion-mnist", FASHION_SUMS, FASHION_MIRRORS, FASHION_NAMES)


def _load(
    name: str, sums: Sequence[str], mirrors: Sequence[str], class_names: list[str]
) -> tuple[Dataset, Dataset]:
    paths = (fetch(f"{name}/{f}", s, mirrors) for f, s in zip(FILES, sums, strict=True))
    x, y, test_x, test_y = paths
    return _dataset(x, y, class_names), _dataset(test_x, test_y, class_names)


def _dataset(images_path: Path, labels_path: Path, class_names: list[str]) -> Dataset:
    """Images and labels, if the files hold them and they go together."""
    images, labels = read_idx(images_path, axes=3), read_idx(labels_path, axes=1)
    for path, array in ((images_path, images), (labels_path, labels)):
        if array.dtype != np.uint8 or not array.size:
            raise ValueError(f"{path} should hold bytes, and holds {array.dtype}{array.shape}")
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} holds {len(images)} images, and {labels_path} {len(labels)} labels"
        )
    if labels.max() >= len(class_names):
        raise ValueError(
            f"{labels_path} holds the label {labels.max()}, and there are {len(class_names)} "
            f"classes, from 0 to {len(class_names) - 1}"
        )
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    return Dataset(
        pixels, labels.astype(np.int64), class_names=class_names, image_shape=images.shape[1:]
    )
