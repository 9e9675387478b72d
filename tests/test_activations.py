"""Activations as modules: each is its function, keeps its settings, pickles and shows itself."""

from __future__ import annotations

import ast
import inspect
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nn
import nn.functional as F
import tinygrad_edu.ops.activations as family
from nn import activations
from tinygrad_edu import Tensor, gradcheck, ops

X = np.random.default_rng(0).normal(size=(4, 3)) * 2

PAIRS = [
    (nn.ReLU(), ops.relu, "ReLU()"),
    (nn.LeakyReLU(0.2), lambda x: ops.leaky_relu(x, 0.2), "LeakyReLU(negative_slope=0.2)"),
    (nn.ELU(0.5), lambda x: ops.elu(x, 0.5), "ELU(alpha=0.5)"),
    (nn.CELU(0.5), lambda x: F.celu(x, 0.5), "CELU(alpha=0.5)"),
    (nn.SELU(), ops.selu, "SELU()"),
    (nn.ReLU6(), F.relu6, "ReLU6()"),
    (nn.Hardsigmoid(), F.hardsigmoid, "Hardsigmoid()"),
    (nn.Hardswish(), F.hardswish, "Hardswish()"),
    (nn.Hardshrink(1.0), lambda x: F.hardshrink(x, 1.0), "Hardshrink(lambd=1.0)"),
    (nn.Softshrink(1.0), lambda x: F.softshrink(x, 1.0), "Softshrink(lambd=1.0)"),
    (nn.Tanhshrink(), F.tanhshrink, "Tanhshrink()"),
    (
        nn.Threshold(0.5, value=-1.0),
        lambda x: F.threshold(x, 0.5, -1.0),
        "Threshold(0.5, -1.0)",
    ),
    (nn.Softmin(0), lambda x: F.softmin(x, 0), "Softmin(axis=0)"),
    (nn.GLU(0), lambda x: F.glu(x, 0), "GLU(axis=0)"),
    (
        nn.Hardtanh(-0.5, max_val=0.7),
        lambda x: F.hardtanh(x, -0.5, 0.7),
        "Hardtanh(min_val=-0.5, max_val=0.7)",
    ),
    (nn.GELU(), F.gelu, "GELU(approximate='none')"),
    (nn.GELU("tanh"), ops.gelu_tanh, "GELU(approximate='tanh')"),
    (nn.SiLU(), ops.silu, "SiLU()"),
    (nn.Mish(), ops.mish, "Mish()"),
    (nn.Softplus(beta=2.0), lambda x: F.softplus(x, 2.0), "Softplus(beta=2.0, threshold=20.0)"),
    (nn.Softsign(), ops.softsign, "Softsign()"),
    (nn.Tanh(), ops.tanh, "Tanh()"),
    (nn.Sigmoid(), ops.sigmoid, "Sigmoid()"),
    (nn.LogSigmoid(), ops.logsigmoid, "LogSigmoid()"),
    (nn.Softmax(0), lambda x: ops.softmax(x, 0), "Softmax(axis=0)"),
    (nn.LogSoftmax(axis=0), lambda x: ops.log_softmax(x, 0), "LogSoftmax(axis=0)"),
    (nn.Identity(), lambda x: x, "Identity()"),
    (nn.Lambda(np.cos), ops.cos, "Lambda(cos)"),
]


@pytest.mark.parametrize(("module", "function", "text"), PAIRS, ids=[p[2] for p in PAIRS])
def test_a_module_is_its_function(module: Any, function: Any, text: str) -> None:
    y = module(X)
    assert isinstance(y, Tensor)
    np.testing.assert_array_equal(y.data, function(Tensor(X)).data)
    assert repr(module) == text
    twin = pickle.loads(pickle.dumps(module))
    assert repr(twin) == text
    np.testing.assert_array_equal(twin(X).data, y.data)
    assert type(module).__doc__
    assert not module.state_dict()


@pytest.mark.parametrize(("module", "function", "text"), PAIRS, ids=[p[2] for p in PAIRS])
def test_two_orders_of_derivatives(module: Any, function: Any, text: str) -> None:
    report = gradcheck(module, X, order=2)
    assert report, report


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "bool"])
@pytest.mark.parametrize(("module", "function", "text"), PAIRS)
def test_integers_do_not_wrap(module: Any, function: Any, text: str, dtype: str) -> None:
    x = np.array([[0, 1, 5, 100], [100, 5, 1, 0]]).astype(dtype)
    np.testing.assert_allclose(function(x), function(x.astype(np.float64)), rtol=1e-3)


def test_every_activation_of_the_engine_has_its_module() -> None:
    tree = ast.parse(inspect.getsource(family))
    functions = {f.name for f in tree.body if isinstance(f, ast.FunctionDef) and f.name[0] != "_"}
    without = {"erf", "gelu_and_slope", "gelu_tanh", "logsumexp", "normal_cdf", "peak"}
    assert functions - without <= set(activations.NAMES)


def function_modules(cls: Any = nn.FunctionModule) -> Iterator[Any]:
    """Every kind of the library itself."""
    for kind in cls.__subclasses__():
        yield from function_modules(kind)
        if kind.__module__.startswith("nn.") and hasattr(kind, "_function"):
            yield kind


