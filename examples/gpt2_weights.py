"""Generate text with GPT-2's published weights.

Needed are a folder with model.safetensors and, beside it, tokenizer.json, or vocab.json and
merges.txt, as they are published; config.json is read if it is there. The smallest model takes
500 MB of memory.

What to look at: names and grammar hold over several sentences, as they never do in char_gpt.py.
With --temperature 0.1 the text soon repeats itself; far above 1 it falls apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nn

from .common import arguments, count, needs, positive, script
from .gpt2 import load

END = "<|endoftext|>"  # between the texts that GPT-2 learned from


def tokenizer_of(folder: Path) -> Any:
    """The byte-pair tokenizer of a folder, of the package tokenizers."""
    from tokenizers import ByteLevelBPETokenizer, Tokenizer

    whole, vocabulary, merges = (
        str(folder / name) for name in ("tokenizer.json", "vocab.json", "merges.txt")
    )
    try:
        if Path(whole).exists():
            return Tokenizer.from_file(whole)
        for path in (vocabulary, merges):
            if not Path(path).exists():
                raise ValueError(f"there is no {path}, and no {whole}")
        return ByteLevelBPETokenizer(vocabulary, merges)
    except Exception as error:  # tokenizers raises no other kind
        raise ValueError(f"the tokenizer cannot be read: {error}") from error


def text_of(tokenizer: Any, tokens: Iterator[int]) -> Iterator[str]:
    """The text of tokens, piece by piece; a character may take several tokens."""
    codes: list[int] = []
    for token in tokens:
        codes.append(token)
        text = tokenizer.decode(codes)
        if not text.endswith("\ufffd"):  # else the rest of its last character is yet to come
            yield text
            codes = []
    yield tokenizer.decode(codes)


def main(argv: list[str] | None = None) -> None:
    parser = arguments("gpt2_weights", __doc__)
    add = parser.add_argument
    add("folder", type=Path, help="the folder with model.safetensors and the tokenizer's files")
    add("--prompt", default="The meaning of life is", help="the text to continue")
    add("--length", type=count, default=60, help="tokens to generate")
    add("--temperature", type=positive, default=0.8, help="less random below 1, more above")
    add("--top-k", type=count, default=40, help="sample from the k most likely tokens only")
    add("--heads", type=count, help="heads of the attention, if there is no config.json")
    with script(parser, argv) as run:
        options = run.options
        for package in ("safetensors", "tokenizers"):
            needs(parser, package)
        nn.manual_seed(options.seed)
        try:
            tokenizer = tokenizer_of(options.folder)
            model = load(options.folder / "model.safetensors", options.heads)
        except ValueError as error:
            parser.error(str(error))
        prompt = tokenizer.encode(options.prompt).ids or [tokenizer.token_to_id(END)]
        print(f"\n{options.prompt}", end="", flush=True)
        tokens = model.generate(prompt, options.length, options.temperature, options.top_k)
        for piece in text_of(tokenizer, tokens):
            print(piece, end="", flush=True)
        print()


if __name__ == "__main__":
    main()
