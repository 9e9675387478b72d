"""Lesson 6: a scalar engine, in parts and as a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

from ..exercise import RIGHT, Arguments, Exercise, Mistake
from ..judges import values
from ..recipes import Recipe, drawn_recipe, drawn_values, made
from ..scalars import (
    OnlyValues,
    Replacing,
    SamePower,
    TanhOfInput,
    TooEarly,
    WithoutStart,
    in_preorder,
    sent,
    sorted_back,
)

__all__ = ["EXERCISES"]


class _Number:
    """A Number as in the lesson, which counts how often its sources are read."""

    def __init__(self, data: float, sources: tuple[tuple[_Number, float], ...] = ()) -> None:
        self.data, self.grad, self.reads, self._sources = data, 0.0, 0, sources

    @property
    def sources(self) -> tuple[tuple[_Number, float], ...]:
        self.reads += 1
        return self._sources

    def __add__(self, other: _Number) -> _Number:
        return _Number(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __sub__(self, other: _Number) -> _Number:
        return _Number(self.data - other.data, ((self, 1.0), (other, -1.0)))

    def __mul__(self, other: _Number) -> _Number:
        return _Number(self.data * other.data, ((self, other.data), (other, self.data)))


def _drawn(rng: np.random.Generator) -> dict[str, Any]:
    return {"recipe": drawn_recipe(rng), "values": drawn_values(rng)}


def _numbers(recipe: Recipe, leaves: dict[str, float]) -> dict[str, _Number]:
    """All Numbers of a recipe that y is computed from, y among them, by name."""
    found = made(recipe, {name: _Number(x) for name, x in leaves.items()})
    used = {argument for _, _, arguments in recipe for argument in arguments}
    return {name: number for name, number in found.items() if name in used or name == "y"}


# -------------------------------------------------------------------- 6.1


def _product_noted(multiplied: Any, a: float, b: float) -> tuple[Any, ...]:
    """The product, and the slopes that it notes for a and b."""
    x, y = _Number(a), _Number(b)
    product = multiplied(x, y)
    if product is None:
        return (None,)
    slopes = [[slope for source, slope in product.sources if source is each] for each in (x, y)]
    for name, found in zip("ab", slopes, strict=True):
        if not found:
            raise ValueError(f"{name} is not among the sources")
        if isinstance(found[0], type(product)):
            raise TypeError(f"the slope for {name} is a {type(product).__name__}, not its .data")
    return product.data, slopes[0][0], slopes[1][0]


def _product(a: float, b: float) -> tuple[float, float, float]:
    return a * b, b, a


_judge_product = values(_product, names=("the product", "the slope for a", "the slope for b"))


def _judged_product(arguments: Arguments, result: Any) -> str:
    if result == (None,):
        return "multiplied returned None; is a `return` missing?"
    return _judge_product(arguments, result)


# -------------------------------------------------------------------- 6.2


def _names_of(way_back: Any, recipe: Recipe, values: dict[str, float]) -> Any:
    """The names of what the function returns."""
    names = {number: name for name, number in _numbers(recipe, values).items()}
    found = way_back(next(number for number, name in names.items() if name == "y"))
    return None if found is None else [names.get(number, "something else") for number in found]


def _is_way_back(arguments: Arguments, result: Any) -> str:
    if not isinstance(result, list):
        return "a list of Numbers is expected"
    recipe = arguments["recipe"]
    expected = list(_numbers(recipe, arguments["values"]))
    missing = [name for name in expected if name not in result]
    again = sorted({name for name in result if result.count(name) > 1})
    extra = [name for name in result if name not in expected]
    given = f"(yours is {', '.join(result)})"
    if missing:
        return f"wrong: {', '.join(missing)} missing {given}"
    if again or extra:
        return f"wrong: {', '.join(again or extra)} {'more than once' if again else ''} {given}"
    for name, _, sources in recipe:
        for source in sources:
            if result.index(source) < result.index(name):
                return f"wrong: {source} comes before {name}, which is computed from it {given}"
    return RIGHT


# -------------------------------------------------------------------- 6.3

DOUBLINGS, READS = 12, 10
"""So many times y = y + y, and the most reads of each Number's sources on the way back."""


