"""A model, its loss and a batch, and the experiments made with them; each leaves all as it was."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, enable_grad, grad, no_grad

from .. import losses
from ..data import DataLoader, Dataset
from ..evaluation import one_number
from ..init import generator
from ..module import Module
from ..optim import Adam, Optimizer
from ..training_data import in_batches, spread_samples, with_target
from ..watching import evaluating, train_all_but_resting
from .passes import Pass, equal_units, run, tensors
from .unchanged import unchanged

__all__ = ["Attempt", "Steps", "Subject", "differs", "learned"]

FEW = 8  # samples that every network should be able to learn by heart
STEPS = 100
RATES = 1e-2, 1e-3, 1e-1


@dataclass
class Steps:
    """The first passes of a training, and what holds in all of them."""

    passes: list[Pass]
    equal: set[str]  # weights whose units are equal
    ignored: list[int]  # inputs that change nothing, after the last step


@dataclass
class Attempt:
    """Steps of an optimizer on one batch: the loss before each, and ‖update‖ / ‖weights‖."""

    name: str
    losses: list[float]
    ratios: list[float]


class Subject:
    """What is looked at.  The batch is (x, y), a Dataset or a DataLoader, of at most 256 samples.

    Raises TypeError or ValueError for what cannot be checked, and what the model raises.
    """

    def __init__(self, model: Any, loss: Any, batch: Any, optimizer: Any = None) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"it takes a Module first, not {type(model).__name__}")
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer is one such as nn.Adam(...), not {optimizer!r}")
        self.model, self.loss, self.optimizer = model, losses.get(loss), optimizer
        self._loaders = [batch.generator] if isinstance(batch, DataLoader) else []
        with self.unchanged():
            *self.inputs, self.target = map(_array, with_target(_samples(batch)))
        self.n = len(self.inputs[0]) if np.ndim(self.inputs[0]) else 1
        self.parts = [model, self.loss]
        modules = [part for part in self.parts if isinstance(part, Module)]
        self.names = {id(p): name for part in modules for name, p in part.named_parameters()}
        self.parameters = [p for part in modules for p in part.parameters() if p.requires_grad]
        self.first = self._first()

    # ---------------------------------------------------------------- contexts

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Everything is undone after the block, which runs without warnings."""
        with (
            unchanged([self.model, self.loss], self._loaders),
            np.errstate(all="ignore"),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield

    @contextmanager
    def training(self) -> Iterator[None]:
        """The same, with the model in training mode."""
        with self.unchanged():
            if not self.model.training:
                train_all_but_resting(self.model)
            yield

    # ---------------------------------------------------------------- passes

    def _first(self) -> Pass:
        """Forward and backward once, in training mode."""
        with self.training():
            return run(self.model, self.loss, self.inputs, self.target, self.parameters)

    @cached_property
    def steps(self) -> Steps:
        """The first pass, and those after a few steps of Adam."""
        equal = equal_units(self.model, self.first.gradients)
        found = [self.first]
        with self.training():
            if self.parameters:
                adam = Adam(self.parameters, lr=1e-2)
                for _ in range(4):
                    self._set_gradients(found[-1])
                    adam.step()
                    now = run(self.model, self.loss, self.inputs, self.target, self.parameters)
                    if not now.finite:
                        break
                    found.append(now)
                    equal &= equal_units(self.model, now.gradients)
            return Steps(found, equal, self.ignored_inputs())

    def _set_gradients(self, found: Pass) -> None:
        for p in self.parameters:
            p.grad = found.gradients[id(p)]

    # ---------------------------------------------------------------- other inputs

    def evaluate(self, inputs: Sequence[Any] | None = None) -> list[np.ndarray]:
        """Copies of the outputs in evaluation mode."""
        with evaluating(self.model), no_grad():
            output = self.model(*(self.inputs if inputs is None else inputs))
        return [t.data.copy() for t in tensors(output)]

    def ignored_inputs(self) -> list[int]:
        """The inputs that change nothing if each sample is given another one's."""
        state = generator().bit_generator.state
        outputs, ignored = self.evaluate(), []
        for i, x in enumerate(self.inputs):
            other = np.roll(x, 1, axis=0) if np.ndim(x) and len(x) == self.n else x
            if np.array_equal(other, x):
                continue
            generator().bit_generator.state = state
            changed = self.evaluate([*self.inputs[:i], other, *self.inputs[i + 1 :]])
            if not any(differs(a, b) for a, b in zip(outputs, changed, strict=False)):
                ignored.append(i)
        return ignored

    def output_is_by_sample(self) -> bool:
        """Whether the first axis of all inputs and outputs is that of the samples."""
        arrays = [*self.inputs, *(t.data for t in list(tensors(self.first.output))[:1])]
        return self.n > 1 and all(np.ndim(a) and len(a) == self.n for a in arrays)

    def leak(self) -> tuple[int, float]:
        """How many other samples' outputs change with the first sample, and by how much at most."""
        other = next((i for i in range(1, self.n) if self._differ(i)), None)
        if other is None:
            return 0, 0.0
        changed = [np.concatenate([x[other : other + 1], x[1:]]) for x in self.inputs]
        with self.unchanged():
            state = generator().bit_generator.state
            before = self.evaluate()
            generator().bit_generator.state = state
            pairs = list(zip(before, self.evaluate(changed), strict=True))
        pairs = [pair for pair in pairs if np.ndim(pair[0]) and len(pair[0]) == self.n]
        moved = [differs(a[i], b[i], a) for i in range(1, self.n) for a, b in pairs]
        size = max(float(np.abs(a[1:] - b[1:]).max()) for a, b in pairs)
        return sum(moved), size

    def _differ(self, i: int) -> bool:
        return any(not np.array_equal(x[0], x[i]) for x in self.inputs)

    # ---------------------------------------------------------------- what a constant would cost

    def constant_loss(self, rows: Any = slice(None)) -> float | None:
        """The loss of a prediction that is the same for all samples; None if it is not known.

        That is of equal logits or probabilities, or of the targets' mean.
        """
        outputs = list(tensors(self.first.output))
        if len(outputs) != 1 or not np.ndim(self.target):
            return None
        output, target = outputs[0].data, self.target
        if len(output) == len(target):
            output, target = output[rows], target[rows]
        found = []
        with self.unchanged(), no_grad():
            for value in _constants(output, target):
                try:
                    constant = Tensor(np.full(output.shape, value, output.dtype))
                    found.append(float(one_number(self.loss(constant, target))))
                except Exception:  # a loss that does not take it
                    continue
        return min((v for v in found if math.isfinite(v)), default=None)

    @property
    def has_classes(self) -> bool:
        """Whether the targets are class indices, each for a row of outputs."""
        output = next(tensors(self.first.output), None)
        kind = np.asarray(self.target).dtype.kind
        return output is not None and kind in "iu" and output.ndim == np.ndim(self.target) + 1

    @property
    def is_binary(self) -> bool:
        """Whether all targets are 0 or 1."""
        return bool(np.isin(self.target, (0, 1)).all())

    # ---------------------------------------------------------------- learning

    @cached_property
    def few(self) -> tuple[list[Any], Any, float | None]:
        """Some samples' inputs and targets, if they can be cut, and the loss of a constant."""
        if not all(np.ndim(a) and len(a) == self.n for a in (*self.inputs, self.target)):
            return self.inputs, self.target, self.constant_loss()
        rows = spread_samples(range(self.n), FEW)
        return [x[rows] for x in self.inputs], self.target[rows], self.constant_loss(rows)

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Attempts to learn a few samples by heart, until one has halved the loss."""
        (inputs, target, constant), made = self.few, []
        for rate in (*([None] if self.optimizer else []), *RATES):
            made.append(self._attempt(rate, inputs, target, STEPS, constant))
            if learned(made[-1].losses, constant):
                break
        return made

    @cached_property
    def own_steps(self) -> Attempt:
        """Ten steps of a copy of the optimizer on the batch."""
        return self._attempt(None, self.inputs, self.target, 10)

    def updates(self) -> dict[int, float]:
        """‖update‖ / ‖parameter‖ of the optimizer's next step, by the id of the parameter."""
        with self.training():
            optimizer = self._copy()
            before = [p.data.copy() for p in self.parameters]
            if getattr(optimizer, "needs_closure", False):
                optimizer.step(lambda: self._loss_with_gradients(self.inputs, self.target))
            else:
                self._set_gradients(self.first)
                optimizer.step()
            pairs = zip(self.parameters, before, strict=True)
            return {id(p): _ratio([old], [p.data]) for p, old in pairs}

    def _loss_with_gradients(self, inputs: Sequence[Any], target: Any) -> Tensor:
        """The loss, after each parameter was given its gradient."""
        with enable_grad():
            value = one_number(self.loss(self.model(*inputs), target))
        found = grad(value, self.parameters, allow_unused=True) if value.node else []
        for p, g in zip(self.parameters, found, strict=False):
            p.grad = None if g is None else g.data
        return value

    def _attempt(
        self, rate: float | None, inputs: Any, target: Any, steps: int, constant: Any = None
    ) -> Attempt:
        with self.training():
            optimizer = self._copy() if rate is None else Adam(self.parameters, lr=rate)
            name = type(optimizer).__name__ + f" with lr={optimizer.lr:g}"
            trained, made = (
                [p for g in optimizer.groups for p in g["params"]],
                Attempt(name, [], []),
            )

            def closure() -> Tensor:
                return self._loss_with_gradients(inputs, target)

            for _ in range(steps):
                before = [p.data.copy() for p in trained]
                if getattr(optimizer, "needs_closure", False):
                    made.losses.append(float(optimizer.step(closure)))
                else:
                    made.losses.append(float(closure()))
                    optimizer.step()
                made.ratios.append(_ratio(before, [p.data for p in trained]))
                finite = math.isfinite(made.losses[-1])
                if not finite or (steps == STEPS and learned(made.losses, constant)):
                    break
        return made

    def _copy(self) -> Any:
        """A copy of the optimizer that changes the same parameters."""
        assert self.optimizer is not None
        held = [p for group in self.optimizer.groups for p in group["params"]]
        return copy.deepcopy(self.optimizer, {id(p): p for p in held})


def learned(values: list[float], constant: float | None) -> bool:
    """Whether the loss has fallen to half of where it began, and of a constant's."""
    start = values[0] if constant is None else min(values[0], constant)
    return min(values) <= 0.5 * start


def differs(a: np.ndarray, b: np.ndarray, scale: Any = None) -> bool:
    """Whether arrays differ by more than rounding."""
    size = np.abs(a if scale is None else scale).max(initial=0)
    return bool(np.abs(a - b).max(initial=0) > 1e-5 * size)


def _ratio(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    step = math.hypot(*(float(np.linalg.norm(b - a)) for a, b in zip(before, after, strict=True)))
    return step / max(math.hypot(*(float(np.linalg.norm(a)) for a in before)), 1e-12)


def _constants(output: np.ndarray, target: Any) -> Iterator[Any]:
    """Predictions that tell nothing of a sample, in the form that the output has."""
    k = output.shape[-1] if output.ndim > 1 else 1
    if k > 1 and np.allclose(output.sum(axis=-1), 1, atol=1e-4) and (output >= 0).all():
        yield 1 / k
    elif k > 1 and np.allclose(np.exp(output).sum(axis=-1), 1, atol=1e-4):
        yield -math.log(k)
    elif np.asarray(target).dtype.kind in "iu" and np.ndim(target) < output.ndim:
        yield 0.0
    else:
        mean = np.mean(target, axis=0)
        if ((output >= 0) & (output <= 1)).all() and ((mean >= 0) & (mean <= 1)).all():
            mean = np.clip(mean, 0.01, 0.99)
        else:
            yield 0.0
        yield mean


def _samples(batch: Any) -> Any:
    """Some hundred samples of data, or a tuple as it is."""
    if isinstance(batch, (Dataset, DataLoader)):
        loader = in_batches(batch, None)
        return loader.batch(spread_samples(loader.dataset))
    if isinstance(batch, (tuple, list)) and len({len(a) for a in batch if np.ndim(a)}) == 1:
        n = len(batch[0])
        return tuple(a[spread_samples(range(n))] if n > 256 else a for a in batch)
    return batch


def _array(values: Any) -> Any:
    """The array of a Tensor or a list; other things as they are."""
    if isinstance(values, Tensor):
        return values.data
    return np.asarray(values) if isinstance(values, (list, tuple, np.ndarray)) else values