@pytest.mark.parametrize("cls", list(function_modules()), ids=lambda cls: cls.__name__)
def test_constructors_agree_with_their_functions(cls: Any) -> None:
    """The names and defaults of options must be the function's own."""
    parameters = inspect.signature(cls._function).parameters
    for option in inspect.signature(cls).parameters.values():
        assert option.default == parameters[option.name].default
    if cls.__module__ == activations.__name__:
        assert len(inspect.signature(cls).parameters) == len(parameters) - 1
    if cls.__module__ == activations.__name__ and cls is not nn.Threshold:  # has no defaults
        assert activations.NAMES[cls._function.__name__] is cls


def test_prelu_learns_its_slope() -> None:
    layer = nn.PReLU(init=0.5)
    np.testing.assert_array_equal(layer(np.array([-2.0, 0.0, 3.0])).data, [-1.0, 0.0, 3.0])
    layer = nn.PReLU(3)
    layer.weight.data[:] = [0.1, 0.2, 0.3]
    x = -np.ones((2, 3, 4, 5))
    y = layer(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data[1, :, 2, 3], [-0.1, -0.2, -0.3], rtol=1e-6)
    assert list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "PReLU(num_parameters=3)"
    assert gradcheck(layer, nn.mse_loss, X, np.ones((4, 3)))
    assert nn.PReLU(dtype=np.float64)(X).dtype == np.float64


def test_lookup() -> None:
    for name, cls in activations.NAMES.items():
        assert type(nn.activation(name)) is cls
    layer = nn.ELU(2.0)
    assert nn.activation(layer) is layer
    assert isinstance(nn.activation(nn.SiLU), nn.SiLU)
    np.testing.assert_array_equal(nn.activation(lambda x: x * 2)(X).data, X * 2)


def test_a_lambda_of_several_inputs() -> None:
    y = nn.Lambda(lambda a, b: a @ b.T)(X, X)
    np.testing.assert_allclose(y.data, X @ X.T)


def test_a_class_of_ones_own() -> None:
    class Shrink(nn.FunctionModule, of=lambda x, by: x / by):
        by: float = 2.0

    class Shrunk(Shrink):
        def __init__(self) -> None:
            super().__init__(4.0)

    assert repr(Shrink(3.0)) == "Shrink(by=3.0)"
    np.testing.assert_array_equal(Shrunk()(X).data, X / 4)
    np.testing.assert_array_equal(Shrink()(x=Tensor(X)).data, X / 2)
    assert str(inspect.signature(Shrink)) == "(by=2.0)"
    assert str(inspect.signature(Shrunk)) == "() -> 'None'"
    assert str(inspect.signature(nn.AvgPool1d)) == (
        "(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, "
        "divisor_override=None)"
    )


def test_an_option_can_be_changed_and_is_checked_again() -> None:
    layer = nn.LeakyReLU()
    layer.negative_slope = 0.5
    twin = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(twin(np.array([-2.0, 3.0])).data, [-1.0, 3.0])
    loss = nn.HuberLoss()
    with pytest.raises(ValueError, match="HuberLoss: delta must be positive, and is -1"):
        loss.delta = -1
    assert repr(loss) == "HuberLoss()"


def test_functions_without_a_signature() -> None:
    class Hypotenuse(nn.FunctionModule, of=np.hypot):
        """A ufunc of two inputs."""

    assert Hypotenuse()(np.array(3.0), np.array(4.0)).data == 5


def test_what_is_no_option_of_the_function() -> None:
    with pytest.raises(TypeError, match=r"Steep: leaky_relu\(x, negative_slope\) has no parameter"):

        class Steep(nn.FunctionModule, of=ops.leaky_relu):
            slope: float = 3.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: nn.LeakyReLU(slope=1),
            "LeakyReLU has no argument slope; it takes",
        ),
        (lambda: nn.ReLU(1), r"ReLU\(\): too many positional arguments"),
        (lambda: nn.MaxPool2d(), r"MaxPool2d\(kernel_size, .*\): missing a required argument"),
        (lambda: nn.MSELoss()(X), "missing 1 required positional argument: 'target'"),
    ],
)
def test_wrong_arguments(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.activation("rellu"), ValueError, "'rellu'; did you mean 'relu'"),
        (lambda: nn.activation(3), TypeError, "a name, a module or a function, not 3"),
        (lambda: nn.Lambda("relu"), TypeError, "takes a function, not str"),
        (lambda: nn.GELU("erf"), ValueError, "'none' or 'tanh', not 'erf'"),
        (lambda: nn.Softplus(0), ValueError, "beta must be positive, and is 0"),
        (lambda: nn.Hardtanh(1.0, -1.0), ValueError, "min_val=1.0 is not below max_val=-1.0"),
        (lambda: nn.Hardshrink(-1), ValueError, "Hardshrink: lambd must be 0 or more, and is -1"),
        (lambda: F.softshrink(X, -1), ValueError, "softshrink: lambd must be 0 or more"),
        (lambda: nn.CELU(0), ValueError, "CELU: alpha must be positive, and is 0"),
        (lambda: nn.GLU()(X), ValueError, r"glu: x needs an even size on axis -1, .* \(4, 3\), at"),
        (lambda: F.glu(1.0), ValueError, r"x needs an even size on axis -1, and has shape \(\)"),
        (lambda: nn.PReLU(0), ValueError, "num_parameters must be a positive integer, not 0"),
        (
            lambda: nn.Sequential(nn.PReLU(5))(X),
            ValueError,
            r"5 channels on axis 1 .* \(4, 3\), at test_activations.py:\d+, in layer 0",
        ),
    ],
)
def test_what_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
