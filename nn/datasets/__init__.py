"""Data to learn on: shipped (see SOURCES.md), generated, or downloaded and kept."""

from .generated import blobs, circles, housing, moons, sine, spirals
from .idx import read_idx
from .mnist import fashion_mnist, mnist
from .shipped import digits, iris

__all__ = [
    "blobs",
    "circles",
    "digits",
    "fashion_mnist",
    "housing",
    "iris",
    "mnist",
    "moons",
    "read_idx",
    "sine",
    "spirals",
]
