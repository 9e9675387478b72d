"""How we speak: in the field's own words, in American spelling.

Read are docstrings, comments, strings, the names of functions and classes, and Markdown documents.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = "tinygrad_edu", "nn", "examples", "course", "benchmarks", "docs", "tests", "notebooks"


class Rule(NamedTuple):
    """A pattern that should not be found, what to say instead, and where this is asked for."""

    pattern: str
    instead: str
    within: tuple[str, ...] = ("",)

    def breaks(self, text: str) -> list[re.Match[str]]:
        """Where the words, or the ends of words, are found, across line breaks and in any case."""
        pattern = self.pattern.replace(" ", r"\s+")
        return list(re.finditer(rf"(?:{pattern})(?![^\W_])", text, re.IGNORECASE))


WORDS = {
    "answers": Rule(r"\b(answers|answered|answering)", "returns, result"),
    "manners": Rule(r"\bmanners", "invariants, conventions"),
    "wish": Rule(r"\b(wish|wishes)", "requires grad"),
    "led to": Rule(r"\boperation led to", "computed from"),
    "of no use": Rule(r"\bnobody can use", "requires grad, computed from"),
    "figures": Rule(r"\bfigures", "values, scores, statistics"),
    "pictures": Rule(r"\bpictures?", "images", ("nn/", "docs/nn.md")),
    "kin": Rule(r"\bkin", "related, variants"),
    "neighbors": Rule(r"\b(and (its|their) neighbou?rs)", "related, variants"),
    "axes of space": Rule(r"\bax[ei]s of space", "spatial dimensions"),
    "whole number": Rule(r"\bwhole numbers?", "integer"),
    "alive": Rule(r"\b((keep|keeps|kept) (\w+ ){0,3}alive)", "stored, not stored, freed"),
    "silence": Rule(r"\bsilence", "not stored, freed; zero"),
    "understood": Rule(r"\bunderstood, and refused", "validate, normalize"),
    "bend": Rule(r"\b(functions? that bend|a bend like)", "activation functions"),
    "here and there": Rule(r"\bwhat reads elements here", "gather and its adjoint, scatter-add"),
    "adds up": Rule(r"\bwhat a unit adds up", "pre-activations keep their variance"),
    "numbers of documents": Rule(r"\bTest\d+\w*", "the behavior, as in TestShapeAndDtype"),
}

_IZE = (
    "capital|categor|character|custom|discret|emphas|equal|factor|final|formal|general|initial|linear|"
    "local|maxim|memor|minim|normal|optim|organ|parallel|parameter|parametr|penal|polar|priorit|quant|"
    "random|real|recogn|regular|serial|special|stabil|standard|summar|symmetr|synchron|token|util|"
    "vector|visual"
)
SPELLING = {
    "-ize": Rule(rf"({_IZE})is(e|ed|es|er|ers|ing|ation|ations)", "-ize, -ization"),
    "-yze": Rule(r"(anal|paral|catal)ys(e|ed|ing|er)", "-yze"),
    "-or": Rule(r"(behavi|col|fav|flav|harb|hon|lab|neighb|rig|vig)our\w*", "-or, as in color"),
    "-er": Rule(r"(centre|metre|fibre|litre)(s|d)?|centring", "-er, as in center"),
    "-l-": Rule(r"(cancel|channel|label|level|model|signal|travel)l(ed|ing|er)", "one l"),
    "-se": Rule(r"licences?|defences?|offences?", "-se, as in license"),
    "gray": Rule(r"grey\w*", "gray"),
    "others": Rule(r"artefacts?|programmes?|whilst|amongst|learnt|spelt", "American spelling"),
}

ALLOWED: dict[str, str] = {}
"""Phrases that may stand in spite of all that, and why."""


class Text(NamedTuple):
    path: str
    line: int
    text: str


@functools.cache
def texts() -> list[Text]:
    """All that a person reads, in pieces."""
    pieces = []
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*"))
    for path in sorted({*ROOT.glob("*.md"), *inside} - {Path(__file__)}):
        read = {".py": of_program, ".md": of_document}.get(path.suffix)
        if read is not None:
            name, content = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            pieces += [Text(name, line, without_allowed(text)) for line, text in read(content)]
    return pieces


def of_program(content: str) -> Iterator[tuple[int, str]]:
    """Comments, strings with the docstrings among them, and the names of functions and classes."""
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.lineno, node.name.replace("_", " ")


def of_document(content: str) -> Iterator[tuple[int, str]]:
    """Each paragraph without its code spans and without the addresses of its links."""
    content = re.sub(r"\]\([^)]*\)|(src|href)=\"[^\"]*\"|(?<!`)`[^`\n]+`(?!`)", "", content)
    for paragraph in re.finditer(r"(?:.+\n?)+", content):
        yield content.count("\n", 0, paragraph.start()) + 1, paragraph[0]


def without_allowed(text: str) -> str:
    for phrase in ALLOWED:
        text = text.replace(phrase, "")
    return text


def found(rule: Rule) -> list[str]:
    """Where a rule is broken, as path:line, and by which words."""
    return [
        f"{path}:{line + text.count(chr(10), 0, match.start())}: {' '.join(match[0].split())}"
        for path, line, text in texts()
        if path.startswith(rule.within)
        for match in rule.breaks(text)
    ]


@pytest.mark.parametrize("rule", WORDS.values(), ids=WORDS)
def test_words_are_the_fields(rule: Rule) -> None:
    wrong = found(rule)
    assert not wrong, f"say {rule.instead}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("rule", SPELLING.values(), ids=SPELLING)
def test_spelling_is_american(rule: Rule) -> None:
    wrong = found(rule)
    assert not wrong, f"write {rule.instead}:\n" + "\n".join(wrong)


def test_the_rules_find_what_they_are_for() -> None:
    """Across the end of a line, in capitals and in names, but not inside of other words."""
    text = "It answers\nwhole\nnumbers. Initialisers, `colour`, [a](neighbour.md), kinship, noise"
    read = "\n".join(piece for _, piece in of_document(text))
    assert {name for name, rule in (WORDS | SPELLING).items() if rule.breaks(read)} == {
        "answers",
        "whole number",
        "-ize",
    }
    program = '"""It answers."""\n\ndef re_initialised(): pass  # grey\n'
    assert {piece for _, piece in of_program(program)} == {
        "It answers.",
        "re initialised",
        "# grey",
    }
