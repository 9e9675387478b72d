"""gpt2_weights: text from files in GPT-2's published layout, of a small random model."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import nn
from tinygrad_edu import no_grad

pytest.importorskip("matplotlib")
tokenizers = pytest.importorskip("tokenizers")
from examples import gpt2_weights  # noqa: E402
from examples.gpt2 import GPT2, load, sampled  # noqa: E402

TEXT = ["the quick brown fox jumps over the lazy dog", "a naïve café — 12 €"] * 20


@pytest.fixture
def model() -> GPT2:
    nn.manual_seed(0)
    model = GPT2(300, context=8, width=12, layers=2, heads=3).eval()
    for parameter in model.parameters():
        parameter.data *= 3
    return model


@pytest.fixture
def folder(model: GPT2, tmp_path: Path) -> Path:
    """Weights, a configuration and a tokenizer, as GPT-2's are published."""
    tokenizer = tokenizers.ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(TEXT, vocab_size=300, special_tokens=[gpt2_weights.END])
    tokenizer.save_model(str(tmp_path))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text('{"n_head": 3}')
    nn.save(tmp_path / "model.safetensors", model)
    return tmp_path


def test_a_file_is_read_as_it_is(model: GPT2, folder: Path) -> None:
    codes = np.arange(8)[None]
    with no_grad():
        np.testing.assert_array_equal(
            load(folder / "model.safetensors")(codes).data, model(codes).data
        )


def test_cached_generation_is_that_of_whole_contexts(model: GPT2) -> None:
    """Where the context of 8 is full, its newer half is kept."""
    codes, first = [5, 7, 11], 0
    for token in model.generate(codes, 20, top_k=1):
        with no_grad():
            assert token == model(np.array([codes[first:]])).data[0, -1].argmax()
        first = len(codes) + 1 - 4 if len(codes) - first == 8 else first
        codes.append(token)
    assert len(codes) == 23
    assert len({*codes}) > 5


def test_samples_follow_the_softmax() -> None:
    nn.manual_seed(0)
    logits = np.log([0.1, 0.6, 0.3])
    drawn = np.bincount([sampled(logits, None) for _ in range(2000)], minlength=3) / 2000
    np.testing.assert_allclose(drawn, [0.1, 0.6, 0.3], atol=0.04)
    drawn = np.bincount([sampled(logits, 2) for _ in range(2000)], minlength=3) / 2000
    np.testing.assert_allclose(drawn, [0, 2 / 3, 1 / 3], atol=0.04)


@pytest.mark.parametrize("tokenizer", [["tokenizer.json"], ["vocab.json", "merges.txt"]])
def test_generates_text(
    folder: Path, tokenizer: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in {"tokenizer.json", "vocab.json", "merges.txt"} - {*tokenizer}:
        (folder / name).unlink()
    command = [str(folder), "--prompt", "the quick", "--length", "12", "--out", str(folder / "o")]
    outputs = []
    for seed in "112":
        gpt2_weights.main([*command, "--seed", seed])
        outputs.append(capsys.readouterr().out.partition("\n\n")[2])
    assert outputs[0] == outputs[1] != outputs[2]
    assert outputs[0].startswith("the quick")
    assert len(outputs[0]) > 20


def test_characters_of_several_tokens_are_shown_whole(folder: Path) -> None:
    tokenizer = gpt2_weights.tokenizer_of(folder)
    codes = tokenizer.encode("é ∂ 𝛛 done").ids
    pieces = [*gpt2_weights.text_of(tokenizer, iter(codes))]
    assert "".join(pieces) == "é ∂ 𝛛 done"
    assert not any("\ufffd" in piece for piece in pieces)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (
            ["tokenizer.json", "merges.txt"],
            "the tokenizer cannot be read: there is no .*merges.txt",
        ),
        (["model.safetensors"], "model.safetensors: No such file"),
    ],
)
def test_missing_files_are_named(
    folder: Path, missing: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in missing:
        (folder / name).unlink()
    with pytest.raises(SystemExit):
        gpt2_weights.main([str(folder), "--out", str(folder / "o")])
    assert re.search(message, capsys.readouterr().err)
