"""The gradients of a function, or of a model, against finite differences: `gradcheck`.

Everything is computed in float64, one element of a variable after the other; `finite_differences`
judges each, and a row of the report says what they come to.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..context import enable_grad
from ..functional import grad
from ..pytree import flat, name, parameters, paths
from ..tensor import Tensor
from .diagnosis import common_factor
from .double_precision import doubled, leaves, model_in_float64, rewinding
from .finite_differences import VERDICTS, Element, Tolerance
from .report import Report

GOOD = ("ok", "kink", "edge", "unused")
ADVICE = (
    "return the Tensor itself, not its .data, .item() or float(), which are cut off from the graph"
)


class Row(NamedTuple):
    """One variable's part of a report: the element with the largest error, and what it means."""

    name: str
    shape: tuple[int, ...]
    checked: str
    error: float
    where: str
    numeric: float
    analytic: float
    verdict: str


def gradcheck(
    f: Any,
    *inputs: Any,
    order: int = 1,
    samples: int | None = 100,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    step: float = 6e-6,
    seed: int = 0,
    rng: Any = (),
) -> Report:
    """Compare the gradients of a function, or of a model's parameters, with finite differences.

    `gradcheck(f, *inputs)` checks the derivatives of f with respect to every floating-point input
    (arrays, Tensors, or structures of them); if f returns more than one number, they are summed
    with random weights.  `gradcheck(model, loss, x, y)` checks those of loss(model(x), y) with
    respect to the parameters of any model with `named_parameters()`; x may be a tuple of inputs.

    Everything is computed in float64 and restored afterwards, whatever happens.  `order=2` adds the
    second derivatives: the Hessian times a random direction.  Of a variable with more than
    `samples` elements a random part is checked, chosen by `seed`.  An element passes if
    |numeric - analytic| <= atol + rtol · max(|numeric|, |analytic|); the steps start at `step`.  A
    function that draws random numbers needs its generators as `rng`, to draw the same each time;
    those that a model's modules hold are found.

    The report is true if something was compared and no verdict is "wrong", "undefined" (the value
    is not finite), "undecided" (rounding hides the answer) or "disconnected" (nothing that is
    returned depends on a variable).  "kink" and "edge" pass: there the derivative is a convention,
    and the analytic one lies between the slopes of both sides.  Raises TypeError for an output that
    is a floating-point number or array and no Tensor, ValueError if two evaluations differ.

    >>> gradcheck(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]))  # doctest: +ELLIPSIS
    name  shape  checked  error      where  numeric  analytic  verdict
    x     (2,)   2 of 2   ...        [1]    12       12        ok
    """
    _validate(order, samples, rtol=rtol, atol=atol, step=step)
    tolerance = Tolerance(float(rtol), float(atol), float(step))
    check = _Check(samples, tolerance, np.random.default_rng(seed))
    generators = [rng] if isinstance(rng, np.random.Generator) else list(rng)
    if hasattr(f, "named_parameters"):
        with model_in_float64(f, generators) as (variables, rewind):
            if inputs and callable(inputs[0]):
                loss, evaluate = inputs[0], _loss_of(f, *inputs)
            else:
                xs, evaluate = _variables(f, inputs)
                loss, variables = f, xs | variables
            return check.report(_Outputs(name(loss), evaluate, rewind), variables, order)
    variables, evaluate = _variables(f, inputs)
    with rewinding({}, generators) as rewind:
        return check.report(_Outputs(name(f), evaluate, rewind), variables, order)


def _validate(order: int, samples: Any, **positive: float) -> None:
    if order not in (1, 2):
        raise ValueError(f"order is 1, or 2 for the second derivatives too, not {order!r}")
    integer = isinstance(samples, numbers.Integral) and not isinstance(samples, bool)
    if samples is not None and not (integer and samples >= 1):
        raise ValueError(f"samples is an integer of at least 1, or None for all, not {samples!r}")
    for option, value in positive.items():
        if not 0 <= value < np.inf or (option == "step" and value == 0):
            least = "greater than 0" if option == "step" else "of at least 0"
            raise ValueError(f"{option} is a finite number {least}, not {value!r}")


def _loss_of(model: Any, loss: Any, x: Any = None, *rest: Any) -> Callable[[], Any]:
    """The function () -> loss(model(x), *rest), with its data in float64."""
    x, rest = doubled(x), doubled(rest)
    return lambda: loss(model(*x) if isinstance(x, tuple) else model(x), *rest)


