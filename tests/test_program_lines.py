"""An op as lines of NumPy, as the explorer shows it."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import op, ops
from tinygrad_edu.program.helpers import Helpers
from tinygrad_edu.program.inline import SIMPLE, Inliner
from tinygrad_edu.program.lines import lines_of
from tinygrad_edu.program.values import Array
from tinygrad_edu.program.writing import Names


def test_a_dense_layer() -> None:
    arrays = [np.ones((5, 3)), np.ones((3, 2)), np.ones(2)]
    assert lines_of(ops.dense.op, ["x", "0.weight", "0.bias"], arrays, [], "hidden") == [
        "hidden = x @ layer0_weight + layer0_bias",
        "d_x = d_hidden @ layer0_weight.T",
        "d_layer0_weight = x.T @ d_hidden",
        "d_layer0_bias = d_hidden",
    ]


def test_numbers_and_static_arguments() -> None:
    assert lines_of(ops.multiply.op, ["a", "2"], [np.ones(3), 2.0], [], "b") == [
        "b = a * 2.0",
        "d_a = d_b * 2.0",
    ]
    lines = lines_of(ops.sum.op, ["a"], [np.ones((2, 3))], [0, None, False], "total")
    assert lines[0] == "total = a.sum(axis=0)"


def test_a_list_of_arguments() -> None:
    statics = [0, None, "same_kind"]
    lines = lines_of(ops.stack.op, ["a", "b"], [np.ones(2), np.ones(2)], statics, "c")
    assert lines[0] == 'c = stack([a, b], 0, None, "same_kind")'
    assert lines[1:] == ["d_a = d_c[0]", "d_b = d_c[1]"]


def test_an_op_with_variables_from_around_it() -> None:
    power = 3

    @op(None, lambda g, x: g * power * x**2, method=False)
    def cube(x: np.ndarray) -> np.ndarray:
        """Third power.
        y = x³,  ∂L/∂x = 3 g x²"""
        return x**power

    assert lines_of(cube.op, ["x"], [np.ones(2)], [], "y")[0] == "y = cube(x)"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["softmax", "cross_entropy", "getitem", "max", "where"])
def test_others_can_be_written(name: str) -> None:
    function = getattr(ops, name).op
    given = {
        "softmax": ([np.ones((2, 3))], [-1]),
        "cross_entropy": ([np.ones((2, 3)), np.zeros(2, int)], ["mean"]),
        "getitem": ([np.ones((2, 3))], [slice(1)]),
        "max": ([np.ones((2, 3))], [None, False]),
        "where": ([np.ones(2, bool), np.ones(2), np.ones(2)], []),
    }[name]
    names = ["a", "b", "c"][: len(given[0])]
    assert lines_of(function, names, *given, "y")[0]


# -------------------------------------------------------------------- bodies that are copied


def doubled_if_positive(x: Any) -> Any:
    return x * 2 if is_positive(x) else x


def is_positive(x: Any) -> bool:
    return bool(np.all(x > 0))


is_positive.__module__ = "tinygrad_edu.ops"  # as if it were one of the library's


def test_a_branch_on_values_in_a_body_is_not_decided_beforehand() -> None:
    names = Names()
    inliner = Inliner(names.fresh, Helpers(names.fresh), SIMPLE)
    result = inliner.call(doubled_if_positive, [Array(ast.Name("x"), np.ones(2))])
    assert ast.unparse(result.expression) == "doubled_if_positive(x)"
    assert "doubled_if_positive" in inliner.helpers.functions


def test_constants_of_one_name_from_two_modules_have_two_names() -> None:
    names = Names()
    helpers = Helpers(names.fresh)
    one, two, same = (helpers.constant("_LEAST", value) for value in (1.0, 2.0, 1.0))
    assert one == same != two
    assert helpers.constants == {one: "1.0", two: "2.0"}
