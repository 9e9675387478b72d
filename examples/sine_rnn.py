"""Forecast a noisy sum of two sines with a GRU.

It is trained on windows to predict each next value. Then it makes a long forecast, in which every
prediction is the next input. A sum of sines satisfies a linear recurrence, so a linear model of the
previous values is hard to beat.

What to look at: the error of the next value cannot fall below the noise. In the long forecast there
is no noise, but the errors of the predictions accumulate: see in forecast.png whether the phase
stays right, and whether the error grows. With --epochs 3 the phase is soon wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import nn
from tinygrad_edu import Tensor, no_grad

from .common import Figure, arguments, count, not_negative, plt, positive, script

PERIODS = 25.0, 60.0  # steps; together they repeat after 300


def curve(n: int) -> np.ndarray:
    """The true values at 0, 1, 2, ...: two sines, with amplitudes 1 and 1/2."""
    angles = 2 * np.pi * np.arange(n)[:, None] / PERIODS
    return np.sin(angles) @ [1.0, 0.5]


class Forecaster(nn.Module):
    """Values (n, t, 1) -> a prediction of the next value after each, (n, t, 1)."""

    def __init__(self, hidden: int) -> None:
        self.gru = nn.GRU(1, hidden)
        self.head = nn.Dense(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.predict(x)[0]

    def predict(self, x: Any, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The predictions, and the state for the values that follow."""
        output, state = self.gru(x, state)
        return self.head(output), state

    def forecast(self, seen: np.ndarray, steps: int) -> np.ndarray:
        """Forecast `steps` values after those seen; every prediction is the next input."""
        predictions = []
        with no_grad():
            prediction, state = self.predict(Tensor(seen[None, :, None]))
            for _ in range(steps):
                predictions.append(prediction.data[0, -1, 0])
                prediction, state = self.predict(prediction[:, -1:], state)
        return np.array(predictions)


def windows(values: np.ndarray, length: int) -> nn.Dataset:
    """All windows (n, length, 1), and as targets the next value after each value."""
    pieces = sliding_window_view(values.astype(np.float32), length + 1)[:, :, None]
    return nn.Dataset(pieces[:, :-1], pieces[:, 1:])


def linear(train: nn.Dataset, test: nn.Dataset) -> np.ndarray:
    """The predictions of a linear model of a window's values, fitted by least squares."""
    weights = np.linalg.lstsq(train.x[:, :, 0], train.y[:, -1, 0])[0]
    return test.x[:, :, 0] @ weights


def draw(truth: np.ndarray, values: np.ndarray, forecast: np.ndarray, shown: int) -> Figure:
    """The true values, the observed values, the forecast, and its error."""
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9, 5), layout="constrained", sharex=True, height_ratios=(3, 1)
    )
    t = np.arange(-shown, len(forecast))
    above.plot(t, truth[-len(t) :], color="tab:gray", label="true values")
    above.plot(t[:shown], values[-len(t) :][:shown], ".", label="observed values, with noise")
    above.plot(t[shown:], forecast, color="tab:orange", label="forecast")
    below.plot(t[shown:], forecast - truth[-len(forecast) :], color="tab:orange")
    error = np.sqrt(np.mean((forecast - truth[-len(forecast) :]) ** 2))
    above.set_ylim(top=1.4 * values.max())  # room for the legend
    above.set(ylabel="value", title=f"Forecast of {len(forecast)} steps, RMSE {error:.3f}")
    above.legend(loc="upper right", ncols=3)
    below.set(xlabel="step", ylabel="error")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.axvline(0, color="black", linewidth=0.8)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("sine_rnn", __doc__)
    parser.add_argument("--steps", type=count, default=2000, help="values; a fifth is held out")
    parser.add_argument("--noise", type=not_negative, default=0.1, help="standard deviation")
    parser.add_argument("--window", type=count, default=100, help="values in a window")
    parser.add_argument("--hidden", type=count, default=32, help="size of the GRU's state")
    parser.add_argument("--epochs", type=count, default=30, help="passes over the windows")
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
        predictions = {
            "GRU": trainer.predict(test.x)[:, -1, 0],
            f"linear model of {options.window} values": linear(train, test),
            "last value": test.x[:, -1, 0],
        }
        print(f"\nMSE of {len(test)} held-out values, predicted from the {options.window} before")
        for name, prediction in predictions.items():
            print(f"{name:30} {np.mean((prediction - target) ** 2):.4f}")
        print(f"{'true value (noise²)':30} {options.noise**2:.4f}")
        forecast = model.forecast(values[:cut], len(values) - cut)
        error = np.sqrt(np.mean((forecast - truth[cut:]) ** 2))
        print(f"forecast of {len(forecast)} steps: RMSE {error:.3f}", end="; ")
        print(f"standard deviation of the true values {truth[cut:].std():.3f}")
        run.save(draw(truth, values, forecast, min(cut, 150)), "forecast.png")


if __name__ == "__main__":
    main()