def _variables(f: Any, inputs: tuple[Any, ...]) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    """The floating-point inputs as float64 leaves by name, and the function of them."""
    args = leaves(inputs)
    known = parameters(f)
    variables = {}
    for i, arg in enumerate(args):
        label = known[i] if i < len(known) else f"input {i}"
        for path, x in zip(paths(arg, label), flat(arg), strict=True):
            if isinstance(x, Tensor) and x.requires_grad:
                variables[path] = x
    if not variables and not hasattr(f, "named_parameters"):
        raise TypeError(
            f"gradcheck: {name(f)}() was given no floating-point input, and there are derivatives "
            "with respect to such inputs only"
        )
    return variables, lambda: f(*args)


# -------------------------------------------------------------------- what is differentiated


class _Weighted(NamedTuple):
    """Σ ⟨weights, tensors⟩, a number, whose gradient needs no op but those that are checked."""

    tensors: list[Tensor]
    weights: list[Any]

    def terms(self) -> list[np.ndarray]:
        """What is added up."""
        return [y.data * w for y, w in zip(self.tensors, self.weights, strict=True)]

    def value(self) -> float:
        """The sum."""
        with np.errstate(all="ignore"):
            return float(sum(term.sum() for term in self.terms()))

    def magnitude(self) -> float:
        """The sum of the absolute values, of which rounding changes a small part."""
        with np.errstate(all="ignore"):
            return float(sum(abs(term).sum() for term in self.terms()))

    def gradients(self, variables: list[Tensor], create_graph: bool = False) -> list[Any]:
        """Those by each variable; None for a variable that no tensor depends on."""
        pairs = zip(self.tensors, self.weights, strict=True)
        recorded = [(y, w) for y, w in pairs if y.requires_grad]
        if not recorded:
            return [None] * len(variables)
        ys, ws = zip(*recorded, strict=True)
        found: list[Any] = grad(ys, variables, ws, create_graph=create_graph, allow_unused=True)
        return found


class _Outputs:
    """The outputs of a function, the same each time."""

    def __init__(self, label: str, evaluate: Callable[[], Any], rewind: Callable[[], None]) -> None:
        self.label, self.evaluate, self.rewind = label, evaluate, rewind
        self.weights: list[Any] = []

    def tensors(self) -> list[Tensor]:
        """The outputs that may have a derivative.  Raises TypeError if one is not recorded."""
        self.rewind()
        with enable_grad(), np.errstate(all="ignore"):
            outputs = self.evaluate()
        found = []
        for path, y in zip(paths(outputs, "output"), flat(outputs), strict=True):
            if isinstance(y, Tensor) and y.dtype.kind == "f":
                found.append(y)
            elif not _discrete(y):
                raise TypeError(
                    f"gradcheck: {path} of {self.label}() is of type {type(y).__name__}; {ADVICE}"
                )
        if not found:
            raise TypeError(
                f"gradcheck: {self.label}() returned no Tensor of floating-point numbers; {ADVICE}"
            )
        return found

    def weigh(self, rng: np.random.Generator) -> None:
        """Draw weights for the outputs, none of them near 0, so that no element is overlooked."""
        outputs = self.tensors()
        self.weights = [
            rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape) for y in outputs
        ]
        if len(outputs) == 1 and outputs[0].size == 1:
            self.weights = [np.ones(outputs[0].shape)]

    def weighted(self) -> _Weighted:
        """Evaluate the function."""
        return _Weighted(self.tensors(), self.weights)


def _discrete(y: Any) -> bool:
    """Whether there is nothing to differentiate in an output: integers, booleans and words."""
    kind = getattr(getattr(y, "dtype", None), "kind", "")
    return isinstance(y, (int, str)) or (kind != "" and kind in "iub")


# -------------------------------------------------------------------- the report


