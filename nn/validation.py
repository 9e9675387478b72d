"""Validation of arguments, with messages that say what was expected, and optional packages."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = [
    "ELSEWHERE", "KeywordsChecked", "boolean", "check_keywords", "choice", "has_bias", "integer",
    "keywords_checked", "not_negative", "required", "several_values", "unknown_keyword",
    "unknown_name",
]  # fmt: skip

Function = TypeVar("Function", bound=Callable[..., Any])


def integer(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int; use what this returns, since 3.0 counts as 3.

    Raises ValueError unless it is an integer of at least `least`.

    >>> integer("epochs", 3.0)
    3
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or value % 1 or not value >= least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"{name} must be {kind}, not {value!r}")
    return int(value)


def not_negative(name: str, value: Any) -> Any:
    """`value` itself.  Raises ValueError for a number below 0 or NaN."""
    if not value >= 0:
        raise ValueError(f"{name} must not be negative, and is {value}")
    return value


def boolean(name: str, value: Any, hint: str = "") -> bool:
    """`value` itself, True or False.  Raises TypeError for anything else."""
    if value is True or value is False:
        return value
    if type(value).__name__ in ("bool", "bool_"):  # NumPy's
        return bool(value)
    raise TypeError(f"{name} must be True or False, not {value!r}{hint}")


def has_bias(owner: str, value: Any) -> bool:
    """`boolean` of a layer's option bias; a name or function there is meant as an activation."""
    hint = "; an activation is a layer of its own: nn.Sequential(nn.Dense(2, 3), nn.ReLU())"
    return boolean(f"{owner}: bias", value, "" if isinstance(value, (int, float)) else hint)


def choice(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """`value` itself.  Raises ValueError unless it is one of the choices.

    >>> choice("mode", "min", ("min", "max"))
    'min'
    """
    if value not in choices:
        listed = f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
        raise ValueError(f"{name} is {listed}, not {value!r}")
    return value


def unknown_name(kind: str, name: object, names: Iterable[str]) -> ValueError:
    """The error for a name that is none of `names`, with the nearest one.

    >>> print(unknown_name("fruit", "Aple", ["apple", "pear"]))
    unknown fruit 'Aple'; did you mean 'apple'? There are apple, pear
    """
    names = list(names)
    near = difflib.get_close_matches(str(name).lower(), names, 1)
    meant = f"; did you mean {near[0]!r}? There are" if near else "; there are"
    return ValueError(f"unknown {kind} {name!r}{meant} {', '.join(names)}")


def several_values(what: str) -> str:
    """How a message about a tuple begins that was given where one Tensor is needed."""
    return (
        f"{what} was given several values, such as the (output, state) of a recurrent layer or of "
        "attention"
    )


def required(module: str, opening: str, package: str) -> Any:
    """An optional module.  Raises ModuleNotFoundError with the install line if it is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        name = module.split(".")[0]
        raise ModuleNotFoundError(f"{opening} {name}: pip install {package}") from None


# -------------------------------------------------------------------- keywords

_MEANT: dict[str, tuple[str, ...]] = {
    "learning_rate": ("lr", "max_lr"), "rate": ("lr", "p"), "alpha": ("lr",), "eta": ("lr",),
    "step": ("step_size",), "decay": ("weight_decay", "gamma"), "beta1": ("betas",),
    "beta_1": ("betas",), "epsilon": ("eps",), "params": ("parameters",), "lr": ("max_lr",),
    "input_size": ("in_features", "input_size"), "input_dim": ("in_features", "num_embeddings"),
    "n_inputs": ("in_features",), "inputs": ("in_features",), "in_dim": ("in_features",),
    "output_size": ("out_features",), "output_dim": ("out_features", "embedding_dim"),
    "units": ("out_features", "hidden_size"), "n_outputs": ("out_features",),
    "out_dim": ("out_features",), "filters": ("out_channels",), "use_bias": ("bias",),
    "l2_lambda": ("l2",), "lambda_": ("l2",), "reg": ("l2",), "kernel_regularizer": ("l2",),
    "initializer": ("init",), "kernel_initializer": ("init",), "weight_init": ("init",),
    "dim": ("axis", "embedding_dim"), "keepdim": ("keepdims",), "verbose": ("progress",),
    "num_epochs": ("epochs",), "n_epochs": ("epochs",), "validation_data": ("validation",),
    "val_data": ("validation",), "criterion": ("loss",), "loss_fn": ("loss",),
    "batch": ("batch_size",), "restore_best_weights": ("restore",), "filepath": ("path",),
}  # fmt: skip
"""What other libraries call our options."""


def unknown_keyword(owner: str, given: str, names: Sequence[str]) -> TypeError:
    """The error for a keyword that is none of `names`, with the one that was probably meant.

    >>> print(unknown_keyword("SGD", "learning_rate", ["parameters", "lr"]))
    SGD has no argument learning_rate; did you mean lr? It takes parameters, lr
    """
    near = [name for name in _MEANT.get(given, ()) if name in names]
    near += difflib.get_close_matches(given, names, 1)
    meant = f"; did you mean {near[0]}? It" if near else "; it"
    return TypeError(f"{owner} has no argument {given}{meant} takes {', '.join(names) or 'none'}")


def check_keywords(owner: str, function: Any, given: Iterable[str], options: Any = ()) -> None:
    """Raise TypeError for a keyword that a function does not have, `options` besides its own."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    if code is None or (code.co_flags & 0x08 and not options):  # it takes any
        return
    names = [*code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount], *options]
    for name in given:
        if name not in names:
            raise unknown_keyword(owner, name, names)


def keywords_checked(method: Function) -> Function:
    """Decorator: a method that says of an unknown keyword which one was probably meant."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        check_keywords(method.__name__, method, options)
        return method(self, *args, **options)

    return call  # type: ignore[return-value]


class KeywordsChecked:
    """A class whose constructor says of an unknown keyword which one was probably meant."""

    if not TYPE_CHECKING:  # or type checkers would take any arguments

        def __new__(cls, *args: Any, **options: Any) -> Any:
            if options:
                check_keywords(cls.__name__, cls.__init__, options, getattr(cls, "_options", ()))
            return super().__new__(cls)


_TRAINER = "nn.Trainer(model, loss, optimizer)"
ELSEWHERE = {
    "add": "append(module)", "compile": _TRAINER, "fit": f"{_TRAINER}.fit((x, y))",
    "evaluate": f"{_TRAINER}.evaluate((x, y))", "predict": "model.eval()(x)",
    "half": "dtype=np.float16 for each layer", "double": "dtype=np.float64 for each layer",
    "float": "dtype=np.float32 for each layer", "to": "the model as it is: all runs on the CPU",
    "cuda": "the model as it is: all runs on the CPU", "add_module": "setattr(model, name, module)",
    "register_parameter": "setattr(model, name, nn.Parameter(values))",
}  # fmt: skip
"""What other libraries call on a model, and what to write here."""
