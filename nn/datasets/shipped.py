"""The two data sets that come with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data import Dataset

__all__ = ["digits", "iris"]

_HERE = Path(__file__).parent


def digits() -> Dataset:
    """1797 handwritten digits (Alpaydin and Kaynak, 1998).

    x: float32 (1797, 64), the 8 x 8 pixels row by row, 0 (paper) to 1 (ink); y: int64 (1797,), the
    digit.

    >>> data = digits()
    >>> data, int(data.y[0])
    (Dataset(float32[1797, 64], int64[1797]), 0)
    """
    with np.load(_HERE / "digits.npz", allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    return Dataset(
        images.reshape(len(images), -1).astype(np.float32) / 16,
        labels.astype(np.int64),
        class_names=[str(i) for i in range(10)],
        image_shape=(8, 8),
    )


def iris() -> Dataset:
    """150 irises of three species (Fisher, 1936).

    x: float32 (150, 4), length and width of sepal and petal in cm; y: int64 (150,), the species.

    >>> data = iris()
    >>> data, data.about["class_names"]
    (Dataset(float32[150, 4], int64[150]), ['setosa', 'versicolor', 'virginica'])
    """
    header, *rows = (_HERE / "iris.csv").read_text().split()
    *values, species = zip(*(row.split(",") for row in rows), strict=True)
    names = list(dict.fromkeys(species))
    return Dataset(
        np.array(values, np.float32).T.copy(),
        np.array([names.index(s) for s in species]),
        class_names=names,
        feature_names=header.split(",")[:-1],
    )
