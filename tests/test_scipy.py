"""SciPy's optimizers take our derivatives as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, hessian, hvp, jacobian, value_and_grad

optimize = pytest.importorskip("scipy.optimize")

START = np.array([-1.2, 1.0, 0.5])


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def along(x: Any, direction: Any) -> Any:
    return hvp(rosenbrock, x, direction)


@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS", "CG", "SLSQP"])
def test_methods_of_first_order(method: str) -> None:
    found = optimize.minimize(value_and_grad(rosenbrock), START, jac=True, method=method)
    assert found.success
    assert type(found.x) is np.ndarray
    np.testing.assert_allclose(found.x, 1, atol=1e-3)


@pytest.mark.parametrize("method", ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"])
@pytest.mark.parametrize("second", [{"hess": hessian(rosenbrock)}, {"hessp": along}])
def test_methods_of_second_order(method: str, second: Any) -> None:
    f = value_and_grad(rosenbrock)
    found = optimize.minimize(f, START, jac=True, method=method, **second)
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


@pytest.mark.parametrize("method", ["dogleg", "trust-exact"])
def test_methods_that_need_the_matrix(method: str) -> None:
    f, h = value_and_grad(rosenbrock), hessian(rosenbrock)
    found = optimize.minimize(f, START, jac=True, hess=h, method=method)
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


def test_constraints() -> None:
    def radius(x: Any) -> Any:
        return 2.0 - (x * x).sum()

    bound = {"type": "ineq", "fun": lambda x: radius(x).item() if isinstance(radius(x), Tensor)
             else radius(x), "jac": jacobian(radius)}  # fmt: skip
    found = optimize.minimize(
        value_and_grad(rosenbrock), START, jac=True, method="SLSQP", constraints=[bound]
    )
    assert found.success
    assert (found.x**2).sum() <= 2 + 1e-6


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares(method: str) -> None:
    times = np.linspace(0, 1, 50)
    measured = 2 * np.exp(-3 * times)

    def residuals(p: Any) -> Any:
        return p[0] * np.exp(-p[1] * times) - measured

    found = optimize.least_squares(residuals, [1.0, 1.0], jac=jacobian(residuals), method=method)
    np.testing.assert_allclose(found.x, [2, 3], atol=1e-6)


def test_roots() -> None:
    def system(x: Any) -> Any:
        return np.stack([x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1, 0.5 * (x[1] - x[0]) ** 3 + x[1]])

    jac = jacobian(system)
    found = optimize.root(lambda x: system(x), np.zeros(2), jac=jac)
    np.testing.assert_allclose(found.x, [0.8411639, 0.1588361], atol=1e-6)
