"""Small observed graphs for the tests of the explorer."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from typing import Any

import numpy as np

import nn
from tinygrad_edu import Graph, Tensor, draw_graph, observe


def scalar() -> Tensor:
    """x is used twice, so it receives two contributions."""
    x = Tensor(2.0, requires_grad=True, name="x")
    w = Tensor(-0.5, requires_grad=True, name="w")
    with observe():
        y = np.tanh(x * w)
        loss = y * y + x
        loss.backward()
    return loss


def matrix() -> Tensor:
    """With a product, a broadcast sum, a selection and a mean."""
    x = Tensor([[1.0, 2.0, -1.0], [0.5, -2.0, 3.0]], name="x")
    weight = Tensor([[0.5, -1.0], [1.0, 0.3], [-0.2, 0.7]], requires_grad=True, name="W")
    bias = Tensor([0.1, -0.2], requires_grad=True, name="b")
    with observe():
        h = np.maximum(x @ weight + bias, 0)
        loss = (h * h).mean()
        loss.backward()
    return loss


def network(width: int = 128, batch: int = 32) -> Tensor:
    """The digits network of the examples, before training."""
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Dense(64, width), nn.ReLU(), nn.Dense(width, 64), nn.ReLU(), nn.Dense(64, 10)
    )
    x, labels = nn.datasets.digits()[:batch]
    with observe():
        logits = model(Tensor(x, name="digits"))
        loss = nn.cross_entropy(logits, Tensor(labels, name="labels"))
        loss.backward()
    return loss


def blocks(n: int) -> Tensor:
    """Transformer blocks in a row."""
    nn.manual_seed(0)
    model = nn.Sequential(*[nn.TransformerBlock(16, 2) for _ in range(n)])
    x = np.random.default_rng(0).normal(size=(2, 5, 16)).astype(np.float32)
    with observe():
        loss = (model(Tensor(x, name="x")) ** 2).mean()
        loss.backward()
    return loss


def page_data(drawn: Graph | Tensor | str) -> dict[str, Any]:
    """The data of an explorer page; its sampled arrays have their numbers."""
    drawing = draw_graph(drawn) if isinstance(drawn, Tensor) else drawn
    page = drawing.page() if isinstance(drawing, Graph) else drawing
    (text,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    (packed,) = re.findall(r'id="numbers">(.*?)</script>', page, re.DOTALL)
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(packed)), "<f4")
    found: dict[str, Any] = json.loads(text)
    for array in found["arrays"]:
        if "at" in array:
            shape = shown_shape(array)
            part = numbers[array["at"] : array["at"] + math.prod(shape)]
            array["numbers"] = part.astype(float) * array["scale"]
    return found


def shown_shape(array: dict[str, Any]) -> list[int]:
    """The shape of what a page shows of a sampled array."""
    return [len(a) if a else n for a, n in zip(array["axes"], array["shape"], strict=True)]


def elements(array: dict[str, Any]) -> np.ndarray:
    """The elements of an array of a page, as far as it has them."""
    if "constant" in array:
        return np.full(array["shape"], float(array["constant"]))
    if "values" in array:
        return np.array([float(x) for x in array["values"]]).reshape(array["shape"])
    return np.reshape(array["numbers"], shown_shape(array))
