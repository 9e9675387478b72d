"""Lesson 2: recipes, their operations and their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, draw_graph

from ..exercise import Arguments, Exercise, Mistake
from ..judges import values
from ..recipes import OPERATIONS, Recipe, drawn_recipe, drawn_values, is_in_order, made

__all__ = ["EXERCISES"]


def _result(recipe: Recipe, leaves: dict[str, float]) -> Tensor:
    """What the engine makes of a recipe, from leaves that require gradients."""
    tensors = {name: Tensor(x, requires_grad=True, name=name) for name, x in leaves.items()}
    found: Tensor = made(recipe, tensors)[recipe[-1][0]]
    return found


def _drawn(rng: np.random.Generator) -> dict[str, Any]:
    return {"recipe": drawn_recipe(rng), "values": drawn_values(rng)}


# -------------------------------------------------------------------- 2.1


def _only_add(recipe: Recipe, values: dict[str, float]) -> float:
    known = dict(values)
    for name, _, (first, second) in recipe:
        known[name] = known[first] + known[second]
    return known[recipe[-1][0]]


def _swapped(recipe: Recipe, values: dict[str, float]) -> float:
    turned = [(name, operation, (b, a)) for name, operation, (a, b) in recipe]
    return float(made(turned, values)["y"])


def _from_leaves(recipe: Recipe, values: dict[str, float]) -> float:
    _, operation, arguments = recipe[-1]
    first, second = (values.get(name, 0.0) for name in arguments)
    return float(OPERATIONS[operation](first, second))


# -------------------------------------------------------------------- 2.2


def _count_with_repeats(y: Tensor) -> int:
    def count(node: Any) -> int:
        if not node.edges:
            return 0
        return 1 + sum(count(edge.source) for edge in node.edges if edge.source is not None)

    return count(y.node)


def _count_everything(y: Tensor) -> int:
    def count(node: Any) -> int:
        return 1 + sum(count(edge.source) for edge in node.edges if edge.source is not None)

    return count(y.node)


def _count_all(y: Tensor) -> int:
    found: set[Any] = set()
    waiting: list[Any] = [y.node]
    while waiting:
        node = waiting.pop()
        found.add(node)
        waiting += [edge.source for edge in node.edges if edge.source not in found]
    return len(found)


# -------------------------------------------------------------------- 2.3


def _shuffled(rng: np.random.Generator) -> dict[str, Any]:
    recipe = drawn_recipe(rng)
    while True:
        order = rng.permutation(len(recipe))
        mixed = [recipe[i] for i in order]
        names = [name for name, _, _ in mixed]
        if is_in_order(names, mixed) != "right" and is_in_order(names[::-1], mixed) != "right":
            return {"recipe": mixed}


def _in_order(arguments: Arguments, result: Any) -> str:
    if not isinstance(result, (list, tuple)) or not all(isinstance(n, str) for n in result):
        return "returned something else than a list of names"
    known = [name for name, _, _ in arguments["recipe"]]
    unknown = [name for name in result if name not in known]
    if unknown:
        return f"wrong: {', '.join(unknown)} no result of the recipe; inputs are not listed"
    return is_in_order(result, arguments["recipe"])


def _by_inputs_only(recipe: Recipe) -> list[str]:
    """First those computed from leaves alone, then the others as they stand."""
    results = {name for name, _, _ in recipe}
    first = [name for name, _, arguments in recipe if not results & set(arguments)]
    return first + [name for name, _, _ in recipe if name not in first]


# -------------------------------------------------------------------- 2.4


def _reached(recipe: Recipe, leaf: str) -> list[str]:
    """By the engine: what requires a gradient if only this leaf does."""
    tensors = {name: Tensor(1.5, requires_grad=name == leaf) for name in "abc"}
    found = made(recipe, tensors)
    return [name for name, _, _ in recipe if found[name].requires_grad]


def _with_a_reached_leaf(rng: np.random.Generator) -> dict[str, Any]:
    while True:
        recipe, leaf = drawn_recipe(rng), str(rng.choice(list("abc")))
        direct = [name for name, _, arguments in recipe if leaf in arguments]
        if len(direct) < len(_reached(recipe, leaf)) < len(recipe):
            return {"recipe": recipe, "leaf": leaf}


EXERCISES = [
    Exercise(
        number="2.1",
        name="cook",
        task="follow a recipe",
        draw=_drawn,
        judge=values(lambda recipe, values: _result(recipe, values).data),
        hints=(
            "Keep a dict of everything that is known: at first the values, after each step also "
            "its result. What does a step need of it?",
            "For a step (name, operation, (first, second)): look up the two values, choose what to "
            "do by `operation`, and store it under `name`. The last name is what to return.",
        ),
        mistakes=(
            Mistake(
                _only_add,
                "instead of",
                "Each step has its own operation; is everything added here?",
            ),
            Mistake(
                _swapped,
                "instead of",
                "In a subtraction the order matters: it is the first minus the second.",
            ),
            Mistake(
                _from_leaves,
                "instead of",
                "The last step needs results of the steps before it, too.",
            ),
            Mistake(lambda recipe, values: made(recipe, values), "returned a dict of"),
        ),
    ),
    Exercise(
        number="2.2",
        name="count_operations",
        task="count the operations behind a Tensor",
        draw=_drawn,
        use=lambda function, recipe, values: function(_result(recipe, values)),
        judge=values(lambda recipe, values: draw_graph(_result(recipe, values)).operations),
        hints=(
            "From `y.node` the edges lead to the nodes it was computed from: "
            "`edge.source for edge in node.edges`. Can you come to the same node twice?",
            "Keep a set of the nodes that were found, and a list of those still to look at. A leaf "
            "has no edges and is no operation.",
        ),
        mistakes=(
            Mistake(
                _count_with_repeats,
                "; expected is",
                "A result that is used twice is found twice, and counted twice; it is one "
                "operation.",
            ),
            Mistake(
                _count_everything,
                "; expected is",
                "Leaves are counted too, and a node that is used twice is counted twice.",
            ),
            Mistake(
                _count_all,
                "; expected is",
                "The leaves were counted too: a node without edges is an input, no operation.",
            ),
            Mistake(
                lambda y: len(y.node.edges),
                "; expected is",
                "These are the arguments of the last operation; follow their edges, too.",
            ),
        ),
    ),
    Exercise(
        number="2.3",
        name="in_order",
        task="bring mixed steps in order",
        draw=_shuffled,
        judge=_in_order,
        hints=(
            "Which steps can be done at once? Those whose arguments are all inputs. And once these "
            "are done?",
            "Repeat: of the steps that are left take one whose arguments are no results of other "
            "steps that are left; note its name, and take it out.",
        ),
        mistakes=(
            Mistake(
                lambda recipe: [name for name, _, _ in recipe],
                "which it is computed from",
                "This is the order in which they stand, and they are mixed.",
            ),
            Mistake(
                lambda recipe: [name for name, _, _ in recipe][::-1],
                "which it is computed from",
                "To turn a mixed list around does not sort it.",
            ),
            Mistake(
                _by_inputs_only,
                "which it is computed from",
                "The first ones are right. Now that they are done, which can be next?",
            ),
            Mistake(lambda recipe: [recipe[0][0]], "missing"),
        ),
    ),
    Exercise(
        number="2.4",
        name="touched_by",
        task="what an input reaches",
        draw=_with_a_reached_leaf,
        judge=values(_reached),
        hints=(
            "A result changes with `leaf` if one of its arguments is `leaf`. Is that the only way?",
            "Go through the steps in order and keep a set that starts with `leaf`: a result whose "
            "arguments are in it joins it.",
        ),
        mistakes=(
            Mistake(
                lambda recipe, leaf: [name for name, _, pair in recipe if leaf in pair],
                "missing",
                "These use the input themselves; what uses their results changes with it, too.",
            ),
            Mistake(
                lambda recipe, leaf: [name for name, _, _ in recipe],
                "should not be there",
                "Not every result is computed from this input.",
            ),
            Mistake(
                lambda recipe, leaf: [leaf, *_reached(recipe, leaf)],
                "should not be there",
                "The input itself is no result of a step.",
            ),
        ),
    ),
]
