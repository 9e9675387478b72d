"""Integers, choices and names are checked in one place, and said to be wrong in one way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nn import validation


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float32(3), np.uint8(3)])
def test_integers_are_taken_in_any_type(value: Any) -> None:
    found = validation.integer("n", value)
    assert (found, type(found)) == (3, int)


WRONG = [0, -1, 2.5, True, None, "3", math.nan, math.inf, (2, 3), np.array([3]), 1j]


@pytest.mark.parametrize("value", WRONG)
def test_what_is_no_positive_integer_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^n must be a positive integer, not "):
        validation.integer("n", value)


def test_an_integer_may_have_another_least_value() -> None:
    assert validation.integer("n", 0, least=0) == 0
    with pytest.raises(ValueError, match=r"^n must be an integer of at least 0, not -1$"):
        validation.integer("n", -1, least=0)


def test_negative_numbers_nan_and_other_choices_are_refused() -> None:
    for value in (-1, math.nan):
        with pytest.raises(ValueError, match=r"^l2 must not be negative, and is "):
            validation.not_negative("l2", value)
    with pytest.raises(ValueError, match=r"^mode is 'a', 'b' or None, not 'c'$"):
        validation.choice("mode", "c", ("a", "b", None))


def test_a_missing_package_is_told_with_its_install_line() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^plots need nothing_like_it: pip install x$"):
        validation.required("nothing_like_it.sub", "plots need", "x")
