"""Checks by experiment: they measure, and what they conclude from the numbers is likely, not sure.

The thresholds were set so that no network of the examples and no healthy program of the tests
raises an alarm.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from ..nonfinite import origin_of_nonfinite
from .passes import Layer, Slopes, tensors
from .report import Finding, Fine, Result, Unchecked
from .structure import Check, listed
from .subject import Subject, differs, learned

__all__ = ["EXPERIMENTS", "flow"]

ODD = {True: 4.0, False: 30.0}  # times a constant's loss, of classes and of other targets
HALF = 0.5  # of units dead, or of values saturated
FADING = 1e-3  # the first layer's gradient over the last one's; or the reverse
LARGE, SMALL = 10.0, 1e-3  # root mean squares of inputs
UPDATE = 0.1  # of the weights in one step
_NOT_FINITE = "the first loss is not finite"


def is_finite(subject: Subject) -> Result:
    """NaN or infinity in the first pass."""
    if subject.first.finite:
        return Fine("the first loss and its gradients are finite")
    if math.isfinite(subject.first.loss.data):
        names = [
            subject.names[id(p)]
            for p in subject.parameters
            if (g := subject.first.gradients[id(p)]) is not None and not np.isfinite(g).all()
        ]
        facts = [f"the loss is finite, but not the gradients of {listed(names)}"]
    else:
        with subject.training():
            origin = origin_of_nonfinite(subject.model, subject.inputs, subject.target)
        facts = [f"the first loss is {subject.first.loss.data}: {origin}"]
    return Finding(
        facts,
        "an op outside of its domain, such as log or a square root of 0",
        "keep it in its domain by np.maximum or np.clip; see docs/why.md",
    )


def first_loss(subject: Subject) -> Result:
    """The first loss, compared with the best that a constant prediction reaches."""
    loss = float(subject.first.loss.data)
    constant = subject.constant_loss()
    if not math.isfinite(loss):
        return Unchecked(_NOT_FINITE)
    if constant is None:
        return Unchecked("it is not known what to expect of this loss")
    expected = f"{constant:.3g} of a prediction that is the same for all samples"
    if subject.has_classes:
        k = next(tensors(subject.first.output)).shape[-1]
        if math.isclose(constant, math.log(k), rel_tol=1e-3):
            expected += f", ln {k}"
    if subject.has_classes and constant <= 0:
        return Finding(
            [
                f"the first loss is {loss:.3g}, against {expected}: a negative log probability "
                "would be above 0"
            ],
            "a loss of log probabilities that is given something else",
            "use nn.cross_entropy with logits, or nn.nll_loss with log_softmax",
        )
    if constant > 0 and loss > ODD[subject.has_classes or subject.is_binary] * constant:
        return Finding(
            [f"the first loss is {loss:.3g}, against {expected}"],
            "initial weights or inputs that are too large, or targets far from 0",
            "use init='he', scale the inputs and, if they are numbers, the targets, or set the "
            "last bias to their mean",
        )
    return Fine(f"{loss:.3g}, against {expected}")


def gradients_are_not_zero(subject: Subject) -> Result:
    """Parameters whose gradient is 0 in every pass."""
    passes = subject.steps.passes
    found = [
        subject.names[id(p)]
        for p in subject.parameters
        if all((g := one.gradients[id(p)]) is not None and not g.any() for one in passes)
    ]
    if not found:
        return Fine("every parameter gets a gradient other than 0")
    return Finding(
        [f"in {len(passes)} passes the gradient of {listed(found)} is 0 throughout"],
        "units that are 0 for all samples, or weights of 0 further on",
        "look at the findings on units and layers; draw initial weights at random",
    )


def _in_all_passes(subject: Subject) -> list[list[Slopes]]:
    """The slopes of each activation function, in every pass."""
    return [list(each) for each in zip(*(one.slopes for one in subject.steps.passes), strict=False)]


def no_dead_units(subject: Subject) -> Result:
    """Units of a ReLU that are 0 for all samples."""
    facts = []
    for slopes in _in_all_passes(subject):
        dead = min(each.dead for each in slopes)
        if dead > HALF * slopes[0].units:
            facts.append(
                f"{dead} of {slopes[0].units} units of {slopes[0]} are 0 for all {subject.n} "
                f"samples, in {len(slopes)} passes"
            )
    if not facts:
        return Fine("most units are active for some samples")
    return Finding(
        facts,
        "biases far below 0, inputs that are not centered, or steps that were too large",
        "use init='he' and biases of 0, scale the inputs, lower the learning rate, or use "
        "nn.LeakyReLU",
    )


def no_saturation(subject: Subject) -> Result:
    """Sigmoid or tanh where it is flat."""
    facts = []
    constant = subject.constant_loss()
    good = constant is not None and float(subject.first.loss.data) < HALF * constant
    for slopes in _in_all_passes(subject):
        flat = min(each.flat for each in slopes)
        if flat > HALF and not (slopes[0].is_output and good):
            facts.append(
                f"{flat:.0%} of the values of {slopes[0]} have a local derivative below 0.001"
            )
    if not facts:
        return Fine("most values are where sigmoid and tanh are steep")
    return Finding(
        facts,
        "inputs or weights that are too large",
        "scale the inputs, use init='glorot', or put a normalization layer before it",
    )


def flow(layers: list[Layer]) -> tuple[float, Layer, Layer] | None:
    """The first layer's gradient over the last one's, and both; None where that says nothing.

    It is that with respect to the layers' outputs, per sample: the gradient of a weight also grows
    with its inputs, and would be equal in all layers of a network that explodes.
    """
    inner = [each for each in layers if each.output.node is not None and each.path]
    inner = inner or layers
    if len(inner) < 3 or not inner[-1].gradient:
        return None
    return inner[0].gradient / inner[-1].gradient, inner[0], inner[-1]


def no_vanishing(subject: Subject) -> Result:
    """Gradients that fade on the way back."""
    return _flows(subject, vanishing=True)


def no_explosion(subject: Subject) -> Result:
    """Gradients that grow on the way back."""
    return _flows(subject, vanishing=False)


def _flows(subject: Subject, vanishing: bool) -> Result:
    found = [each for one in subject.steps.passes if (each := flow(one.layers)) is not None]
    if not subject.first.finite:
        return Unchecked(_NOT_FINITE)
    if not found:
        return Unchecked("there are fewer than three layers with parameters")
    ratio, first, last = (max if vanishing else min)(found, key=lambda each: each[0])
    fact = f"the gradient at {first} has {ratio:.2g} times the norm of that at {last}"
    if vanishing and ratio < FADING:
        steepest = min(_factors(subject), default=(1.0, ""))
        return Finding(
            [
                fact,
                *(
                    [
                        f"it shrinks most, by a factor of {steepest[0]:.2g}, on the way back "
                        f"{steepest[1]}"
                    ]
                    if steepest[1]
                    else []
                ),
            ],
            "activation functions that are flat, or weights that are too small",
            "use nn.ReLU with init='he', normalization layers, or residual connections",
        )
    if not vanishing and ratio > 1 / FADING:
        return Finding(
            [fact],
            "weights that are too large",
            "use init='he', normalization layers, or clip_norm=1.0",
        )
    return Fine(fact)


def _factors(subject: Subject) -> list[tuple[float, str]]:
    """By how much the gradient shrinks between two layers."""
    layers = [each for each in subject.first.layers if each.gradient]
    return [(a.gradient / b.gradient, f"from {b} to {a}") for a, b in pairwise(layers)]


def output_depends_on_input(subject: Subject) -> Result:
    """An output that is the same whatever comes in."""
    if subject.n < 2:
        return Unchecked("there is one sample only")
    with subject.unchanged():
        ignored = subject.ignored_inputs()
    ignored = [i for i in ignored if i in subject.steps.ignored]  # a last layer may start at 0
    if not ignored:
        return Fine("the output changes with the input")
    which = f"input {listed([str(i) for i in ignored])}" if subject.inputs[1:] else "input"
    return Finding(
        [f"the output stays the same when each sample's {which} is that of another one"],
        "a layer whose units are all dead, a path that was cut, or weights of 0",
        "look where the samples become equal: print layer(x).std(axis=0) for each layer",
    )


def samples_stay_apart(subject: Subject) -> Result:
    """One sample's output depends on another sample."""
    if not subject.output_is_by_sample():
        return Unchecked("inputs and output do not share a first axis of two samples or more")
    if _is_noisy(subject):
        return Unchecked("the output differs from call to call")
    n, size = subject.leak()
    if not n:
        return Fine("no sample's output depends on another sample")
    return Finding(
        [
            f"in evaluation mode, changing the first sample alone changes the outputs of {n} of "
            f"{subject.n - 1} others, by up to {size:.2g}"
        ],
        "a reshape where a transpose is needed, or a sum, mean, softmax or attention along the "
        "batch axis",
        "keep the samples on the first axis; use np.swapaxes to exchange axes",
    )


