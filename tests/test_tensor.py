"""The interface of Tensor: NumPy's protocols, Python's protocols, attributes and `grad`."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, no_grad, op

X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])


def leaf(data: Any = X, **options: Any) -> Tensor:
    return Tensor(data, requires_grad=True, **options)


# -------------------------------------------------------------------- NumPy


@pytest.mark.parametrize(
    "expression",
    [
        lambda x: np.exp(x),
        lambda x: np.ones(3) * x,
        lambda x: np.float64(2) * x,
        lambda x: np.float32(2) + x,
        lambda x: 2**x,
        lambda x: 2 / x,
        lambda x: 2 - x,
        lambda x: [1.0, 2.0, 3.0] * x,
        lambda x: x % 2,
        lambda x: x // 2,
        lambda x: 7 % x,
        lambda x: 7 // x,
        lambda x: +x,
        lambda x: -x,
        lambda x: abs(x),
        lambda x: x @ np.ones(3),
        lambda x: np.ones(2) @ x,
        lambda x: x @ np.ones((3, 2)),
        lambda x: np.sum(a=x),
        lambda x: np.sum(x, axis=0),
        lambda x: np.mean(x, 1, keepdims=True),
        lambda x: np.var(x, axis=0, ddof=1),
        lambda x: x.reshape(3, 2),
        lambda x: x.reshape((3, 2)),
        lambda x: x.reshape(-1),
        lambda x: np.reshape(x, (3, 2)),
        lambda x: np.swapaxes(x, axis1=0, axis2=1),
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: x.transpose(),
        lambda x: x.T,
        lambda x: np.clip(x, 0, 1),
        lambda x: np.clip(x, 0, None),
        lambda x: x.clip(min=0),
        lambda x: x.clip(0, max=2),
        lambda x: np.where(X > 0, x, 0),
        lambda x: np.concatenate([x, np.ones((1, 3)), x], axis=0),
        lambda x: np.concatenate((x, x), axis=None),
        lambda x: np.stack([x, X], axis=-1),
        lambda x: x.flatten(),
        lambda x: np.ravel(x),
        lambda x: np.squeeze(x[None], 0),
        lambda x: np.expand_dims(x, (0, 2)),
        lambda x: np.broadcast_to(x, (2, 2, 3)),
        lambda x: x[1],
        lambda x: x[..., None, ::-1],
        lambda x: x[:, [0, 0, 2]],
        lambda x: x[X > 0],
        lambda x: x[np.array([1, 0]), np.array([2, 2])],
        lambda x: np.maximum(x, [0.0, 1.0, 2.0]),
        lambda x: np.copy(x),
    ],
)
def test_numpy_expressions_record(expression: Any) -> None:
    x = leaf()
    y = expression(x)
    assert isinstance(y, Tensor)
    np.testing.assert_array_equal(y.data, expression(X))
    (y * y).sum().backward()
    assert x.grad.shape == X.shape


@pytest.mark.parametrize(
    "query",
    [
        lambda x: x > 0,
        lambda x: x <= x,
        lambda x: 0 < x,  # noqa: SIM300
        lambda x: x == 3,
        lambda x: x != X,
        lambda x: np.greater(x, 1),
        lambda x: x.argmax(),
        lambda x: np.argmin(x, axis=1),
        lambda x: x.any(),
        lambda x: np.all(x, axis=0),
        lambda x: np.isfinite(x),
        lambda x: np.shape(x),
        lambda x: np.zeros_like(x),
        lambda x: np.argsort(x),
        lambda x: x.astype(int),
    ],
)
def test_comparisons_and_indices_are_plain_arrays(query: Any) -> None:
    result = query(leaf())
    assert not isinstance(result, Tensor)
    np.testing.assert_array_equal(result, query(X))


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((3,), (2, 3, 4)),
        ((2, 3), (3,)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (4, 3, 2)),
        ((5, 2, 3), (3,)),
    ],
)
def test_matmul_of_every_rank_pair(shapes: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = (leaf(rng.normal(size=shape)) for shape in shapes)
    out = x @ y
    g = rng.normal(size=out.shape)
    out.backward(g)
    v, w = (rng.normal(size=shape) for shape in shapes)
    np.testing.assert_allclose((x.grad * v).sum(), (g * (v @ y.data)).sum())
    np.testing.assert_allclose((y.grad * w).sum(), (g * (x.data @ w)).sum())


def test_no_object_arrays() -> None:
    for y in (np.float64(2) * leaf(), np.ones(3) + leaf(), np.array(2.0) / leaf()):
        assert isinstance(y, Tensor)
        assert y.dtype == np.float64


def test_constants_are_not_recorded_but_stay_tensors() -> None:
    y = Tensor(X) * 2
    assert isinstance(y, Tensor)
    assert not y.requires_grad
    assert y.node is None


def test_an_op_without_a_tensor_is_plain_numpy() -> None:
    from tinygrad_edu import ops

    assert type(ops.relu(X)) is np.ndarray


# -------------------------------------------------------------------- Python


def test_numbers() -> None:
    t = leaf([2.5])
    assert (float(t), int(t), t.item(), f"{t:.3f}", bool(t)) == (2.5, 2, 2.5, "2.500", True)
    assert f"{leaf(1.0)}" == "Tensor(1., requires_grad=True)"


def test_iteration_and_length() -> None:
    x = leaf()
    first, second = x
    assert len(x) == 2
    (first * 2 + second).sum().backward()
    np.testing.assert_array_equal(x.grad, [[2.0] * 3, [1.0] * 3])
    with pytest.raises(TypeError, match="0-d"):
        iter(leaf(1.0))


def test_python_sum_and_sorting_keys() -> None:
    a, b = leaf(1.0), leaf(2.0)
    total = sum([a, b, a])
    total.backward()
    assert (a.grad, b.grad) == (2.0, 1.0)
    assert max([a, b], key=float) is b


def test_hash_is_identity() -> None:
    a, b = leaf(1.0), leaf(1.0)
    assert len({a, b}) == 2
    assert {a: 1}[a] == 1


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_copies_are_detached_leaves(duplicate: Any) -> None:
    x = leaf(name="x")
    for t in (x, x * 2):
        other = duplicate(t)
        np.testing.assert_array_equal(other.data, t.data)
        assert other.is_leaf
        assert other.requires_grad
        assert other.name == t.name
        (other * 2).sum().backward()
        assert x.grad is None
    assert not duplicate(Tensor(X)).requires_grad


def test_deepcopy_shares_no_data() -> None:
    x = leaf()
    other = copy.deepcopy(x)
    other.data[...] = 0
    np.testing.assert_array_equal(x.data, X)


def test_a_leaf_owns_its_data_and_a_constant_shares_it() -> None:
    array = X.copy()
    owned, shared = leaf(array), Tensor(array)
    array[...] = 0
    np.testing.assert_array_equal(owned.data, X)
    np.testing.assert_array_equal(shared.data, array)


def test_repr() -> None:
    assert repr(leaf([1.0, 2.0], name="w")) == "Tensor([1., 2.], requires_grad=True, name='w')"
    assert repr(Tensor(np.float32(1)) * 2) == "Tensor(2., dtype=float32)"
    assert repr(leaf(1.0) * 2) == "Tensor(2., op=<multiply>)"


# -------------------------------------------------------------------- in place


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv"])
def test_in_place_operators(name: str) -> None:
    inplace, plain = getattr(operator, name), getattr(operator, name[1:])
    p = leaf()
    data = p.data
    with pytest.raises(RuntimeError, match="no_grad"):
        inplace(p, 2.0)
    with no_grad():
        same = inplace(p, 2.0)
    assert same is p
    assert p.data is data
    np.testing.assert_array_equal(data, plain(X, 2.0))
    inner = p * 1
    new = inplace(inner, 3.0)
    assert new is not inner
    np.testing.assert_array_equal(inner.data, p.data)


def test_a_running_total_records() -> None:
    x = leaf(2.0)
    total = Tensor(0.0)
    for _ in range(3):
        total += x * x
    total.backward()
    assert x.grad == 12


# -------------------------------------------------------------------- attributes


def test_retain_grad_and_the_warning_without_it() -> None:
    x = leaf(2.0)
    kept, unkept = x * 3, x * 4
    kept.retain_grad()
    (kept * unkept).backward()
    assert kept.grad == 8
    with pytest.warns(UserWarning, match="retain_grad"):
        assert unkept.grad is None


def test_freezing() -> None:
    x = leaf(2.0, name="x")
    x.requires_grad = False
    assert not (x * 2).requires_grad
    x.requires_grad = True
    (x * 2).backward()
    assert x.grad == 2
    assert x.node.name == "x"
    with pytest.raises(RuntimeError, match="leaf"):
        (x * 2).requires_grad = False


def test_setting_grad() -> None:
    x = leaf()
    given = np.ones_like(X)
    x.grad = given
    x.grad *= 2
    np.testing.assert_array_equal(given, np.ones_like(X))
    np.testing.assert_array_equal(x.grad, 2 * np.ones_like(X))
    with pytest.raises(ValueError, match="shape"):
        x.grad = np.ones(3)
    x.grad = None
    assert x.grad is None


def test_detach_shares_data_and_cuts_the_graph() -> None:
    x = leaf()
    y = (x * 2).detach()
    assert not y.requires_grad
    (x * y).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * X)


def test_names_reach_the_graph() -> None:
    y = leaf(1.0) * 2
    y.name = "doubled"
    assert y.node.name == "doubled"


# -------------------------------------------------------------------- grad()


class Pair(NamedTuple):
    a: Tensor
    b: Tensor


def test_grad_returns_the_structure_of_its_inputs() -> None:
    a, b = leaf(2.0), leaf(3.0)

    def y() -> Tensor:
        return a * b

    assert grad(y(), a) == 3
    assert [float(g) for g in grad(y(), [a, b])] == [3, 2]
    assert isinstance(grad(y(), (a, b)), tuple)
    assert {k: float(g) for k, g in grad(y(), {"a": a, "b": b}).items()} == {"a": 3, "b": 2}
    assert grad(y(), Pair(a, b)).b == 2
    assert a.grad is None
    assert b.grad is None


def test_grad_of_several_outputs_with_weights() -> None:
    x = leaf([1.0, 2.0])
    g = grad([x * 2, x * x], x, [np.ones(2), np.array([10.0, 100.0])])
    np.testing.assert_array_equal(g.data, [22.0, 402.0])


def test_grad_with_respect_to_an_intermediate_tensor() -> None:
    x = leaf(3.0)
    inner = x * x
    assert [float(g) for g in grad(inner * x, [inner, x])] == [3, 27]


def test_grad_of_a_tensor_with_respect_to_itself() -> None:
    x = leaf(3.0)
    assert grad(x, x) == 1


def test_unconnected_inputs() -> None:
    x, other = leaf(1.0), leaf(1.0, name="other")
    with pytest.raises(RuntimeError, match=r"1 \('other'\).*allow_unused"):
        grad(x * 2, [x, other])
    assert grad(x * 2, [x, other], allow_unused=True)[1] is None


def test_retain_graph_defaults_to_create_graph() -> None:
    x = leaf(2.0)
    y = x**3
    grad(y, x, create_graph=True)
    grad(y, x)
    with pytest.raises(RuntimeError, match="already swept"):
        grad(y, x)


def test_grad_calls_only_the_vjps_on_paths_to_its_inputs() -> None:
    calls = []

    def vjp(g: Any) -> Any:
        calls.append(g)
        return g

    @op(None, vjp, method=False)
    def counted(x: Any) -> Any:
        """Identity.
        y = x"""
        return x.copy()

    a, b = leaf(1.0), leaf(2.0)
    grad(counted(a) * b, b)
    assert not calls
    grad(counted(a) * b, a)
    assert len(calls) == 1
