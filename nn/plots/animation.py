"""animate_learning: a GIF that shows how a model changes while it learns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.atomic_write import written_whole

from ..callbacks import Callback, TrainerLike
from ..validation import integer, required
from .canvas import pyplot

__all__ = ["LearningAnimation", "animate_learning"]


class LearningAnimation(Callback):
    """What `animate_learning` returns."""

    def __init__(
        self, path: str | Path, draw: Callable[[Any, Any], Any], *, frames: int, fps: int,
        size: tuple[float, float], dpi: int,
    ) -> None:  # fmt: skip
        self.path, self.draw, self.frames = Path(path), draw, integer("frames", frames)
        self.fps, self.size, self.dpi = integer("fps", fps), size, dpi
        if self.path.suffix.lower() != ".gif":
            raise ValueError(f"an animation is a GIF, as in learning.gif, not {self.path.name}")
        self._writer: Any = None

    def frame(self, state: Any) -> None:
        """Draw the state, by `draw(ax, state)`, as the next frame."""
        if self._writer is None:
            self._start()
        self.ax.clear()
        self.draw(self.ax, state)
        self._writer.grab_frame()

    def _start(self) -> None:
        plt = pyplot("animate_learning")
        animation = required("matplotlib.animation", "animate_learning needs", "matplotlib")
        figure = plt.figure(figsize=self.size, layout="constrained")
        plt.close(figure)  # it is drawn for the file only, and no notebook shows it
        self.ax = figure.add_subplot()
        self._writer = animation.PillowWriter(fps=self.fps)
        self._writer.setup(figure, self.path, dpi=self.dpi)  # which writes nothing yet

    def save(self, hold: float = 2.0) -> None:
        """Write the file, whole or not at all; the last frame stands for `hold` seconds."""
        if self._writer is None:
            raise ValueError("there is no frame yet: call frame(state) during the training")
        for _ in range(round(hold * self.fps)):
            self._writer.grab_frame()
        writer, self._writer = self._writer, None
        with tempfile.TemporaryDirectory() as folder:
            writer.outfile = Path(folder, "learning.gif")
            writer.finish()
            with written_whole(self.path) as file:
                file.write(writer.outfile.read_bytes())

    def on_train_begin(self, trainer: TrainerLike) -> None:
        """The first frame, before the first epoch."""
        self._shown = shown(trainer.epochs, self.frames)
        self.frame(trainer)

    def on_epoch_end(self, trainer: TrainerLike) -> None:
        """A frame, for some of the epochs."""
        if len(trainer.history) in self._shown:
            self.frame(trainer)

    def on_train_end(self, trainer: TrainerLike) -> None:
        """Write the file, also after Ctrl-C."""
        if self._writer is not None:
            self.save()


def shown(epochs: int, frames: int) -> set[int]:
    """The epochs to draw: more of them at the start, where most changes."""
    return {epochs, *np.geomspace(1, max(epochs, 1), frames).round().astype(int).tolist()}


def animate_learning(
    path: str | Path,
    draw: Callable[[Any, Any], Any],
    *,
    frames: int = 40,
    fps: int = 5,
    size: tuple[float, float] = (4.4, 4.6),
    dpi: int = 100,
) -> LearningAnimation:
    """A callback of a Trainer that writes a GIF of the training.

    `draw(ax, trainer)` draws a frame into matplotlib Axes, as in
    `lambda ax, trainer: nn.plot_decision_boundary(trainer.model, x, y, ax=ax)`.  There is a frame
    before the training, and up to `frames` after epochs, more of them at the start.  In a loop of
    one's own call `frame(state)` for each one, which calls `draw(ax, state)`, and at the end
    `save()`.  `fps` are frames a second, `size` is in inches.  Raises ValueError for a file that is
    no .gif, and ModuleNotFoundError with the remedy without matplotlib.
    """
    pyplot("animate_learning")
    return LearningAnimation(path, draw, frames=frames, fps=fps, size=size, dpi=dpi)