def _is_noisy(subject: Subject) -> bool:
    with subject.unchanged():
        pairs = zip(subject.evaluate(), subject.evaluate(), strict=True)
        return any(differs(a, b) for a, b in pairs)


def evaluation_is_repeatable(subject: Subject) -> Result:
    """Evaluation that is random, or that changes the model."""
    if _is_noisy(subject):
        return Finding(
            ["two calls in evaluation mode return different outputs for the same batch"],
            "noise or dropout by hand that does not look at self.training",
            "use nn.Dropout, or draw only if self.training",
        )
    with subject.unchanged():
        before = [(name, array.copy()) for name, array in subject.model.named_buffers()]
        subject.evaluate()
        after = dict(subject.model.named_buffers())
        moved = [name for name, array in before if not np.array_equal(array, after[name])]
    if moved:
        return Finding(
            [f"a call in evaluation mode changes {listed(moved)}"],
            "statistics that are collected without looking at self.training",
            "change buffers only if self.training",
        )
    return Fine("two calls in evaluation mode return the same")


def input_is_scaled(subject: Subject) -> Result:
    """Inputs much larger or smaller than 1."""
    layer = next(iter(subject.first.layers), None)
    given = subject.inputs[0] if layer is None else layer.given
    values = getattr(given, "data", given)
    normalizes = layer is not None and "Norm" in type(layer.module).__name__
    if normalizes or np.asarray(values).dtype.kind != "f" or getattr(given, "node", None):
        return Fine("the first layer does not take numbers as they are")
    axis = 0 if values.ndim == 2 else None
    sizes = np.atleast_1d(np.sqrt(np.square(values, dtype=np.float64).mean(axis=axis)))
    most, column = float(sizes.max()), int(sizes.argmax())
    where = f"column {column} of the input" if axis == 0 else "the input"
    fact = f"{where} has a root mean square of {most:.3g}"
    if SMALL < most < LARGE or most == 0:
        return Fine(fact)
    return Finding(
        [fact],
        "data as they were measured or stored, such as pixels from 0 to 255",
        "scale each column to mean 0 and standard deviation 1, as by nn.Standardizer, or divide "
        "pixels by 255",
    )


