"""Generate text like Shakespeare's, one character after the other, with a small transformer.

Romeo and Juliet is included; --text takes any other text. --load generates text with a saved model,
as in --load out/char_gpt/model.safetensors --prompt JULIET: --length 1000.

What to look at: the samples first have words of the right length, then names of speakers, then
mostly correct words, but they never make sense. In loss.png the loss falls within the first ten
characters of context; a longer context hardly helps a network of this size."""

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
ROUND = 250  # batches between two evaluations of the validation loss


def read(path: Path, context: int) -> str:
    """The text of a file. Raises ValueError if it is too short to hold out a tenth of it."""
    text = path.read_text(encoding="utf-8")
    if len(text) < (needed := 10 * (context + 1)):
        raise ValueError(f"{path}: {len(text)} characters, and --context {context} needs {needed}")
    return text


def windows(codes: np.ndarray, context: int, step: int = 1) -> nn.Dataset:
    """Windows of a text, and as targets the next character after each character."""
    pieces = sliding_window_view(codes, context + 1)[::step]
    return nn.Dataset(pieces[:, :-1], pieces[:, 1:])


class Round(nn.DataLoader):
    """ROUND batches of random windows, which the Trainer takes for an epoch."""

    def __len__(self) -> int:
        return ROUND

    def __iter__(self) -> Iterator[Any]:
        for _ in range(ROUND):
            yield self.batch(self.generator.integers(len(self.dataset), size=self.batch_size))


def train(model: GPT, codes: np.ndarray, held_out: nn.Dataset, options: Any) -> nn.History:
    """Train with AdamW; the learning rate has a short warmup and then falls along a cosine."""
    matrices = {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.1}
    vectors = {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0}
    optimizer = nn.AdamW([matrices, vectors])
    steps = options.rounds * ROUND
    schedule = nn.OneCycleLR(optimizer, options.lr, steps, pct_start=0.06, cycle_momentum=False)
    trainer = nn.Trainer(model, "cross_entropy", optimizer, scheduler=schedule, clip_norm=1.0)

    def show(trainer: nn.Trainer) -> None:
        row, text = trainer.history.rows[-1], "".join(model.generate("", 60, options.temperature))
        tqdm.write(f"{row['epoch']:5}  {row['loss']:8.3f}  {row['val_loss']:10.3f}  {text!r}")

    print("round  training  validation  sample")
    batches = Round(windows(codes, model.context), options.batch_size)
    best = nn.EarlyStopping(patience=options.rounds)  # restores the best parameters at the end
    return trainer.fit(batches, held_out, epochs=options.rounds, callbacks=[best, show])


def loss_by_position(model: GPT, codes: np.ndarray) -> np.ndarray:
    """The mean loss at each position of a window, over random windows."""
    batches = Round(windows(codes, model.context), 32)
    with no_grad():
        losses = [nn.cross_entropy(model(x), y, reduction="none").data for x, y in batches]
    return np.concatenate(losses).mean(axis=0)


def bigram_loss(codes: np.ndarray, held_out: np.ndarray) -> float:
    """The loss of predicting a character by how often it followed the one before."""
    counts = np.ones((max(codes.max(), held_out.max()) + 1,) * 2)
    np.add.at(counts, (codes[:-1], codes[1:]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.log(p[held_out[:-1], held_out[1:]]).mean())


def draw(history: nn.History, positions: np.ndarray, bigram: float) -> Figure:
    """The losses during training, and the loss by the length of the context."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        left.plot(np.array(history["epoch"]) * ROUND, history[name], marker=".", label=label)
    right.plot(np.arange(1, len(positions) + 1), positions, color="tab:orange", label="validation")
    left.set(xlabel="batches", ylabel="loss in nats per character", title="Training")
    best = f"The best model: {history.best()['val_loss']:.3f} on average"
    right.set(xlabel="characters of context", title=best)
    for axes in (left, right):
        axes.axhline(bigram, color="tab:gray", linestyle="--", label="bigram model")
        axes.legend()
        axes.grid(alpha=0.3)
    return figure


def learn(model: GPT, codes: np.ndarray, run: Run) -> None:
    """Train the model, save it, and evaluate it on the last tenth of the text."""
    options = run.options
    learned, held_out = np.split(codes, [len(codes) - len(codes) // 10])
    print(f"{len(learned)} training characters, {len(held_out)} held out", end=", ")
    print(f"{sum(p.size for p in model.parameters())} parameters")
    validation = windows(held_out, model.context, step=model.context)
    history = train(model, learned, validation, options)
    save(run.out / "model.safetensors", model)
    print(f"wrote {run.out / 'model.safetensors'}")
    run.end_if_interrupted(history)
    loss, bigram = history.best()["val_loss"], bigram_loss(learned, held_out)
    print(f"validation loss {loss:.3f} nats per character, {loss / math.log(2):.3f} bits", end="; ")
    print(f"bigram model {bigram:.3f} nats")
    run.save(draw(history, loss_by_position(model, held_out), bigram), "loss.png")


def main(argv: list[str] | None = None) -> None:
    parser = arguments("char_gpt", __doc__)
    add = parser.add_argument
    add("--text", type=Path, default=PLAY, help="the text to learn from, in UTF-8")
    add("--rounds", type=count, default=10, help=f"rounds of {ROUND} batches")
    add("--batch-size", type=count, default=32, help="windows in a batch")
    add("--context", type=count, default=64, help="characters in a window")
    add("--width", type=count, default=96, help="features of a character, a multiple of 4")
    add("--layers", type=count, default=3, help="transformer blocks")
    add("--lr", type=positive, default=2e-3, help="highest learning rate of AdamW")
    add("--load", type=Path, metavar="FILE", help="generate with a saved model, without training")
    add("--prompt", default="", help="the text to continue")
    add("--length", type=count, default=500, help="characters to generate")
    add("--temperature", type=positive, default=0.8, help="less random below 1, more above")
    add("--top-k", type=count, help="sample from the k most likely characters only")
    with script(parser, argv) as run:
        needs(parser, "safetensors")  # to save the model
        options = run.options
        nn.manual_seed(options.seed)
        try:
            if options.load:
                model = load(options.load)
            else:
                text = read(options.text, options.context)
                characters = "".join(sorted(set(text)))
                model = GPT(characters, options.context, options.width, options.layers, dropout=0.1)
            model.encode(options.prompt)
        except ValueError as error:  # UTF-8, the length, the width, the file or the prompt
            parser.error(str(error))
        if not options.load:
            run.keep(model=model)
            learn(model, model.encode(text), run)
        print("\n" + options.prompt, end="")
        sampling = options.length, options.temperature, options.top_k
        for character in model.generate(options.prompt, *sampling):
            print(character, end="", flush=True)
        print()


if __name__ == "__main__":
    main()
