"""Breaks the engine, its checks and nn on purpose, and reports which small changes tests notice.

    python -m tests.mutants_of_source            every mutant
    python -m tests.mutants_of_source relu       those whose file or line mentions relu

A mutant that survives shows a test that is missing.  Each runs in a copy of the tree.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Mutant(NamedTuple):
    """Replace `old` by `new` in a file; the tests selected by `test` should fail."""

    file: str
    old: str
    new: str
    test: str


E = "tinygrad_edu/ops/elementwise.py"
A = "tinygrad_edu/ops/activations.py"
T = "tinygrad_edu/ops/trigonometric.py"
R = "tinygrad_edu/ops/reduce.py"
S = "tinygrad_edu/ops/shape.py"
N = "tinygrad_edu/ops/neural.py"
I = "tinygrad_edu/ops/index.py"  # noqa: E741
L = "tinygrad_edu/ops/linalg.py"
G = "tinygrad_edu/graph.py"

NO_SOURCES = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "out"
)

MUTANTS = [
    # a wrong factor or sign
    Mutant(T, "np.tanh, lambda g, out: g - g * out * out", "np.tanh, lambda g, out: g - g * out", "tanh"),
    Mutant(E, "np.subtract, lambda g: g, lambda g: -g", "np.subtract, lambda g: g, lambda g: g", "subtract"),
    Mutant(E, "np.sqrt, lambda g, out: g * 0.5 / out", "np.sqrt, lambda g, out: g / out", "sqrt"),
    Mutant(E, "lambda g, y, out: -g * out / y", "lambda g, y, out: -g * out", "divide"),
    Mutant(E, "g * y * x ** _one_less(y)", "g * x ** _one_less(y)", "power"),
    Mutant(E, "(out * (1 - out))", "(out * (1 + out))", "sigmoid"),
    Mutant(R, "spread(g, like, axis) / (count(like, axis) or 1)", "spread(g, like, axis)", "mean"),
    Mutant(R, "(2 / (count(like, axis) - ddof or math.nan))", "(2 / (count(like, axis) or math.nan))", "var"),
    Mutant(N, "out * (g - (g * out).sum(", "out * (g - g.sum(", "softmax"),
    Mutant(N, "lambda g, weight: g @ weight.T", "lambda g, weight: g @ weight.T * 0.5", "dense"),
    # the wrong location
    Mutant(S, "np.argsort(np.asarray(axes) % len(axes))", "np.asarray(axes) % len(axes)", "transpose"),
    Mutant(S, "for shape in likes[:position])\n    return g[(slice", "for shape in likes[: position + 1])\n    return g[(slice", "concatenate"),
    Mutant(I, "    if _unique(parts):", "    if True:", "getitem or scatter"),
    Mutant(L, "return part[..., 0] if vector else part", "return part", "matmul"),
    # a write into what was given
    Mutant(E, "np.exp, lambda g, out: g * out", "np.exp, lambda g, out: np.multiply(out, g, out=out) if type(out) is np.ndarray else g * out", "exp"),
    Mutant(N, "    y = np.exp(x - _peak(x, axis))\n", "    x -= _peak(x, axis)\n    y = np.exp(x)\n", "softmax"),
    # a dropped un-broadcast
    Mutant(G, "        g = g.sum(axis=tuple(range(added)))\n", "        g = g[(0,) * added]\n", "add or multiply"),
    Mutant(G, "if n == 1 and g.shape[i] != 1)", "if n == 0)", "add or multiply"),
    # a float64 leak
    Mutant(A, "None, lambda g, out: only(g, out > 0)", "None, lambda g, out: only(g, (out > 0) * np.float64(1.0))", "relu"),
    Mutant(R, "np.sum(chosen, axis, g.dtype, keepdims=True)", "np.sum(chosen, axis, keepdims=True)", "max or min"),
    # a detached second derivative
    Mutant(E, "np.log, lambda g, x: g / x", "np.log, lambda g, x: g / (x.data if hasattr(x, 'node') else x)", "log"),
    Mutant(E, "np.multiply, lambda g, y: g * y", "np.multiply, lambda g, y: g * (y.data if hasattr(y, 'node') else y)", "multiply"),
]  # fmt: skip

C = "tinygrad_edu/checks/"
D = C + "finite_differences.py"
CHECK_MUTANTS = [
    # an excuse for a wrong gradient
    Mutant(D, "return slopes.noise <= self.tolerance.of(*known)", "return True", "gradcheck"),
    Mutant(D, "<= self.tolerance.of(each, self.analytic) + last.noise", "<= self.tolerance.of(each, self.analytic) + 1e3 * last.noise", "gradcheck"),
    Mutant(D, "if math.isfinite(s)), default=0)", "), default=0)", "gradcheck"),
    Mutant(D, "found = between and stays and last.gap > slack", "found = between and last.gap > slack", "gradcheck"),
    Mutant(D, "found = between and stays and last.gap > slack", "found = stays and last.gap > slack", "gradcheck"),
    Mutant(D, "for r in (*self.larger(rungs[0].step), *rungs)", "for r in rungs", "gradcheck"),
    Mutant(C + "gradient_check.py", "if len(outputs) == 1 and outputs[0].size == 1:", "if outputs[0].size == 1:", "gradcheck"),
    Mutant(C + "gradient_check.py", "elif not _discrete(y):", "elif False:", "gradcheck"),
    Mutant(C + "gradient_check.py", "nothing = not prefix and not (", "nothing = not prefix and (", "gradcheck"),
    Mutant(C + "report.py", "} - set(self.empty)", "}", "gradcheck or compare"),
    Mutant(C + "report.py", "return bool(words) and words <=", "return words <=", "gradcheck or compare"),
    # an alarm for a right one
    Mutant(D, "if 0 < abs(self.x) < self.base:", "if False:", "gradcheck"),
    Mutant(D, "if self.noise <= limit * step:", "if True:", "gradcheck"),
    Mutant(D, "if len(rungs) < 3 or last.step > self.base or last.flat:", "if len(rungs) < 3 or last.step > self.base:", "gradcheck"),
    # a promise of ops that is not looked after
    Mutant(C + "op_check.py", "self.require(_same(g, before[0]), ", "self.require(True, ", "check_op"),
    Mutant(C + "op_check.py", "self.require(part.dtype == out.dtype, complaint)", "pass", "check_op"),
    Mutant(C + "op_check.py", "self.require(_near(a, b, 1e-9),", "self.require(True,", "check_op"),
    Mutant(C + "op_check.py", "self.require(warned == expected,", "self.require(True,", "check_op"),
    Mutant(C + "op_check.py", "return now == 0  # ", "return True  # ", "check_op or ops"),
    Mutant(C + "comparison.py", "if all(g is None for g in exact):", "if False:", "compare"),
]  # fmt: skip

Y = "nn/layers/"
NN_MUTANTS = [
    # layers
    Mutant("nn/functional/normalization.py", "momentum * (mean.ravel() - running_mean)", "momentum * mean.ravel()", "normalization and not torch"),
    Mutant("nn/functional/normalization.py", "(n / (n - 1))", "(n / n)", "normalization and not torch"),
    Mutant("tinygrad_edu/ops/normalization.py", "h, slope = g_y, scale * weight", "h, slope = g_y, scale", "normalization and not torch"),
    Mutant("tinygrad_edu/ops/normalization.py", "(g[1] - slope * total) / n", "-slope * total / n", "standardize"),
    Mutant(Y + "dropout.py", "scale = 1 / (1 - self.p)", "scale = 1 / self.p", "drop and not torch"),
    Mutant(Y + "dropout.py", "if not self.training or self.p == 0:", "if self.p == 0:", "drop and not torch"),
    Mutant(Y + "attention.py", "self.dropout(weights) @ v", "self.dropout(weights) @ k", "attention and not torch"),
    Mutant(Y + "attention.py", "functools.reduce(np.logical_or,", "functools.reduce(np.logical_and,", "attention and not torch"),
    Mutant(Y + "attention.py", "ops.pad(m, [(0, 0)] * (m.ndim - 1) + [(0, more)])", "ops.pad(m, [(0, 0)] * (m.ndim - 1) + [(more, 0)])", "attention and not torch"),
    Mutant(Y + "attention.py", "x = self.norm1(x + self._attention(x, masks))", "x = self.norm1(self._attention(x, masks))", "attention"),
    Mutant(Y + "recurrent.py", "return ops.stack(outputs[::order]), state", "return ops.stack(outputs), state", "recurrent and not torch"),
    Mutant(Y + "recurrent.py", "b_ih = b_ih + b_hh", "b_ih = b_ih", "recurrent and not torch"),
    Mutant(Y + "recurrent.py", "features = self.input_size if i < len(ways)", "features = self.input_size if i < 1", "recurrent and not torch"),
    # windows
    Mutant("tinygrad_edu/ops/windows.py", "if ceil_mode and (p - 1) * s >= n + before:", "if False:", "neural and not torch"),
    Mutant("tinygrad_edu/ops/windows.py", "dtype = accumulator(y.dtype) or y.dtype", "dtype = y.dtype", "neural and not torch"),
    Mutant("tinygrad_edu/ops/pooling.py", "(0, n)", "(0, n + after)", "neural or pool"),
    Mutant("nn/functional/pooling.py", "if not (last[at] == order).all():", "if False:", "convolution_layers and not torch"),
    Mutant("nn/functional/pooling.py", "inside = inside & np.expand_dims(i < last, others)", "inside = inside & np.expand_dims(i <= last, others)", "convolution_layers"),
    Mutant("nn/init.py", "return shape[1] * window, shape[0] * window", "return shape[0] * window, shape[1] * window", "init and not torch"),
    # losses
    Mutant("nn/losses/classes.py", "q = q * (1 - label_smoothing) + even", "q = q * (1 - label_smoothing)", "losses and not torch"),
    Mutant("nn/losses/classes.py", "return losses.sum() / (total if total else 1.0)", "return losses.mean()", "losses and not torch"),
    Mutant("nn/losses/classes.py", "even = even * kept[..., None]", "even = even", "losses"),
    # optimizers and schedules
    Mutant("nn/optim/adam.py", "scratch /= math.sqrt(1 - beta2**t)", "pass", "optim and not torch"),
    Mutant("nn/optim/optimizer.py", "p *= 1 - decoupled_lr * weight_decay", "p *= 1 + decoupled_lr * weight_decay", "optim"),
    Mutant("nn/optim/optimizer.py", "g = np.asarray(-g)", "pass", "optim"),
    Mutant("nn/optim/lbfgs.py", "d += (alpha - rho * float(y @ d)) * s", "d += alpha * s", "optim"),
    Mutant("nn/optim/line_search.py", "ENOUGH, FLAT = 1e-4, 0.9", "ENOUGH, FLAT = 1e-4, 0.8", "optim"),
    Mutant("nn/optim/adam.py", "(length - 4) * (length - 2)", "(length - 4) * (length - 3)", "optim"),
    Mutant("nn/optim/sgd.py", "v += np.multiply(g, 1 - dampening, out=scratch) if dampening else g", "v += g", "optim"),
    Mutant("nn/optim/clip.py", "if max_norm < norm < math.inf:", "if norm < math.inf:", "clip and not torch"),
    Mutant("nn/schedulers/formulas.py", "bisect_right(self.milestones, t)", "bisect_right(self.milestones, t - 1)", "schedulers"),
    # training
    Mutant("nn/trainer.py", "total = float(penalty), loss + penalty", "total = float(penalty), loss", "training"),
    Mutant("nn/scores.py", "+ mean * self._weight(name, len(target))", "+ mean", "training"),
    Mutant("nn/trainer.py", "rng.bit_generator.state = state", "pass", "callbacks"),
    Mutant("nn/callbacks.py", "if score > self.best + self.min_delta:", "if score > self.best - self.min_delta - 1:", "training"),
    Mutant("nn/trainer.py", "if name in waiting]", "if False]", "resume"),
    Mutant("nn/callbacks.py", "if self.judged < len(trainer.history):", "if False:", "callbacks"),
    Mutant("nn/callbacks.py", "if last > best or not self.save_best_only:", "if True:", "callbacks"),
    Mutant("nn/training_data.py", "int(each.max(axis=1).argmax())", "0", "training"),
    Mutant("nn/data.py", "order = self.generator.permutation(n) if self.shuffle", "order = np.arange(n) if self.shuffle", "test_nn or data"),
    Mutant("nn/metrics.py", "np.bincount(t * n + p, minlength=n * n)", "np.bincount(p * n + t, minlength=n * n)", "metrics"),
]  # fmt: skip


def survives(mutant: Mutant) -> bool:
    """Whether the selected tests pass in spite of the mutant."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT, folder, ignore=NO_SOURCES, dirs_exist_ok=True)
        path = Path(folder) / mutant.file
        text = path.read_text()
        if text.count(mutant.old) < 1:
            raise SystemExit(f"{mutant.file} no longer contains {mutant.old!r}")
        path.write_text(text.replace(mutant.old, mutant.new, 1))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "tests", "-k", mutant.test]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode not in (0, 1):  # neither passed nor failed: nothing was tested
            raise SystemExit(
                f"the tests of {mutant.test!r} did not run:\n{done.stdout}{done.stderr}"
            )
        return done.returncode == 0


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    every = MUTANTS + CHECK_MUTANTS + NN_MUTANTS
    chosen = [m for m in every if word in m.file + m.old + m.test]
    survivors = 0
    for mutant in chosen:
        survived = survives(mutant)
        survivors += survived
        print(
            f"{'SURVIVED' if survived else 'caught'}: {mutant.old.strip()!r} -> {mutant.new.strip()!r}"
        )
    print(f"{len(chosen)} mutants, {survivors} survived")
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