class _Check(NamedTuple):
    """How thoroughly to look, and what to make a report of."""

    samples: int | None
    tolerance: Tolerance
    rng: np.random.Generator

    def report(self, outputs: _Outputs, variables: dict[str, Tensor], order: int) -> Report:
        """Rows for the first derivatives, and for the second ones if `order` is 2."""
        if not variables:
            return Report([], GOOD)
        outputs.weigh(self.rng)
        first = outputs.weighted().value()
        if first != outputs.weighted().value() and np.isfinite(first):
            raise ValueError(
                "gradcheck: two evaluations with the same inputs differ, so finite differences say "
                "nothing; the function draws random numbers: call model.eval() first, or name the "
                "generators in rng=, as in rng=nn.generator()"
            )
        rows = self.rows("", outputs.weighted, variables)
        if order == 2:
            us = [self.rng.normal(size=x.shape) for x in variables.values()]

            def slope() -> _Weighted:
                """⟨u, ∇f⟩, whose gradient is the Hessian times u."""
                found = outputs.weighted().gradients([*variables.values()], create_graph=True)
                pairs = [(g, u) for g, u in zip(found, us, strict=True) if g is not None]
                return _Weighted([g for g, _ in pairs], [u for _, u in pairs])

            rows += self.rows("Hessian ", slope, variables)
        return Report(rows, GOOD, ("empty",))

    def rows(
        self, prefix: str, evaluate: Callable[[], _Weighted], variables: dict[str, Tensor]
    ) -> list[Row]:
        """A row for each variable of the number that is evaluated."""
        now = evaluate()
        gradients = now.gradients([*variables.values()])
        value, magnitude = now.value(), now.magnitude()
        rows = []
        for (key, x), g in zip(variables.items(), gradients, strict=True):
            analytic = np.zeros(x.shape) if g is None else g.data
            moved = _Moved(x.data, lambda: evaluate().value(), value, magnitude)
            judged = [moved.judge(i, analytic, self.tolerance) for i in self.chosen(x.size)]
            rows.append(_row(prefix + key, judged, analytic, g is not None))
        reached = any(y.size and y.requires_grad for y in now.tensors)
        nothing = not prefix and not (reached and any(g is not None for g in gradients))
        return [_disconnected(row) for row in rows] if nothing else rows

    def chosen(self, n: int) -> list[int]:
        """Which of n elements to check."""
        if self.samples is None or self.samples >= n:
            return list(range(n))
        return self.rng.choice(n, self.samples, replace=False).tolist()  # type: ignore[no-any-return]


class _Judged(NamedTuple):
    """One element, and how its derivative was judged."""

    where: tuple[int, ...]
    analytic: float
    numeric: float
    verdict: str
    error: float


class _Moved(NamedTuple):
    """A variable whose elements are moved, one at a time, and the value that depends on it."""

    data: np.ndarray
    evaluate: Callable[[], float]
    value: float
    magnitude: float

    def judge(self, i: int, analytic: np.ndarray, tolerance: Tolerance) -> _Judged:
        """Judge the derivative by element i of the flattened variable."""
        where = tuple(map(int, np.unravel_index(i, self.data.shape)))
        x, exact = float(self.data[where]), float(analytic[where])

        def f(moved: float) -> float:
            self.data[where] = moved
            try:
                return self.evaluate()
            finally:
                self.data[where] = x

        scale = float(abs(analytic).max())
        element = Element(f, x, self.value, self.magnitude, exact, scale, tolerance)
        return _Judged(where, exact, *element.judge())


def _row(label: str, judged: list[_Judged], analytic: np.ndarray, connected: bool) -> Row:
    """The row of a variable: the largest error among those with the worst verdict."""
    checked = f"{len(judged)} of {analytic.size}"
    if not judged:
        return Row(label, analytic.shape, checked, 0.0, "", 0.0, 0.0, "empty")
    verdict = max((each.verdict for each in judged), key=VERDICTS.index)
    worst = [each for each in judged if each.verdict == verdict]
    shown = max(worst, key=_difference)
    if verdict == "ok" and not any(each.numeric or each.analytic for each in judged):
        verdict = "unused"
    elif verdict != "ok":
        verdict += f": {len(worst)} of {len(judged)}" + _explanation(verdict, worst, connected)
    return Row(
        label,
        analytic.shape,
        checked,
        abs(shown.numeric - shown.analytic),
        str(list(shown.where)),
        shown.numeric,
        shown.analytic,
        verdict,
    )


def _difference(element: _Judged) -> float:
    difference = abs(element.numeric - element.analytic)
    return np.inf if np.isnan(difference) else difference


def _explanation(verdict: str, worst: list[_Judged], connected: bool) -> str:
    """What the elements with this verdict have in common."""
    if verdict == "undecided":
        return f", rounding noise of {max(each.error for each in worst):.2g} hides it"
    if verdict != "wrong":
        return ""
    if not connected:
        return (
            ", and no gradient arrives: .data, .item(), float(), detach() or no_grad() has cut "
            "the graph"
        )
    if not any(each.analytic for each in worst):
        return ", where the analytic derivative is 0"
    numeric = np.array([each.numeric for each in worst])
    analytic = np.array([each.analytic for each in worst])
    factor = common_factor(analytic, numeric, 1e-3 * float(abs(numeric).max()))
    if len(worst) < 2 or factor is None:
        return ""
    return f", all {factor:.4g} times what is right"


def _disconnected(row: Row) -> Row:
    """For a row of a report in which nothing was compared but zeros that had to be zeros."""
    if row.verdict != "unused":
        return row
    return row._replace(verdict="disconnected: nothing that is returned depends on a variable")
