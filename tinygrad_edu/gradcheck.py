"""Finite differences against the engine's derivatives: is a gradient right, and if not, where?

A derivative is compared with (f(x + h) - f(x - h)) / 2h, one element at a time, in float64.  Where
they disagree, smaller steps tell a bug from the two places where no derivative exists: at a kink
the slopes to the left and to the right stay apart however small the step, and at the edge of its
domain a function has a slope on one side only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .context import enable_grad
from .functional import grad
from .pytree import flat, like, name, parameters, paths
from .tensor import Tensor

SHRINK = 8.0 ** np.arange(6)
"""By what the step is divided, as long as numeric and analytic derivative disagree."""

GOOD = ("ok", "kink", "edge", "unused")


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


class Report:
    """A table that is true if there is something in it and all of that is right."""

    def __init__(self, rows: list[Any], good: tuple[str, ...] = GOOD) -> None:
        self.rows = rows
        self.good = good

    def __bool__(self) -> bool:
        return bool(self.rows) and all(r.verdict.split(":")[0] in self.good for r in self.rows)

    def __getitem__(self, name: str) -> Any:
        """The row of a variable."""
        return next(row for row in self.rows if row.name == name)

    def renamed(self, old: str, new: str) -> Report:
        """The same report with a variable under another name."""
        rows = [row._replace(name=row.name.replace(old, new)) for row in self.rows]
        return Report(rows, self.good)

    def __repr__(self) -> str:
        return table(self.rows)


def table(rows: list[Any]) -> str:
    """Named tuples as lines of columns, under their fields' names."""
    if not rows:
        return "nothing to check"
    lines = [tuple(rows[0]._fields), *(tuple(map(_text, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# -------------------------------------------------------------------- the check


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
    """Check the gradients of a function, or of a model's parameters, against finite differences.

    `gradcheck(f, *inputs)` checks f's derivatives by every floating-point input (arrays, Tensors,
    or structures of them); an f that answers more than one number is summed with random weights.
    `gradcheck(model, loss, x, y)` checks those of loss(model(x), y) by the model's parameters,
    for any model with `named_parameters()`; x may be a tuple of inputs.

    Everything is computed in float64 and put back afterwards, whatever happens.  `order=2` adds
    the second derivatives: the Hessian times a random direction.  Of a variable with more than
    `samples` elements a random part is checked, of which `seed` decides.  An element passes if
    |numeric - analytic| <= atol + rtol · max(|numeric|, |analytic|).  A function that draws random
    numbers needs the generators that it draws from as `rng`, to draw the same each time; those
    that a model's modules hold are found.

    The report is true if no verdict is "wrong" or "undefined".  "kink" and "edge" pass: there the
    derivative is a convention, and the analytic one lies between the slopes of both sides.

    >>> gradcheck(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]))  # doctest: +ELLIPSIS
    name  shape  checked  error      where  numeric  analytic  verdict
    x     (2,)   2 of 2   ...        [1]    12       12        ok
    """
    options = _Options(samples, rtol, atol, step, np.random.default_rng(seed))
    generators = [rng] if isinstance(rng, np.random.Generator) else list(rng)
    if hasattr(f, "named_parameters"):
        with _float64(f, generators) as (variables, rewind):
            if inputs and callable(inputs[0]):
                evaluate = _training(f, *inputs)
            else:
                leaves, function = _leaves(f, inputs)
                variables, evaluate = leaves | variables, function
            return _report(evaluate, variables, rewind, order, options)
    variables, evaluate = _leaves(f, inputs)
    with _rewinding({}, generators) as rewind:
        return _report(evaluate, variables, rewind, order, options)


class _Options(NamedTuple):
    samples: int | None
    rtol: float
    atol: float
    step: float
    rng: np.random.Generator


def _report(
    evaluate: Callable[[], Any],
    variables: dict[str, Tensor],
    rewind: Callable[[], None],
    order: int,
    options: _Options,
) -> Report:
    if order not in (1, 2):
        raise ValueError(f"order is 1, or 2 for the second derivatives too, not {order!r}")

    def outputs() -> list[Any]:
        rewind()
        with enable_grad(), np.errstate(all="ignore"):
            return [y for y in flat(evaluate()) if isinstance(y, Tensor)]

    weights = [_weight(y, options.rng) for y in outputs()]

    def value() -> Any:
        with enable_grad(), np.errstate(all="ignore"):
            return sum((y * w).sum() for y, w in zip(outputs(), weights, strict=True))

    first = float(value())
    if first != float(value()) and np.isfinite(first):
        raise ValueError(
            "gradcheck: two evaluations with the same inputs differ, so finite differences say "
            "nothing; the function draws random numbers: call model.eval() first, or name the "
            "generators in rng=, as in rng=nn.generator()"
        )
    rows = _rows(value, variables, options, "{}")
    if order == 2:
        us = [options.rng.normal(size=x.shape) for x in variables.values()]

        def slope() -> Any:
            """⟨u, ∇f⟩, whose gradient is the Hessian times u."""
            gs = _gradients(value(), variables, create_graph=True)
            with enable_grad():
                return sum((g * u).sum() for g, u in zip(gs, us, strict=True))

        rows += _rows(slope, variables, options, "∂² {}")
    return Report(rows)


def _weight(y: Tensor, rng: np.random.Generator) -> Any:
    return 1.0 if y.size == 1 else rng.normal(size=y.shape)


def _gradients(y: Any, variables: dict[str, Tensor], create_graph: bool = False) -> list[Any]:
    xs = list(variables.values())
    found: list[Any] = [None] * len(xs)
    if isinstance(y, Tensor) and y.requires_grad:
        found = grad(y, xs, create_graph=create_graph, allow_unused=True)
    return [Tensor(np.zeros(x.shape)) if g is None else g for x, g in zip(xs, found, strict=True)]


def _rows(
    value: Callable[[], Any], variables: dict[str, Tensor], options: _Options, label: str
) -> list[Row]:
    gradients = _gradients(value(), variables)
    middle = float(value())
    rows = []
    for (key, x), g in zip(variables.items(), gradients, strict=True):
        probe = _Probe(value, middle, x.data, options)
        rows.append(probe.row(label.format(key), g.data))
    return rows


# -------------------------------------------------------------------- one variable


class _Probe:
    """Moves the elements of one variable and watches the value."""

    def __init__(
        self, value: Callable[[], Any], middle: float, data: np.ndarray, options: _Options
    ) -> None:
        self.value = value
        self.middle = middle
        self.data = data
        self.options = options

    def row(self, label: str, analytic: np.ndarray) -> Row:
        """What the elements come to: the largest error among those with the worst verdict."""
        n, samples = self.data.size, self.options.samples
        few = samples is not None and samples < n
        chosen = self.options.rng.choice(n, samples, replace=False) if few else np.arange(n)
        found = []
        for i in chosen.tolist():
            where = tuple(map(int, np.unravel_index(i, self.data.shape)))
            numeric, verdict = self.judge(where, float(analytic[where]))
            found.append((_RANK.index(verdict), where, numeric, float(analytic[where])))
        checked = f"{len(found)} of {n}"
        if not found:
            return Row(label, self.data.shape, checked, 0.0, "", 0.0, 0.0, "ok")
        worst = [each for each in found if each[0] == max(found)[0]]
        rank, where, numeric, exact = max(worst, key=lambda each: _nan_last(each[2] - each[3]))
        verdict = _RANK[rank]
        if verdict == "ok" and not any(each[2] or each[3] for each in found):
            verdict = "unused"
        elif verdict != "ok":
            verdict += f": {len(worst)} of {len(found)}" + _factor(worst if rank > 2 else [])
        error = abs(numeric - exact)
        return Row(
            label, self.data.shape, checked, error, str(list(where)), numeric, exact, verdict
        )

    def at(self, where: tuple[int, ...], move: float) -> float:
        """The value with one element moved."""
        before = self.data[where]
        self.data[where] = before + move
        try:
            return float(self.value())
        finally:
            self.data[where] = before

    def judge(self, where: tuple[int, ...], analytic: float) -> tuple[float, str]:
        """The numeric derivative and what the difference to the analytic one means."""
        full = self.options.step * max(1.0, abs(float(self.data[where])))
        noise = 4 * np.finfo(np.float64).eps * abs(self.middle) / full
        slopes = []
        for h in full / SHRINK:
            right = (self.at(where, h) - self.middle) / h
            left = (self.middle - self.at(where, -h)) / h
            numeric = (left + right) / 2
            if abs(numeric - analytic) <= self.tolerance(numeric, analytic) + noise:
                return numeric, "ok"
            slopes.append((left, right))
        sides = np.isfinite(slopes[-1])
        if not np.isfinite(self.middle) or not sides.any():
            return numeric, "undefined"
        if not sides.all():
            before, slope = (float(pair[sides.argmax()]) for pair in slopes[-2:])
            return slope, self._edge(before, slope, analytic)
        apart = [abs(right - left) for left, right in slopes if np.isfinite(left + right)]
        slack = SHRINK[-1] * noise + 1e2 * self.tolerance(left, right)
        between = min(left, right) - slack <= analytic <= max(left, right) + slack
        stays = len(apart) > 1 and apart[-1] > max(slack, apart[0] / 2)
        steadiest = next(left + right for left, right in slopes if np.isfinite(left + right)) / 2
        return steadiest, "kink" if between and stays else "wrong"

    def tolerance(self, a: float, b: float) -> float:
        """What two slopes may differ by."""
        return self.options.atol + self.options.rtol * max(abs(a), abs(b))

    def _edge(self, before: float, slope: float, analytic: float) -> str:
        """Where the function ends: its one-sided slope, or a slope that grows without bound."""
        if abs(slope) > 2 * abs(before):
            return "edge" if analytic * np.sign(slope) > abs(slope) else "wrong"
        near = max(self.tolerance(slope, analytic), abs(before - analytic) / 2)
        return "edge" if abs(slope - analytic) <= near else "wrong"


_RANK = ["ok", "kink", "edge", "undefined", "wrong"]


def _nan_last(difference: float) -> float:
    return np.inf if np.isnan(difference) else abs(difference)


def _factor(found: list[Any]) -> str:
    """The factor by which all elements are off, if it is one."""
    ratios = [exact / numeric for _, _, numeric, exact in found if numeric]
    if len(ratios) < max(2, len(found)) or not np.allclose(ratios, ratios[0], rtol=1e-3):
        return ""
    return f", all {ratios[0]:.4g} times what is right"


# -------------------------------------------------------------------- what is differentiated


def _training(model: Any, loss: Any, x: Any = None, *rest: Any) -> Callable[[], Any]:
    """loss(model(x), *rest) with its data in float64."""
    x, rest = _doubled(x), _doubled(rest)
    return lambda: loss(model(*x) if isinstance(x, tuple) else model(x), *rest)


def _doubled(structure: Any) -> Any:
    return like(structure, (_double(x) for x in flat(structure)))


def _double(x: Any) -> Any:
    """A floating-point array, or a Tensor as a constant, in float64; all else as it is."""
    data = x.data if isinstance(x, Tensor) else x
    if getattr(data, "dtype", np.dtype(object)).kind != "f":
        return x
    data = np.array(data, np.float64)
    return Tensor(data) if isinstance(x, Tensor) else data


def _leaf(x: Any) -> Any:
    """A leaf of what is floating point."""
    double = _double(np.array(x) if isinstance(x, float) else x)
    if double is x:
        return x
    return Tensor(double.data if isinstance(double, Tensor) else double, requires_grad=True)


def _leaves(f: Any, inputs: tuple[Any, ...]) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    """The floating-point inputs as float64 leaves by name, and the function of them."""
    args = like(inputs, (_leaf(x) for x in flat(inputs)))
    known = parameters(f)
    variables = {}
    for i, arg in enumerate(args):
        label = known[i] if i < len(known) else f"input {i}"
        for path, x in zip(paths(arg, label), flat(arg), strict=True):
            if isinstance(x, Tensor) and x.requires_grad:
                variables[path] = x
    if not variables and not hasattr(f, "named_parameters"):
        raise TypeError(
            f"gradcheck: {name(f)}() was given no floating-point input, and only by such "
            "there are derivatives"
        )
    return variables, lambda: f(*args)


# -------------------------------------------------------------------- putting everything back


@contextlib.contextmanager
def _float64(model: Any, generators: list[Any]) -> Iterator[Any]:
    """The model's parameters, in float64 for a while, and a function that undoes a forward pass."""
    every = dict(model.named_parameters())
    originals = {key: p.data for key, p in every.items()}
    modules = dict(getattr(model, "named_modules", dict)())
    with _rewinding(modules, generators) as rewind:
        try:
            for p in every.values():
                p.data = np.array(p.data, np.float64)
            yield {key: p for key, p in every.items() if p.requires_grad}, rewind
        finally:
            for key, p in every.items():
                p.data = originals[key]


@contextlib.contextmanager
def _rewinding(modules: dict[str, Any], generators: list[Any]) -> Iterator[Callable[[], None]]:
    """What modules remember and generators will draw, put back by each call and at the end."""
    attributes = [(module, dict(vars(module))) for module in modules.values()]
    held = [value for _, values in attributes for value in values.values()]
    arrays = [(value, value.copy()) for value in held if isinstance(value, np.ndarray)]
    sources = [g for g in (*generators, *held) if isinstance(g, np.random.Generator)]
    states = [(g.bit_generator, g.bit_generator.state) for g in sources]

    def rewind() -> None:
        for module, values in attributes:
            vars(module).clear()
            vars(module).update(values)
        for array, values in arrays:
            array[...] = values
        for source, drawn in states:
            source.state = drawn

    try:
        yield rewind
    finally:
        rewind()
