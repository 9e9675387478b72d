"""Recipes: computations as plain data, for exercises about graphs.

A recipe is a list of steps (result, operation, arguments), such as `("p", "add", ("a", "b"))`, the
last step's result being what the recipe makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["OPERATIONS", "Recipe", "drawn_recipe", "drawn_values", "made"]

Recipe = Sequence[tuple[str, str, tuple[str, ...]]]

OPERATIONS = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply}
LEAVES = ("a", "b", "c")


def drawn_recipe(rng: np.random.Generator) -> Recipe:
    """Three to six steps, each of which uses the one before; the last one's result is y."""
    count = int(rng.integers(3, 7))
    names = [*rng.permutation(list("pqrstuvw"))[: count - 1].tolist(), "y"]
    recipe: list[tuple[str, str, tuple[str, ...]]] = []
    known = list(LEAVES)
    for i, name in enumerate(names):
        first = recipe[-1][0] if i else str(rng.choice(known))
        pair = [first, str(rng.choice(known))]
        recipe.append(
            (name, str(rng.choice(list(OPERATIONS))), tuple(rng.permutation(pair).tolist()))
        )
        known.append(name)
    return recipe


def drawn_values(rng: np.random.Generator) -> dict[str, float]:
    """A value for each leaf."""
    return {name: float(rng.uniform(1.1, 3)) for name in LEAVES}


def made(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that comes out of a recipe, by name: Tensors, if the values are Tensors."""
    found: dict[str, Any] = dict(values)
    for name, operation, arguments in recipe:
        first, second = (found[each] for each in arguments)
        found[name] = OPERATIONS[operation](first, second)
    return found


def is_in_order(names: Sequence[str], recipe: Recipe) -> str:
    """ "right" if each name comes after those it is computed from, else what is wrong."""
    results = {name: arguments for name, _, arguments in recipe}
    missing = [name for name in results if name not in names]
    if missing:
        return f"wrong: {', '.join(missing)} missing"
    if len(names) != len(results):
        return f"wrong: {len(names)} names for {len(results)} results"
    for i, name in enumerate(names):
        for argument in results[name]:
            if argument in results and argument not in names[:i]:
                return f"wrong: {name} comes before {argument}, which it is computed from"
    return "right"
