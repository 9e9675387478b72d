"""What all optimizers share: parameters in groups, their state, and the loop over them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import Tensor

from ..display import Displayed
from ..parameter import forget_gradient
from ..state_dict import like
from ..validation import KeywordsChecked, integer
from .options import Check, check_option

__all__ = ["Optimizer"]

Array = np.ndarray[Any, np.dtype[Any]]
Group = dict[str, Any]
Parameters = Iterable[Tensor | Group]
State = dict[str, Any]
BLOCK = 1 << 16
"""Elements that are changed at a time, of parameters of more than twice as many."""
_NEW = ("maximize", "decoupled_weight_decay")  # options that older files lack


class Optimizer(Displayed, KeywordsChecked):
    """Holds parameters; a kind of optimizer defines `update` for one of them.

    `parameters` are Tensors, or groups: dicts with a list under "params" and options of their own,
    as in `[{"params": body, "lr": 1e-4}, {"params": head}]`.  With an option `maximize` every
    gradient is used with the other sign.
    """

    checks: ClassVar[Mapping[str, Check]] = {}  # of the options that are its own
    elementwise: ClassVar[bool] = False  # so that `update` can be given a part of a parameter
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
        groups: list[Any] = given if isinstance(given[0], dict) else [{"params": given}]
        self.defaults = options
        self.groups, self.state = [], {}
        for group in groups:
            self.add_param_group(group)
        if next(self._each(), None) is None:
            raise ValueError("an optimizer needs parameters, and all of its groups are empty")

    def add_param_group(self, group: Group) -> None:
        """Add a group, such as a part of a model that is to be trained from now on.

        Raises TypeError or ValueError for a wrong option or a parameter that it has already.
        """
        group = self._group(group)
        each = [*self._each(), *group["params"]]
        if len(set(map(id, each))) < len(each):
            raise ValueError("a parameter was given twice, and would be changed twice")
        self.groups.append(group)
        if self._starts is not None:
            self._starts.append(group["lr"])
        self._scratch: list[np.ndarray] = []

    def _group(self, group: Any) -> Group:
        """A group with every option, checked."""
        options = self.defaults
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f"a group is a dict with a list under 'params', not {group!r}")
        unknown = set(group) - set(options) - {"params"}
        if unknown:
            raise ValueError(f"{type(self).__name__} has no option {', '.join(sorted(unknown))}")
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for p in params:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"an optimizer changes leaf Tensors, not {type(p).__name__} {p!r}")
        complete = {**options, **group, "params": params}
        self.check_options(_options(complete))
        return complete

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise TypeError or ValueError for options of a group that cannot be, also together."""
        for name, value in options.items():
            check_option(name, value, self.checks)

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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change each parameter that has a gradient.

        `closure`, if given, is called first: it computes the loss and its gradients, and what it
        returns is returned.
        """
        loss = None if closure is None else closure()
        if not self._scratch:
            self._scratch = self._working_space()
        i = 0
        for group in self.groups:
            options = _options(group)
            maximize = options.pop("maximize", False)
            for p in group["params"]:
                g = p.grad
                if g is not None:
                    if maximize:
                        g = np.asarray(-g)
                    state = self.state.setdefault(i, {})
                    if self._scratch[i].dtype is not p.dtype:
                        self._cast_state()
                    if self._scratch[i].shape == p.shape:
                        self.update(p.data, g, state, self._scratch[i], **options)
                    else:
                        self._update_in_blocks(p.data, g, state, self._scratch[i], options)
                    p.mark_changed()
                i += 1
        return loss

    def _cast_state(self) -> None:
        """Follow parameters that were cast, as by `model.double()`."""
        each = list(self._each())
        self._scratch = self._working_space()
        for i, state in self.state.items():
            for name, value in state.items():
                if isinstance(value, np.ndarray):
                    state[name] = value.astype(each[i].dtype)

    def _working_space(self) -> list[Array]:
        """For each parameter an array of its shape, or of a block's, all in one buffer."""
        arrays = [p.data for p in self._each()]
        blocks = [self.elementwise and a.size > 2 * BLOCK and a.flags.c_contiguous for a in arrays]
        given = [a.reshape(-1)[:BLOCK] if b else a for a, b in zip(arrays, blocks, strict=True)]
        return _shared(given)

    def _update_in_blocks(
        self, p: Array, g: Array, state: State, scratch: Array, options: dict[str, Any]
    ) -> None:
        """`update` of one part after the other, each of which stays in the processor's cache."""
        if not p.flags.c_contiguous:  # data that were assigned since
            return self.update(p, g, state, np.empty_like(p), **options)
        p, g, shape = p.reshape(-1), g.reshape(-1), p.shape
        before = {k: v.reshape(-1) if isinstance(v, np.ndarray) else v for k, v in state.items()}
        for start in range(0, p.size, len(scratch)):
            at = slice(start, start + len(scratch))
            part = {k: v[at] if isinstance(v, np.ndarray) else v for k, v in before.items()}
            each = p[at]
            self.update(each, g[at], part, scratch[: each.size], **options)
            for name, value in part.items():
                if not isinstance(value, np.ndarray):
                    state[name] = value
                elif name not in before:  # made by this first step
                    whole = state.setdefault(name, np.empty(shape, value.dtype))
                    whole.reshape(-1)[at] = value

    def update(self, *arrays: Any, **options: Any) -> None:
        """Change `p` in place by its gradient `g`: `update(p, g, state, scratch, **options)`.

        `g` must stay as it is.  `state` is the parameter's own dict, empty before its first step,
        `scratch` an array of its shape to work in, which all parameters share, and `options` are
        the group's.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no update()")

    def state_dict(self) -> dict[str, Any]:
        """A copy of the options of every group and of the state of every parameter, by number."""
        options = [_options(group) for group in self.groups]
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
        own = _options(group)
        given = {**{name: own[name] for name in _NEW if name in own}, **given}
        if own.keys() != given.keys():
            raise ValueError(
                f"the state is another optimizer's: it has the options {', '.join(given)}, "
                f"{type(self).__name__} has {', '.join(own)}"
            )
        options = like(own, given)
        self.check_options(options)
        return {**options, "params": group["params"]}

    def _checked_moments(self, i: Any, p: Tensor | None, group: Group, given: State) -> State:
        """A parameter's state, which must be such as `update` makes it.

        What is negative neither after a gradient of 1 nor of -1, as averages of squares are, never
        is.
        """
        if p is None:
            raise ValueError(f"the state has a parameter {i!r}, which this optimizer has not")
        if not given:
            return {}
        up, down = (self._made_by_update(p.data, sign, group) for sign in (1, -1))
        for name, value in given.items():
            shape = np.shape(up.get(name, 0.0))
            if isinstance(value, np.ndarray) and value.shape != shape:
                raise ValueError(
                    f"{name} of parameter {i} has shape {value.shape} in the state, not {shape}"
                )
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
        options = _options(group)
        options.pop("maximize", None)
        made: State = {}
        with np.errstate(all="ignore"):
            p, g, scratch = np.zeros_like(p), np.full_like(p, gradient), np.empty_like(p)
            self.update(p, g, made, scratch, **options)
        return made


def decayed(
    p: np.ndarray, g: np.ndarray, weight_decay: float, decoupled_lr: float | None = None
) -> np.ndarray:
    """The gradient with weight decay, g + λ p; if it is decoupled, g, and p shrinks by lr λ p."""
    if not weight_decay:
        return g
    if decoupled_lr is not None:
        p *= 1 - decoupled_lr * weight_decay
        return g
    # asarray, since NumPy's sum of two arrays of shape () is a scalar
    return np.asarray(g + weight_decay * p)


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


def _options(group: Group) -> dict[str, Any]:
    """The options of a group."""
    return {name: value for name, value in group.items() if name != "params"}
