"""Checks of what follows from the structure: the graph, the parameters, the optimizer, the mode.

Each is a function of a Subject.  It returns a Finding, or a Fine or Unchecked result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .passes import RESHAPING, behind, tensors, through
from .report import Finding, Fine, Result, Unchecked
from .subject import Subject

__all__ = ["STRUCTURAL", "listed"]

Check = Callable[[Subject], Result]


def listed(names: list[str], most: int = 4) -> str:
    """Names after commas, the first few."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def in_the_optimizer(subject: Subject) -> Result:
    """Parameters that no step will change."""
    if subject.optimizer is None:
        return Unchecked("no optimizer was given")
    held = [p for group in subject.optimizer.groups for p in group["params"]]
    missing = [p for p in subject.parameters if not any(p is each for each in held)]
    if not missing:
        return Fine(f"the optimizer has all {len(subject.parameters)} parameters")
    names = [subject.names[id(p)] for p in missing]
    facts = [f"{len(names)} of {len(subject.parameters)} parameters: {listed(names)}"]
    foreign = [p for p in held if id(p) not in subject.names]
    if foreign:
        facts.append(
            f"the optimizer has {len(foreign)} that are not the model's: a layer was replaced "
            "after the optimizer was made"
        )
    remedy = "make the optimizer of model.parameters(), after the model is complete"
    return Finding(facts, None, f"{remedy}; to freeze them, use requires_grad_(False)")


def in_the_graph(subject: Subject) -> Result:
    """Parameters without a gradient, and leaves that are no parameters."""
    gradients, n = subject.first.gradients, len(subject.parameters)
    names = [subject.names[id(p)] for p in subject.parameters if gradients[id(p)] is None]
    if n == 0:
        return Finding(
            ["the model has no parameter that requires a gradient"],
            None,
            "assign Modules and nn.Parameters to attributes of the model, or unfreeze them by "
            "model.requires_grad_()",
        )
    if names:
        return Finding(
            [f"the loss does not depend on {len(names)} of {n} parameters: {listed(names)}"],
            None,
            "use them in forward; look for detach(), .data, np.asarray(tensor), no_grad() or an "
            "integer-valued operation on the way from them to the loss",
        )
    own = {id(p.node) for p in subject.parameters}
    leaves = [node for node in behind(subject.first.loss.node) if not node.edges]
    strange = [node.name or "one without a name" for node in leaves if id(node) not in own]
    if strange:
        return Finding(
            [
                f"{len(strange)} Tensors get a gradient and are not parameters of the model or "
                f"the loss: {listed(strange)}"
            ],
            None,
            "make them nn.Parameters and assign them to attributes, or let them not require a "
            "gradient",
        )
    return Fine(f"the loss depends on all {n} parameters")


_LOSSES = {
    "cross_entropy": frozenset({"softmax", "sigmoid"}),
    "log_softmax": frozenset({"softmax", "sigmoid"}),
    "binary_cross_entropy_with_logits": frozenset({"sigmoid", "softmax"}),
}


def softmax_once(subject: Subject) -> Result:
    """Probabilities where the loss expects logits."""
    for node in behind(subject.first.loss.node):
        wrong = _LOSSES.get(node.op.name) if node.edges else None
        source = through(node.edges[0].source, RESHAPING) if wrong else None
        if source is not None and source.edges and source.op.name in (wrong or ()):
            where = f" in layer {source.scope}" if source.scope else ""
            return Finding(
                [
                    f"{node.op.name} is given the output of {source.op.name}{where}, and applies a "
                    f"{'sigmoid' if 'binary' in node.op.name else 'softmax'} itself, so that the "
                    "loss cannot come near 0"
                ],
                None,
                f"leave out the {source.op.name}: give the loss what comes before it",
            )
    return Fine("no probabilities where logits are expected")


def shapes_fit(subject: Subject) -> Result:
    """(N, 1) with (N,), both stretched to (N, N) in the loss."""
    outputs = {t.node for t in tensors(subject.first.output)}
    for node in _in_the_loss(subject.first.loss.node, outputs):
        shapes = [edge.shape for edge in node.edges if edge.shape]
        tracked = [edge.source is not None for edge in node.edges if edge.shape]
        if len(shapes) == 2 and sum(tracked) == 1 and _stretch(*shapes):
            n = max(max(shape) for shape in shapes)
            return Finding(
                [
                    f"in the loss, {node.op.name} combines shapes {shapes[0]} and {shapes[1]} into "
                    f"{(n, n)}: each prediction with each target"
                ],
                None,
                "give both the same shape: prediction[:, 0], or target[:, None]",
            )
    return Fine("predictions and targets have the same shape in the loss")