def learns_by_heart(subject: Subject) -> Result:
    """Karpathy's test: any network should be able to overfit a few samples."""
    if not subject.first.finite:
        return Unchecked(_NOT_FINITE)
    if not subject.parameters:
        return Unchecked("there is nothing to train")
    constant = subject.few[2]
    if (start := subject.attempts[0].losses[0]) <= 0:
        return Unchecked(f"the loss starts at {start:.3g}, and it is not known how low it gets")
    best = min(subject.attempts, key=lambda each: min(each.losses))
    fact = f"{start:.3g} to {min(best.losses):.3g} in {len(best.losses)} steps of {best.name}"
    if learned(best.losses, constant):
        return Fine(f"a few samples are learned by heart: the loss falls from {fact}")
    tried = listed([each.name for each in subject.attempts], 9)
    return Finding(
        [f"of a few samples the loss falls from {fact} at best; tried were {tried}"],
        "something on the way from input to loss is wrong, or the model is too small for its task",
        "look at the other findings first; then compare predictions and targets by hand",
    )


def steps_are_small(subject: Subject) -> Result:
    """A learning rate with which the loss grows."""
    if subject.optimizer is None:
        return Unchecked("no optimizer was given")
    if not subject.first.finite:
        return Unchecked(_NOT_FINITE)
    steps = subject.own_steps
    start, end = steps.losses[0], steps.losses[-1]
    fact = (
        f"in {len(steps.losses)} steps of {steps.name} on this batch the loss goes from "
        f"{start:.3g} to {end:.3g}; a step changes the weights by up to "
        f"{max(steps.ratios):.2g} of their norm"
    )
    if math.isfinite(end) and (end <= 3 * abs(start) or max(steps.ratios) < UPDATE):
        return Fine(fact)
    return Finding(
        [fact],
        "a learning rate that is too large",
        f"try a tenth of lr={subject.optimizer.lr:g}, or clip_norm=1.0",
    )


EXPERIMENTS: dict[str, Check] = {
    "not-finite": is_finite,
    "first-loss": first_loss,
    "zero-gradient": gradients_are_not_zero,
    "dead-units": no_dead_units,
    "saturated-units": no_saturation,
    "vanishing-gradients": no_vanishing,
    "exploding-gradients": no_explosion,
    "output-ignores-input": output_depends_on_input,
    "samples-leak": samples_stay_apart,
    "noisy-evaluation": evaluation_is_repeatable,
    "unscaled-input": input_is_scaled,
    "one-batch": learns_by_heart,
    "diverging": steps_are_small,
}
"""The checks by their ids, in the order of the report."""