def _swept(send_back: Any, recipe: Recipe, values: dict[str, float]) -> tuple[Any, int]:
    """The gradients by name, and how often sources are read where branches double."""
    numbers = _numbers(recipe, values)
    send_back(numbers["y"])
    ladder = [_Number(1.0)]
    for _ in range(DOUBLINGS):
        ladder.append(ladder[-1] + ladder[-1])
    send_back(ladder[-1])
    found = {name: number.grad for name, number in numbers.items()}
    return found, sum(number.reads for number in ladder)


def _by_engine(recipe: Recipe, values: dict[str, float]) -> dict[str, float]:
    tensors = {name: Tensor(x, requires_grad=True) for name, x in values.items()}
    found = made(recipe, tensors)
    asked = [found[name] for name in _numbers(recipe, values)]
    exact = grad(found["y"], asked)
    names = _numbers(recipe, values)
    return {name: float(g.item()) for name, g in zip(names, exact, strict=True)}


_judge_gradients = values(_by_engine)


def _judged_sweep(arguments: Arguments, result: Any) -> str:
    gradients, reads = result
    found = _judge_gradients(arguments, gradients)
    if found != RIGHT:
        return found if found.startswith("returned") else f"the gradient of {found}"
    if reads > READS * (DOUBLINGS + 1):
        return (
            f"the gradients are right, but every path is walked: for {DOUBLINGS} doublings in a "
            f"row the sources were read {reads} times"
        )
    return RIGHT


def _along_every_path(y: Any, g: float = 1.0) -> None:
    y.grad += g
    for source, slope in y.sources:
        _along_every_path(source, g * slope)


def _without_upstream(y: Any) -> None:
    y.grad = 1.0
    for number in sorted_back(y):
        for source, slope in number.sources:
            source.grad += slope


# -------------------------------------------------------------------- 6.4


def _shared(a: Any, b: Any) -> Any:
    s = a * b
    return s * s.tanh() - s


FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "a + b": lambda a, b: a + b,
    "a + 2": lambda a, b: a + 2,
    "a * b": lambda a, b: a * b,
    "3 * a": lambda a, b: 3 * a,
    "a ** 3": lambda a, b: a**3,
    "a.tanh()": lambda a, b: a.tanh(),
    "a * a + a": lambda a, b: a * a + a,
    "2 - a / b": lambda a, b: 2 - a / b,
    "s * s.tanh() - s (s = a * b)": _shared,
}
"""What a class with operators is tried on."""


def _tried(Value: Any, a: float, b: float) -> dict[str, float]:
    """The values and the gradients of all formulas."""
    found = {}
    for text, formula in FORMULAS.items():
        x, y = Value(a), Value(b)
        result = formula(x, y)
        if result is None:
            raise TypeError(f"{text} is None; is a `return` missing?")
        result.backward()
        found[text] = float(result.data)
        found[f"a's gradient in {text}"] = float(x.grad)
        if " b" in text:
            found[f"b's gradient in {text}"] = float(y.grad)
    return found


def _of_tensors(a: float, b: float) -> dict[str, float]:
    return _tried(lambda x: Tensor(x, requires_grad=True), a, b)


