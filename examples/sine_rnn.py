"""Learn to go on with a noisy sum of two sines, one value after the other, with a GRU.

Trained on windows to guess each next value, it is then left alone: its guess is its next input.
Sums of sines obey a linear rule, so a weighted sum of the values seen is hard to beat.

What to look at: the error of the next value cannot fall below the noise.  Alone, the network has no
noise to fight, but its own mistakes come back to it: in alone.png see whether it keeps time, and
whether its error grows.  With --epochs 3 it soon falls out of step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import nn
from tinygrad_edu import Tensor, no_grad

from .common import Figure, arguments, count, not_negative, plt, positive, script

PERIODS = 25.0, 60.0  # steps; together they repeat after 300


def curve(n: int) -> np.ndarray:
    """The truth at 0, 1, 2, ...: two sines, of height 1 and 1/2."""
    angles = 2 * np.pi * np.arange(n)[:, None] / PERIODS
    return np.sin(angles) @ [1.0, 0.5]


class Forecaster(nn.Module):
    """Values (n, t, 1) -> a guess of the value after each, (n, t, 1)."""

    def __init__(self, hidden: int) -> None:
        self.gru = nn.GRU(1, hidden)
        self.head = nn.Dense(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.go_on(x)[0]

    def go_on(self, x: Any, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The guesses, and the state in which to read what comes next."""
        output, state = self.gru(x, state)
        return self.head(output), state

    def alone(self, seen: np.ndarray, steps: int) -> np.ndarray:
        """The next `steps` values, of which it sees only its own guesses."""
        guesses = []
        with no_grad():
            guess, state = self.go_on(Tensor(seen[None, :, None]))
            for _ in range(steps):
                guesses.append(guess.data[0, -1, 0])
                guess, state = self.go_on(guess[:, -1:], state)
        return np.array(guesses)


def windows(values: np.ndarray, length: int) -> nn.Dataset:
    """All pieces (n, length, 1), and for each of their values the next one."""
    pieces = sliding_window_view(values.astype(np.float32), length + 1)[:, :, None]
    return nn.Dataset(pieces[:, :-1], pieces[:, 1:])


def linear(train: nn.Dataset, test: nn.Dataset) -> np.ndarray:
    """The guesses of a weighted sum of a window's values, by least squares."""
    weights = np.linalg.lstsq(train.x[:, :, 0], train.y[:, -1, 0])[0]
    return test.x[:, :, 0] @ weights


def draw(truth: np.ndarray, values: np.ndarray, free: np.ndarray, shown: int) -> Figure:
    """The truth, what was seen of it, and how the network goes on from there."""
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9, 5), layout="constrained", sharex=True, height_ratios=(3, 1)
    )
    t = np.arange(-shown, len(free))
    above.plot(t, truth[-len(t) :], color="tab:gray", label="truth")
    above.plot(t[:shown], values[-len(t) :][:shown], ".", label="values seen, with noise")
    above.plot(t[shown:], free, color="tab:orange", label="the network alone")
    below.plot(t[shown:], free - truth[-len(free) :], color="tab:orange")
    error = np.sqrt(np.mean((free - truth[-len(free) :]) ** 2))
    above.set_ylim(top=1.4 * values.max())  # room for the legend
    above.set(ylabel="value", title=f"{len(free)} steps alone, {error:.3f} from the truth (RMS)")
    above.legend(loc="upper right", ncols=3)
    below.set(xlabel="step", ylabel="alone - truth")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.axvline(0, color="black", linewidth=0.8)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("sine_rnn", __doc__)
    parser.add_argument("--steps", type=count, default=2000, help="values; a fifth is held out")
    parser.add_argument("--noise", type=not_negative, default=0.1, help="standard deviation")
    parser.add_argument("--window", type=count, default=100, help="values to guess from")
    parser.add_argument("--hidden", type=count, default=32, help="size of the GRU's state")
    parser.add_argument("--epochs", type=count, default=30, help="rounds through the windows")
    parser.add_argument("--lr", type=positive, default=0.01, help="learning rate of Adam")
    with script(parser, argv) as run:
        options = run.options
        generator = nn.manual_seed(options.seed)
        if options.steps < 10 * options.window:
            parser.error(f"--window {options.window} needs --steps {10 * options.window} at least")
        truth = curve(options.steps)
        values = truth + generator.normal(0, options.noise, len(truth))
        cut = len(values) - len(values) // 5
        train, test = (windows(part, options.window) for part in np.split(values, [cut]))
        model = Forecaster(options.hidden)
        run.keep(model=model)
        optimizer = nn.Adam(model.parameters(), lr=options.lr)
        schedule = nn.CosineAnnealingLR(optimizer, T_max=options.epochs)
        trainer = nn.Trainer(model, "mse", optimizer, scheduler=schedule, clip_norm=1.0)
        history = trainer.fit(train, test, epochs=options.epochs)
        run.end_if_interrupted(history)
        print(history.table(every=5, without=("lr", "seconds")))

        target = test.y[:, -1, 0]
        guesses = {
            "the GRU": trainer.predict(test.x)[:, -1, 0],
            f"a weighted sum of {options.window} values": linear(train, test),
            "the last value": test.x[:, -1, 0],
        }
        print(f"\nMSE of the next of {len(test)} values held out, after {options.window}")
        for name, guess in guesses.items():
            print(f"{name:30} {np.mean((guess - target) ** 2):.4f}")
        print(f"{'the truth (noise²)':30} {options.noise**2:.4f}")
        free = model.alone(values[:cut], len(values) - cut)
        error = np.sqrt(np.mean((free - truth[cut:]) ** 2))
        print(f"alone for {len(free)} steps: {error:.3f} from the truth (RMS),", end=" ")
        print(f"which varies by {truth[cut:].std():.3f}")
        run.save(draw(truth, values, free, min(cut, 150)), "alone.png")


if __name__ == "__main__":
    main()
