"""What all optimizers share: parameters in groups, their state, and the loop over them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

Group = dict[str, Any]


class Optimizer:
    """Holds parameters; a kind of optimizer defines `update` for one of them.

    `parameters` are Tensors, or groups: dicts with a list under "params" and options of their own,
    as in `[{"params": body, "lr": 1e-4}, {"params": head}]`.  An update works in place, and what
    room it needs besides its state is one scratch buffer, as large as the largest parameter.
    """

    groups: list[Group]
    state: dict[int, dict[str, Any]]

    def __init__(self, parameters: Iterable[Tensor | Group], **options: Any) -> None:
        if isinstance(parameters, Tensor):
            raise TypeError("an optimizer takes a list of parameters; write [p] for one")
        if not isinstance(parameters, Iterable):
            kind = type(parameters).__name__
            raise TypeError(f"an optimizer takes model.parameters(), not a {kind} itself")
        given = list(parameters)
        if not given:
            raise ValueError("an optimizer needs parameters; was model.parameters() used up?")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        self.groups = [self._group(group, options) for group in groups]
        self.state = {}
        self._scratch: list[np.ndarray] = []
        parameters = [p for p, _ in self._each()]
        if len({id(p) for p in parameters}) < len(parameters):
            raise ValueError("a parameter was given twice, and would be changed twice")

    def _group(self, group: Any, options: Mapping[str, Any]) -> Group:
        """A group with every option, checked."""
        unknown = set(group) - set(options) - {"params"}
        if unknown:
            raise ValueError(f"{type(self).__name__} has no option {', '.join(sorted(unknown))}")
        params = group["params"]
        members = [params] if isinstance(params, Tensor) else list(params)
        complete = {**options, **group, "params": members}
        for p in complete["params"]:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"an optimizer changes leaf Tensors, not {type(p).__name__} {p!r}")
        for name, value in complete.items():
            check_option(name, value)
        return complete

    def _each(self) -> Iterator[tuple[Tensor, Group]]:
        """Every parameter with its group."""
        return ((p, group) for group in self.groups for p in group["params"])

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets every group's."""
        return self.groups[0]["lr"]  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, value: float) -> None:
        check_option("lr", value)
        for group in self.groups:
            group["lr"] = value

    def zero_grad(self) -> None:
        """Forget the gradients: each becomes None."""
        for group in self.groups:
            for p in group["params"]:
                p.grad = None

    def step(self) -> None:
        """Change each parameter that has a gradient."""
        if not self._scratch:
            self._scratch = _shared([p.data for p, _ in self._each()])
        i = 0
        for group in self.groups:
            for p in group["params"]:
                g = p.grad
                if g is not None:
                    state = self.state.get(i)
                    if state is None:
                        state = self.state[i] = {}
                    self.update(p.data, g, state, self._scratch[i], group)
                i += 1

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray, group: Group
    ) -> None:
        """Change `p` in place by its gradient `g`, which is left as it is."""
        raise NotImplementedError(f"{type(self).__name__} defines no update()")

    def state_dict(self) -> dict[str, Any]:
        """A copy of the options of every group and of the state of every parameter, by number."""
        options = [{k: v for k, v in group.items() if k != "params"} for group in self.groups]
        sizes = [len(group["params"]) for group in self.groups]
        return copy.deepcopy({"groups": options, "sizes": sizes, "state": self.state})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`.

        Raises ValueError if it belongs to other parameters or to another kind of optimizer;
        nothing is changed then.
        """
        sizes = [len(group["params"]) for group in self.groups]
        if list(state["sizes"]) != sizes:
            raise ValueError(
                f"the state has groups of {list(state['sizes'])} parameters, this optimizer {sizes}"
            )
        for group, options in zip(self.groups, state["groups"], strict=True):
            if set(options) != set(group) - {"params"}:
                own = ", ".join(name for name in group if name != "params")
                raise ValueError(
                    f"the state is another optimizer's: it has the options {', '.join(options)}, "
                    f"{type(self).__name__} has {own}"
                )
        shapes = dict(enumerate(p.shape for p, _ in self._each()))
        for i, values in state["state"].items():
            for name, value in values.items():
                if isinstance(value, np.ndarray) and value.shape != shapes.get(i):
                    raise ValueError(
                        f"{name} of parameter {i} has shape {value.shape} in the state, "
                        f"the parameter {shapes.get(i)}"
                    )
        for group, options in zip(self.groups, state["groups"], strict=True):
            group.update(options)
        self.state = copy.deepcopy(dict(state["state"]))


def decayed(p: np.ndarray, g: np.ndarray, group: Group) -> np.ndarray:
    """The gradient with weight decay, g + λ p."""
    # asarray, since what NumPy adds up of two arrays without axes is none
    return np.asarray(g + group["weight_decay"] * p) if group["weight_decay"] else g


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


def check_option(name: str, value: Any) -> None:
    """Rates and momenta lie in [0, 1), the other numbers are not negative."""
    if name == "betas":
        check_option("betas[0]", value[0])
        check_option("betas[1]", value[1])
    elif name in ("momentum", "alpha", "rho", "betas[0]", "betas[1]"):
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be at least 0 and below 1, not {value}")
    elif name != "params" and not isinstance(value, bool) and not value >= 0:
        raise ValueError(f"{name} must be at least 0, not {value}")
