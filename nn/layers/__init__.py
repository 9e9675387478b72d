"""Layers: modules with parameters."""

from .dense import Dense

__all__ = ["Dense"]