EXERCISES = [
    Exercise(
        number="6.1",
        name="multiplied",
        task="a product that notes its slopes",
        draw=lambda rng: {"a": rng.uniform(1, 3), "b": rng.uniform(-3, -1)},
        use=_product_noted,
        judge=_judged_product,
        hints=(
            "`added` shows the form: a Number of the result, and a pair for each argument. Which "
            "slopes has a product? Lesson 1 measured them.",
            "The pair for a is (a, b.data): the Number a itself, and how fast the product grows "
            "with it.",
        ),
        mistakes=(
            Mistake(
                lambda a, b: _Number(a.data * b.data, ((a, a.data), (b, b.data))),
                "the slope for a is wrong",
                "Each factor's slope is the value of the other factor.",
            ),
            Mistake(
                lambda a, b: _Number(a.data * b.data, ((a, 1.0), (b, 1.0))),
                "the slope for a is wrong",
                "1 is the slope of a sum.",
            ),
            Mistake(
                lambda a, b: _Number(a.data * b.data),
                "a is not among the sources",
                "Without sources it is a leaf, and no gradient gets past it.",
            ),
            Mistake(
                lambda a, b: _Number(a.data * b.data, ((a, b), (b, a))),
                "the slope for a is a _Number",
                "A slope is a plain number: b.data, not the Number b.",
            ),
        ),
    ),
    Exercise(
        number="6.2",
        name="way_back",
        task="the order of the backward pass",
        draw=_drawn,
        use=_names_of,
        judge=_is_way_back,
        hints=(
            "Suppose all that is behind a Number is already in the list. Where is it safe to "
            "append the Number itself? And which Number is then the last?",
            "Write a function `visit(number)` inside: if it was seen, do nothing; else visit each "
            "source, then append the number. After visit(y), return the list turned around.",
        ),
        mistakes=(
            Mistake(
                lambda y: sorted_back(y)[::-1],
                "which is computed from it",
                "This is the forward order, sources first; the way back begins with y.",
            ),
            Mistake(
                in_preorder,
                "which is computed from it",
                "A Number was put in the list when it was first reached, though another use of it "
                "comes later in the list. Append it after its sources, and turn the list around.",
            ),
            Mistake(
                lambda y: in_preorder(y, again=True),
                "more than once",
                "A Number that is used twice is reached twice; keep a set of those seen.",
            ),
            Mistake(
                lambda y: [number for number in sorted_back(y) if number.sources],
                "missing",
                "The leaves are missing; they have no sources, but receive a gradient.",
            ),
            Mistake(
                lambda y: [y, *(source for source, _ in y.sources)],
                "wrong",
                "These are y and its sources; the sources have sources, too.",
            ),
        ),
    ),
    Exercise(
        number="6.3",
        name="send_back",
        task="the backward pass",
        draw=_drawn,
        use=_swept,
        judge=_judged_sweep,
        hints=(
            "What is the gradient of y with respect to y? Begin with it. In which order do the "
            "Numbers pass on what they have?",
            "For each number in way_back(y), and for each (source, slope) in number.sources: add "
            "number.grad * slope to source.grad.",
        ),
        mistakes=(
            Mistake(
                lambda y: sent(y, sorted_back(y), add=False),
                "wrong",
                "A contribution replaces the one before; where branches meet they are added.",
            ),
            Mistake(
                lambda y: sent(y, sorted_back(y), start=0.0),
                "all of it is 0",
                "Begin with y.grad = 1: without it, only zeros are passed on.",
            ),
            Mistake(
                lambda y: sent(y, sorted_back(y)[::-1]),
                "all of it is 0",
                "From the leaves on, nothing has arrived yet that could be passed on.",
            ),
            Mistake(
                _without_upstream,
                "wrong",
                "Only the local slopes are added; each contribution is upstream × local.",
            ),
            Mistake(
                _along_every_path,
                "every path is walked",
                "Go through way_back(y), and pass on each gradient once, when it is complete.",
            ),
        ),
    ),
    Exercise(
        number="6.4",
        name="Value",
        task="a scalar engine",
        draw=lambda rng: {"a": rng.uniform(0.5, 1.5), "b": rng.uniform(-2, -1)},
        use=_tried,
        judge=values(_of_tensors),
        hints=(
            "`__add__` and `__mul__` are `added` and `multiplied` of above, with self for a. What "
            "has to happen first if `other` is 2?",
            "other = other if isinstance(other, Value) else Value(other). A power and tanh have "
            "one source, so one pair: `((self, slope),)`. backward is exercise 6.3.",
        ),
        mistakes=(
            Mistake(
                OnlyValues,
                "has no attribute 'data'",
                "In a + 2, `other` is the plain number 2: make a Value of it first.",
            ),
            Mistake(
                Replacing,
                "a's gradient in a * a + a is wrong",
                "Single uses are right; where a value is used more than once, contributions add.",
            ),
            Mistake(
                SamePower,
                "a's gradient in a ** 3 is wrong",
                "The slope of aⁿ is n aⁿ⁻¹, with an exponent one less.",
            ),
            Mistake(
                TanhOfInput,
                "a's gradient in a.tanh() is wrong",
                "The slope is 1 - t², where t is the tanh that comes out.",
            ),
            Mistake(
                WithoutStart,
                "a's gradient in a + b is wrong: all of it is 0",
                "backward has to begin with self.grad = 1.",
            ),
            Mistake(
                TooEarly,
                "(s = a * b) is wrong",
                "It passes on gradients before they are complete; way_back gives the order.",
            ),
        ),
    ),
]
