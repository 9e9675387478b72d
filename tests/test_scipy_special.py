"""SciPy's special functions: declared as every op is, found when one is first called."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import Tensor, grad, ops
from tinygrad_edu.checks import UndefinedValue, check_op
from tinygrad_edu.declare import Op
from tinygrad_edu.registry import OPS

from .agreement import agree, leaf
from .samples import Call, core

special = pytest.importorskip("scipy.special")
scipy_special = pytest.importorskip("tinygrad_edu.ops.extended.scipy_special")

ROOT = Path(__file__).parents[1]
ALL = {
    name: getattr(scipy_special, name)
    for name in scipy_special.__all__
    if isinstance(getattr(getattr(scipy_special, name), "op", None), Op)
}


@st.composite
def calls(draw: Any, op: Op) -> Call:
    """Broadcasting numbers in the op's domain; those without a derivative are floats as well."""
    given = core.elementwise(draw, op).operands
    operands = core.values(draw, op, *(x.shape for x in given))
    if op.name == "polygamma":  # of an integer order
        operands[0] = np.asarray(draw(st.integers(0, 4)))
    return Call(operands, {})


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_op(name: str, data: st.DataObject) -> None:
    op = ALL[name].op
    with contextlib.suppress(UndefinedValue):
        check_op(ALL[name], *data.draw(calls(op)).operands)


def test_every_name_is_scipys_and_finds_its_op() -> None:
    for name in scipy_special.__all__:
        function = getattr(special, name)
        if isinstance(function, np.ufunc):
            assert OPS[function] is getattr(scipy_special, name)
    for function in (special.kn, special.yn):
        x = leaf([0.6, 3.0])
        np.testing.assert_allclose(function(2, x).data, function(2, x.data), rtol=1e-13)
    for name in ("psi", "jn", "expm1", "log1p", "exp2", "cbrt"):
        agree(
            getattr(special, name) if name != "jn" else lambda x: special.jn(1, x), np.array([0.6])
        )
    agree(special.softplus if hasattr(special, "softplus") else special.erf, np.array([0.6]))


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_scipy_is_imported_by_nobody_but_the_user() -> None:
    assert run("import sys, tinygrad_edu, nn; print('scipy' in sys.modules)") == "False"
    code = """
import sys
import scipy.special
import numpy as np
from tinygrad_edu import Tensor
module = "tinygrad_edu.ops.extended.scipy_special"
t = Tensor(3.0, requires_grad=True)
np.exp(t)
assert module not in sys.modules
y = scipy.special.gammaln(t)
assert module in sys.modules
y.backward()
assert abs(t.grad - scipy.special.digamma(3.0)) < 1e-15
"""
    run(code)


def test_without_scipy_the_error_says_how_to_install_it() -> None:
    code = """
import sys
import tinygrad_edu
sys.meta_path.insert(0, type("No", (), {"find_spec": lambda *a: None}))
sys.path[:] = [p for p in sys.path if "site-packages" not in p]
try:
    import tinygrad_edu.ops.extended.scipy_special
except ImportError as error:
    print(error)
"""
    assert run(code) == "SciPy's functions need SciPy: pip install scipy"


class TestWhatHasNoOp:
    @pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
    def test_functions_in_python_name_the_op(self, name: str) -> None:
        message = rf"SciPy's {name} makes plain arrays .* write ops\.{name}\(x, axis\), or t\.data"
        with pytest.raises(TypeError, match=message):
            getattr(special, name)(leaf([1.0, 2.0]), axis=0)
        getattr(ops, name)(leaf([1.0, 2.0]), 0)

    def test_functions_in_python_that_are_here(self) -> None:
        x = np.array([1.5, 2.5])
        with pytest.raises(TypeError, match=r"scipy_special\.polygamma\(n, x\)"):
            special.polygamma(1, leaf(x))
        with pytest.raises(TypeError, match=r"scipy_special\.multigammaln\(a, d\)"):
            special.multigammaln(leaf(x), 2)
        agree(lambda a: scipy_special.multigammaln(a, 3), x)
        np.testing.assert_allclose(
            scipy_special.multigammaln(leaf(x), 3).data, special.multigammaln(x, 3)
        )
        with pytest.raises(ValueError, match=r"larger than \(d - 1\) / 2 = 1\.0"):
            scipy_special.multigammaln(leaf(x) - 1, 3)

    def test_others_are_named_in_full(self) -> None:
        with pytest.raises(TypeError, match=r"^scipy\.special\.ellipj has no derivative here"):
            special.ellipj(leaf(0.5), 0.1)
        with pytest.raises(TypeError, match=r"^scipy\.special\.xlogy\.reduce is not recorded"):
            special.xlogy.reduce(leaf([0.5]))
        with pytest.raises(TypeError, match=r"^SciPy's comb makes .* write t\.data"):
            special.comb(5, leaf(2.0))

    def test_an_array_made_by_the_user_inside_of_scipy_is_not_scipys(self) -> None:
        optimize = pytest.importorskip("scipy.optimize")
        with pytest.raises(TypeError, match=r"^turning a Tensor"):
            optimize.brentq(lambda x: np.asarray(leaf(x)), -1, 1)

    def test_constants_are_arrays(self) -> None:
        np.testing.assert_allclose(special.logsumexp(Tensor([1.0, 2.0])), np.logaddexp(1, 2))

    def test_arguments_without_a_derivative(self) -> None:
        with pytest.raises(TypeError, match="gammainc has no derivative with respect to `a`"):
            special.gammainc(leaf(0.5), 0.1)


class TestExtremes:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_logarithms_of_probabilities(self, dtype: Any) -> None:
        x = leaf([-1e4, -40.0, 40.0, 1e4], dtype)
        g = grad(special.log_ndtr(x).sum(), x).data
        np.testing.assert_allclose(g, [1e4, 40.0249688, 0, 0], rtol=1e-6, atol=1e-30)
        g = grad(special.log_expit(x).sum(), x).data
        np.testing.assert_allclose(g, [1, 1, 0, 0], atol=1e-15)
        g = grad(special.expit(x).sum(), x).data
        np.testing.assert_allclose(g, 0, atol=1e-15)

    def test_products_that_are_0(self) -> None:
        for function in (special.xlogy, special.rel_entr):
            x, y = leaf([0.0, 0.0]), leaf([0.0, 2.0])
            z = function(x, y)
            assert (z.data == 0).all()
            gy = grad(z.sum(), y, create_graph=True)
            assert (gy.data == 0).all()
            cross = grad(gy.sum(), x).data
            assert cross[1] == (0.5 if function is special.xlogy else -0.5)
        x, y = leaf(0.0), leaf(-1.0)
        assert grad(special.xlog1py(x, y), y).data == 0

    def test_huber_at_its_ends(self) -> None:
        delta, r = leaf(1.0), leaf([-3.0, -1.0, 0.5, 1.0, 2.0])
        by_delta, by_r = grad(special.huber(delta, r).sum(), [delta, r])
        assert by_delta.data == 3
        np.testing.assert_array_equal(by_r.data, [-1, -1, 0.5, 1, 1])
