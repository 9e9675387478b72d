"""Learn to write like Shakespeare, one character after the other, with a small transformer.

Shipped is Romeo and Juliet; --text takes any other text.  --load writes on with a model that was
saved, as in --load out/char_gpt/model.safetensors --prompt JULIET: --length 1000.

What to look at: the samples learn how long words are, then how a speaker is announced, then most
words, and never what is said.  In loss.png all that the network gains over counts of pairs it gains
from about ten characters before; more hardly help a network of this size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from tqdm import tqdm

import nn
from tinygrad_edu import no_grad

from .common import Figure, Run, arguments, count, needs, plt, positive, script
from .gpt import GPT, load, save

PLAY = Path(__file__).parent / "data" / "shakespeare.txt"
ROUND = 250  # batches between two looks at the validation loss


def read(path: Path, context: int) -> str:
    """A text of which a tenth can be held out.  Raises ValueError if it is too short for that."""
    text = path.read_text(encoding="utf-8")
    if len(text) < (needed := 10 * (context + 1)):
        raise ValueError(f"{path}: {len(text)} characters, and --context {context} needs {needed}")
    return text


def windows(codes: np.ndarray, context: int, step: int = 1) -> nn.Dataset:
    """Pieces of a text, and for each of their characters the next one."""
    pieces = sliding_window_view(codes, context + 1)[::step]
    return nn.Dataset(pieces[:, :-1], pieces[:, 1:])


class Round(nn.DataLoader):
    """ROUND batches from anywhere in the text, as an epoch of the Trainer."""

    def __len__(self) -> int:
        return ROUND

    def __iter__(self) -> Iterator[Any]:
        for _ in range(ROUND):
            yield self.batch(self.generator.integers(len(self.dataset), size=self.batch_size))


def train(model: GPT, codes: np.ndarray, held_out: nn.Dataset, options: Any) -> nn.History:
    """AdamW; the learning rate rises for some batches, then falls along a cosine."""
    matrices = {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.1}
    vectors = {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0}
    optimizer = nn.AdamW([matrices, vectors])
    steps = options.rounds * ROUND
    schedule = nn.OneCycleLR(optimizer, options.lr, steps, pct_start=0.06, cycle_momentum=False)
    trainer = nn.Trainer(model, "cross_entropy", optimizer, scheduler=schedule, clip_norm=1.0)

    def show(trainer: nn.Trainer) -> None:
        row, text = trainer.history.rows[-1], "".join(model.write("", 60, options.temperature))
        tqdm.write(f"{row['epoch']:5}  {row['loss']:8.3f}  {row['val_loss']:10.3f}  {text!r}")

    print("round  training  validation  sample")
    batches = Round(windows(codes, model.context), options.batch_size)
    best = nn.EarlyStopping(patience=options.rounds)  # gives the best parameters back
    return trainer.fit(batches, held_out, epochs=options.rounds, callbacks=[best, show])


def by_place(model: GPT, codes: np.ndarray) -> np.ndarray:
    """The mean loss at each place of a window, over windows from anywhere in the text."""
    batches = Round(windows(codes, model.context), 32)
    with no_grad():
        losses = [nn.cross_entropy(model(x), y, reduction="none").data for x, y in batches]
    return np.concatenate(losses).mean(axis=0)


def by_pairs(codes: np.ndarray, held_out: np.ndarray) -> float:
    """The loss of guessing by how often a character followed the one before."""
    counts = np.ones((max(codes.max(), held_out.max()) + 1,) * 2)
    np.add.at(counts, (codes[:-1], codes[1:]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.log(p[held_out[:-1], held_out[1:]]).mean())


def draw(history: nn.History, places: np.ndarray, pairs: float) -> Figure:
    """The losses on the way, and how much the characters before help."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        left.plot(np.array(history["epoch"]) * ROUND, history[name], marker=".", label=label)
    right.plot(np.arange(1, len(places) + 1), places, color="tab:orange", label="validation")
    left.set(xlabel="batches", ylabel="loss in nats per character", title="Training")
    best = f"The best model: {history.best()['val_loss']:.3f} on average"
    right.set(xlabel="characters to guess from", title=best)
    for axes in (left, right):
        axes.axhline(pairs, color="tab:gray", linestyle="--", label="counts of pairs")
        axes.legend()
        axes.grid(alpha=0.3)
    return figure


def learn(model: GPT, codes: np.ndarray, run: Run) -> None:
    """Train the model, save it, and judge it on the last tenth of the text."""
    options = run.options
    learned, held_out = np.split(codes, [len(codes) - len(codes) // 10])
    print(f"{len(learned)} characters to learn from, {len(held_out)} held out", end=", ")
    print(f"{sum(p.size for p in model.parameters())} parameters")
    judged = windows(held_out, model.context, step=model.context)
    history = train(model, learned, judged, options)
    save(run.out / "model.safetensors", model)
    print(f"wrote {run.out / 'model.safetensors'}")
    run.end_if_interrupted(history)
    loss, pairs = history.best()["val_loss"], by_pairs(learned, held_out)
    print(f"validation loss {loss:.3f} nats per character, {loss / math.log(2):.3f} bits", end="; ")
    print(f"counts of pairs reach {pairs:.3f} nats")
    run.save(draw(history, by_place(model, held_out), pairs), "loss.png")


def main(argv: list[str] | None = None) -> None:
    parser = arguments("char_gpt", __doc__)
    add = parser.add_argument
    add("--text", type=Path, default=PLAY, help="what to learn, in UTF-8")
    add("--rounds", type=count, default=10, help=f"of {ROUND} batches")
    add("--batch-size", type=count, default=32, help="windows in a batch")
    add("--context", type=count, default=64, help="characters in a window")
    add("--width", type=count, default=96, help="features of a character, a multiple of 4")
    add("--layers", type=count, default=3, help="transformer blocks")
    add("--lr", type=positive, default=2e-3, help="highest learning rate of AdamW")
    add("--load", type=Path, metavar="FILE", help="a saved model, to write without training")
    add("--prompt", default="", help="what to go on from")
    add("--length", type=count, default=500, help="characters to write")
    add("--temperature", type=positive, default=0.8, help="plainer below 1, wilder above")
    add("--top-k", type=count, help="draw from the k likeliest characters only")
    with script(parser, argv) as run:
        needs(parser, "safetensors", "interop")  # which saves the model
        options = run.options
        nn.manual_seed(options.seed)
        try:
            if options.load:
                model = load(options.load)
            else:
                text = read(options.text, options.context)
                kinds = "".join(sorted(set(text)))
                model = GPT(kinds, options.context, options.width, options.layers, dropout=0.1)
            model.encode(options.prompt)
        except ValueError as error:  # UTF-8, the length, the width, the file or the prompt
            parser.error(str(error))
        if not options.load:
            run.keep(model=model)
            learn(model, model.encode(text), run)
        print("\n" + options.prompt, end="")
        answer = model.write(options.prompt, options.length, options.temperature, options.top_k)
        for character in answer:
            print(character, end="", flush=True)
        print()


if __name__ == "__main__":
    main()
