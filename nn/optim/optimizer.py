"""What all optimizers share: parameters in groups, their state, and the loop over them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from ..display import Displayed
from ..parameter import forget_gradient
from ..state_dict import like
from ..validation import KeywordsChecked, boolean, integer

__all__ = ["Optimizer"]

Array = np.ndarray[Any, np.dtype[Any]]
Group = dict[str, Any]
Parameters = Iterable[Tensor | Group]
State = dict[str, Any]


class Optimizer(Displayed, KeywordsChecked):
    """Holds parameters; a kind of optimizer defines `update` for one of them.

    `parameters` are Tensors, or groups: dicts with a list under "params" and options of their own,
    as in `[{"params": body, "lr": 1e-4}, {"params": head}]`.
    """

    groups: list[Group]
    state: dict[int, State]
    _starts: list[float] | None = None

    def __init__(self, parameters: Parameters, **options: Any) -> None:
        if isinstance(parameters, Tensor):
            raise TypeError("an optimizer takes a list of parameters; write [p] for one")
        if hasattr(parameters, "parameters") or not isinstance(parameters, Iterable):
            kind = type(parameters).__name__
            raise TypeError(f"an optimizer takes model.parameters(), not a {kind} itself")
        if isinstance(parameters, dict):
            raise TypeError("groups are a list of dicts, as in [{'params': ..., 'lr': 0.1}]")
        given = list(parameters)
        if not given:
            raise ValueError("an optimizer needs parameters; was model.parameters() used up?")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        self.groups = [self._group(group, options) for group in groups]
        self.state = {}
        self._scratch: list[np.ndarray] = []
        each = list(self._each())
        if len(set(map(id, each))) < len(each):
            raise ValueError("a parameter was given twice, and would be changed twice")

    def _group(self, group: Any, options: Mapping[str, Any]) -> Group:
        """A group with every option, checked."""
        unknown = set(group) - set(options) - {"params"}
        if unknown:
            raise ValueError(f"{type(self).__name__} has no option {', '.join(sorted(unknown))}")
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for p in params:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"an optimizer changes leaf Tensors, not {type(p).__name__} {p!r}")
        complete = {**options, **group}
        for name, value in complete.items():
            check_option(name, value)
        return {**complete, "params": params}

    def _each(self) -> Iterator[Tensor]:
        """Every parameter."""
        return (p for group in self.groups for p in group["params"])

    def _shown(self) -> dict[str, Any]:
        values = sum(p.size for p in self._each())
        groups = f" in {len(self.groups)} groups" * (len(self.groups) > 1)
        options = {name: value for name, value in self.groups[0].items() if name != "params"}
        return {"parameters": f"{values:,}{groups}", **options}

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets every group's."""
        return self.groups[0]["lr"]  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, value: float) -> None:
        check_option("lr", value)
        for group in self.groups:
            group["lr"] = value
        self._starts = None

    def initial_rates(self) -> list[float]:
        """Every group's rate before its first schedule; after `lr` was set, that rate."""
        if self._starts is None:
            self._starts = [group["lr"] for group in self.groups]
        return list(self._starts)

    @property
    def param_groups(self) -> list[Group]:
        """The groups, under PyTorch's name."""
        return self.groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: each becomes None, or with `set_to_none=False` zero."""
        for p in self._each():
            forget_gradient(p, set_to_none)

    def step(self) -> None:
        """Change each parameter that has a gradient."""
        if not self._scratch:
            self._scratch = _shared([p.data for p in self._each()])
        i = 0
        for group in self.groups:
            options = group.copy()
            for p in options.pop("params"):
                g = p.grad
                if g is not None:
                    state = self.state.setdefault(i, {})
                    self.update(p.data, g, state, self._scratch[i], **options)
                    p.mark_changed()
                i += 1

    def update(self, *arrays: Any, **options: Any) -> None:
        """Change `p` in place by its gradient `g`: `update(p, g, state, scratch, **options)`.

        `g` must stay as it is.  `state` is the parameter's own dict, empty before its first step,
        `scratch` an array of its shape to work in, which all parameters share, and `options` are
        the group's.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no update()")

    def state_dict(self) -> dict[str, Any]:
        """A copy of the options of every group and of the state of every parameter, by number."""
        options = [{k: v for k, v in group.items() if k != "params"} for group in self.groups]
        return copy.deepcopy({"groups": options, "sizes": self._sizes(), "state": self.state})

    def _sizes(self) -> list[int]:
        return [len(group["params"]) for group in self.groups]

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`.

        Raises ValueError if it belongs to other parameters or to another kind of optimizer, or
        holds what neither its options nor its `update` can have made; nothing is changed then.
        """
        given = like({"groups": [{}], "sizes": [0], "state": {}}, state)
        if given["sizes"] != self._sizes() or len(given["groups"]) != len(self.groups):
            raise ValueError(
                f"the state has groups of {given['sizes']} parameters, this optimizer "
                f"{self._sizes()}"
            )
        groups = [
            self._checked_group(group, options)
            for group, options in zip(self.groups, given["groups"], strict=True)
        ]
        each = dict(enumerate((p, group) for group in groups for p in group["params"]))
        moments = {}
        for i, values in given["state"].items():
            p, group = each.get(i, (None, {}))
            moments[i] = self._checked_moments(i, p, group, like({}, values, f"state {i}"))
        for group, checked in zip(self.groups, groups, strict=True):
            group.update(checked)
        self.state = moments

    def _checked_group(self, group: Group, given: Mapping[str, Any]) -> Group:
        """A group with its options replaced by others, which must be such as it could be given."""
        own = {name: value for name, value in group.items() if name != "params"}
        if own.keys() != given.keys():
            raise ValueError(
                f"the state is another optimizer's: it has the options {', '.join(given)}, "
                f"{type(self).__name__} has {', '.join(own)}"
            )
        options = like(own, given)
        for name, value in options.items():
            check_option(name, value)
        return {**options, "params": group["params"]}

    def _checked_moments(self, i: Any, p: Tensor | None, group: Group, given: State) -> State:
        """A parameter's state, which must be such as `update` makes it.

        What is negative neither after a gradient of 1 nor of -1, as averages of squares are, never
        is.
        """
        for name, value in given.items():
            if isinstance(value, np.ndarray) and value.shape != getattr(p, "shape", None):
                raise ValueError(
                    f"{name} of parameter {i} has shape {value.shape} in the state, "
                    f"the parameter {getattr(p, 'shape', None)}"
                )
        if p is None:
            raise ValueError(f"the state has a parameter {i!r}, which this optimizer has not")
        if not given:
            return {}
        up, down = (self._made_by_update(p.data, sign, group) for sign in (1, -1))
        state: State = like(up, given, f"the state of parameter {i}")
        for name, value in state.items():
            if isinstance(value, np.ndarray):
                with np.errstate(over="ignore"):
                    state[name] = value = value.astype(up[name].dtype)
            elif isinstance(up[name], int):
                state[name] = integer(f"{name} of parameter {i}", value, 0)
            if _negative(value) and not _negative(up[name]) and not _negative(down[name]):
                raise ValueError(f"{name} of parameter {i} is negative, which it never can be")
        return state

    def _made_by_update(self, p: Array, gradient: float, group: Group) -> State:
        """The state that the first step makes for a parameter, whose values stay as they are."""
        options = {name: value for name, value in group.items() if name != "params"}
        made: State = {}
        with np.errstate(all="ignore"):
            p, g, scratch = np.zeros_like(p), np.full_like(p, gradient), np.empty_like(p)
            self.update(p, g, made, scratch, **options)
        return made


def decayed(p: np.ndarray, g: np.ndarray, weight_decay: float) -> np.ndarray:
    """The gradient with weight decay, g + λ p."""
    # asarray, since NumPy's sum of two arrays of shape () is a scalar
    return np.asarray(g + weight_decay * p) if weight_decay else g


def average(mean: np.ndarray, value: np.ndarray, rate: float, scratch: np.ndarray) -> None:
    """The moving average mean ← mean + rate (value - mean), in place."""
    np.subtract(value, mean, out=scratch)
    scratch *= rate
    mean += scratch


def average_square(mean: np.ndarray, g: np.ndarray, rate: float, scratch: np.ndarray) -> None:
    """The moving average of g², in place."""
    np.multiply(g, rate, out=scratch)
    scratch *= g
    mean *= 1 - rate
    mean += scratch


def _shared(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """For each array room of its shape and dtype, all in one buffer."""
    buffer = np.empty(max(a.nbytes for a in arrays), np.uint8)
    return [buffer[: a.nbytes].view(a.dtype).reshape(a.shape) for a in arrays]


def _negative(value: Any) -> bool:
    return isinstance(value, (np.ndarray, Real)) and bool(np.any(np.asarray(value) < 0))


_NUMBERS = (int, float, np.floating, np.integer)


def check_option(name: str, value: Any) -> None:
    """Rates and momenta lie in [0, 1), the other numbers are not negative."""
    if name == "betas":
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise TypeError(f"betas are two numbers, as in (0.9, 0.999), not {value!r}")
        check_option("betas[0]", value[0])
        check_option("betas[1]", value[1])
    elif name in ("nesterov", "amsgrad", "centered"):
        boolean(name, value)
    elif name == "params":
        return
    elif not isinstance(value, (int, float, np.floating, np.integer)) or (
        name == "lr" and isinstance(value, bool)
    ):
        raise TypeError(f"{name} must be a number, not {value!r}")
    elif name in ("momentum", "alpha", "rho", "betas[0]", "betas[1]"):
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be at least 0 and below 1, not {value}")
    elif not 0 <= value < math.inf:
        raise ValueError(f"{name} must be at least 0 and finite, not {value}")
