"""Encode handwritten digits as two numbers and reconstruct them from these.

The network is compared with PCA (principal component analysis), which is the best linear encoding
by the same number of values.

What to look at: in codes.png digits that look alike have similar codes, although the network was
trained without labels; in plane.png one digit changes into another between their codes, where the
decoded image is often no digit at all. With --code 8 the reconstructions are much sharper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nn
from tinygrad_edu import Tensor, no_grad

from .common import Figure, arguments, count, plt, positive, script


class Autoencoder(nn.Module):
    """Pixels (n, inputs) -> code (n, code) -> reconstructed pixels (n, inputs)."""

    def __init__(self, inputs: int, hidden: int, code: int) -> None:
        half = max(1, hidden // 2)
        self.encoder = nn.MLP(inputs, [hidden, half], code, activation="gelu")
        self.decoder = nn.MLP(code, [half, hidden], inputs, activation="gelu")

    def encode(self, x: Any) -> Tensor:
        return self.encoder(x).tanh()  # codes are between -1 and 1

    def decode(self, z: Any) -> Tensor:
        return self.decoder(z).sigmoid()  # paper is 0 and ink is 1

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class PCA:
    """The mean, and the orthogonal directions in which the data vary most."""

    def __init__(self, x: np.ndarray, code: int) -> None:
        self.mean = x.mean(axis=0)
        self.directions = np.linalg.svd(x - self.mean, full_matrices=False)[2][:code]

    def encode(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean) @ self.directions.T

    def decode(self, z: np.ndarray) -> np.ndarray:
        return z @ self.directions + self.mean


def draw_rebuilt(rows: dict[str, np.ndarray], shape: tuple[int, int]) -> Figure:
    """Rows of images, each labeled with its name."""
    n = len(next(iter(rows.values())))
    figure, grid = plt.subplots(len(rows), n, figsize=(n, 1.15 * len(rows)), layout="constrained")
    for line, (name, pixels) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(line, pixels, strict=True):
            axes.imshow(image.reshape(shape), cmap="gray_r", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
        line[0].set_ylabel(name)
    return figure


def draw_codes(codes: dict[str, np.ndarray], labels: np.ndarray) -> Figure:
    """A scatter plot of the codes, colored by digit."""
    figure, row = plt.subplots(1, len(codes), figsize=(10, 4.6), layout="constrained")
    for axes, (name, z) in zip(row, codes.items(), strict=True):
        x, y = z[:2000].T  # more points would hide each other
        points = axes.scatter(x, y, c=labels[:2000], cmap="tab10", s=12, vmin=-0.5, vmax=9.5)
        axes.set(title=name, xlabel="first code value", ylabel="second code value")
        axes.locator_params(nbins=6)
    figure.colorbar(points, ax=row, ticks=range(10), label="digit")
    return figure


def draw_plane(model: Autoencoder, z: np.ndarray, shape: tuple[int, int], n: int = 14) -> Figure:
    """The decoded images of a grid of codes, which is denser where the codes of z are denser."""
    across, up = np.percentile(z, np.linspace(2, 98, n), axis=0).T
    with no_grad():
        pixels = model.decode(np.stack(np.meshgrid(across, up[::-1]), axis=-1)).data
    tiles = np.pad(pixels.reshape(n, n, *shape), [(0, 0), (0, 0), (1, 1), (1, 1)])
    figure, axes = plt.subplots(figsize=(5.5, 5.8), layout="constrained")
    axes.imshow(np.concatenate(np.concatenate(tiles, axis=1), axis=1), cmap="gray_r")
    axes.set_title("Decoded images of codes all over the plane")
    axes.axis("off")
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("autoencoder", __doc__)
    parser.add_argument("--mnist", action="store_true", help="28 x 28 pixels instead of 8 x 8")
    parser.add_argument("--code", type=count, default=2, help="size of the code of an image")
    parser.add_argument("--hidden", type=count, default=128, help="width of the widest layer")
    parser.add_argument("--epochs", type=count, help="150, or 15 with --mnist")
    parser.add_argument("--lr", type=positive, default=2e-3, help="learning rate of Adam")
    with script(parser, argv) as run:
        options = run.options
        nn.manual_seed(options.seed)
        train, test = nn.datasets.mnist() if options.mnist else nn.datasets.digits().split(0.2)
        shape = train.about["image_shape"]
        epochs = options.epochs or (15 if options.mnist else 150)
        model = Autoencoder(math.prod(shape), options.hidden, options.code)
        run.keep(model=model)
        print(model)
        optimizer = nn.Adam(model.parameters(), lr=options.lr)
        schedule = nn.CosineAnnealingLR(optimizer, T_max=epochs)
        trainer = nn.Trainer(model, "mse", optimizer, scheduler=schedule, compile=True)
        history = trainer.fit((train.x, train.x), (test.x, test.x), epochs=epochs, batch_size=32)
        run.end_if_interrupted(history)
        print(history.table(every=math.ceil(epochs / 15), without=("lr", "seconds")))

        pca = PCA(train.x, options.code)
        rebuilt = {
            "autoencoder": trainer.predict(test.x),
            "PCA": pca.decode(pca.encode(test.x)),
        }
        variance = np.mean((test.x - train.x.mean(axis=0)) ** 2)
        print(f"\n{len(test)} test digits, a code of {options.code} values for each")
        for name, pixels in rebuilt.items():
            error = np.mean((pixels - test.x) ** 2)
            print(
                f"{name:12} MSE {error:.4f}, {1 - error / variance:.1%} of the variance explained"
            )
        first = [np.flatnonzero(test.y == digit)[0] for digit in np.unique(test.y)]
        rows = {"original": test.x, **rebuilt}
        run.save(draw_rebuilt({k: v[first] for k, v in rows.items()}, shape), "rebuilt.png")
        if options.code == 2:
            with no_grad():
                z = model.encode(test.x).data
            run.save(draw_codes({"Autoencoder": z, "PCA": pca.encode(test.x)}, test.y), "codes.png")
            run.save(draw_plane(model, z, shape), "plane.png")


if __name__ == "__main__":
    main()