def _stretch(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether the shapes are (N, 1) and (N,), in either order."""
    column, row = sorted((a, b), key=len, reverse=True)
    return len(column) == 2 and len(row) == 1 and column[1] == 1 and column[0] == row[0] > 1


def _in_the_loss(root: Any, outputs: set[Any]) -> Iterator[Any]:
    """The nodes between the model's outputs and the loss."""
    stack, seen = [root], {None, root, *outputs}
    while stack:
        node = stack.pop()
        if node is None or node in outputs:
            continue
        yield node
        new = [edge.source for edge in node.edges if edge.source not in seen]
        seen.update(new)
        stack += new


_LINEAR = RESHAPING | {"dropout", "negative"}


def activations_between(subject: Subject) -> Result:
    """A linear layer fed by a linear layer, which one of them could do."""
    facts = []
    for node in behind(*(t.node for t in tensors(subject.first.output))):
        weight = _weight(node)
        if weight is None:
            continue
        before = _before(node.edges[0].source)
        first = _weight(before)
        if first is not None and first[1] == weight[0] and first[1] >= min(first[0], weight[1]):
            facts.append(
                f"{_named(before)}, {first[0]} to {first[1]}, feeds {_named(node)}, "
                f"{weight[0]} to {weight[1]}, with no activation function between them"
            )
    if not facts:
        return Fine("no linear layer feeds another one directly")
    return Finding(
        facts[::-1],
        None,
        "put an activation function such as nn.ReLU() between them; two linear layers compute "
        "no more than one",
    )


def _before(node: Any) -> Any:
    """The op that computed the values, before they were reshaped, shifted or dropped."""
    while node is not None and node.edges:
        if node.op.name in _LINEAR or (node.op.name == "add" and _leaves(node.edges[1:])):
            node = node.edges[0].source
        else:
            break
    return node


def _weight(node: Any) -> tuple[int, int] | None:
    """The shape of the weight if the node is x @ W or x @ W + b with a parameter W."""
    if node is None or not node.edges or node.op.name not in ("dense", "matmul"):
        return None
    shape = node.edges[1].shape
    return shape if _leaves(node.edges[1:]) and len(shape) == 2 else None


def _leaves(edges: Any) -> bool:
    return all(edge.source is not None and not edge.source.edges for edge in edges)


def _named(node: Any) -> str:
    return f"layer {node.scope}" if node.scope else node.op.name


def units_differ(subject: Subject) -> Result:
    """Units that are equal and stay so, since their gradients are equal."""
    if not subject.steps.equal:
        return Fine("the units of each layer differ")
    return Finding(
        [
            "all units are equal and get equal gradients, so that they stay equal: "
            f"{listed(sorted(subject.steps.equal))}"
        ],
        None,
        "draw the weights at random, as by init='he'; only biases may all start at the same value",
    )


def mode_is_left_alone(subject: Subject) -> Result:
    """A forward that changes the mode, and a model left in evaluation mode by hand."""
    for training in (True, False):
        with subject.unchanged():
            subject.model.train(training)
            modes = [(m, m.training) for m in subject.model.modules()]
            subject.model(*subject.inputs)
            other = [m for m, mode in modes if m.training is not mode]
        if other:
            name = "training" if training else "evaluation"
            return Finding(
                [
                    f"after model.{'train' if training else 'eval'}() and one call of the model, "
                    f"{len(other)} of its modules have left {name} mode: "
                    f"{listed(sorted({type(m).__name__ for m in other}))}"
                ],
                None,
                "call train() and eval() around the model's use, not in its forward; after an "
                "evaluation call model.train() again",
            )
    depends = [m for m in subject.model.modules() if _depends(m)]
    if not subject.model.training and depends and not subject.model._fitted:
        return Finding(
            [
                "the model is in evaluation mode, in which "
                f"{listed(sorted({type(m).__name__ for m in depends}))} work in another way"
            ],
            "an evaluation has left it so",
            "call model.train() before each epoch of a loop by hand; nn.Trainer does this by "
            "itself",
        )
    return Fine(f"{'training' if subject.model.training else 'evaluation'} mode is kept")


def _depends(module: Any) -> bool:
    return hasattr(module, "running_mean") or bool(getattr(module, "p", 0))


STRUCTURAL: dict[str, Check] = {
    "not-in-the-optimizer": in_the_optimizer,
    "no-gradient": in_the_graph,
    "softmax-before-cross-entropy": softmax_once,
    "targets-stretched": shapes_fit,
    "dense-after-dense": activations_between,
    "equal-units": units_differ,
    "training-mode": mode_is_left_alone,
}
"""The checks by their ids, in the order of the report."""
