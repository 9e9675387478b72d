"""Sanity checks: common mistakes in a model, its loss, its data or its optimizer."""

from .check import *
from .report import *

__all__ = ["Finding", "Fine", "SanityReport", "Unchecked", "sanity"]
