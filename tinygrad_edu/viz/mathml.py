"""Formulas of ops as MathML, which browsers draw: `g / √(1 - x²)` becomes a fraction with a root.

What is no mathematics ("0 at 0", "where all are equal") stays text, and nothing is lost: a formula
is anything that the author of an op wrote.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple

_FUNCTIONS = {
    "arccos", "arcosh", "arcsin", "arctan", "arsinh", "artanh", "cof", "cos", "cosh", "det", "diag",
    "elu", "exp", "ln", "log", "max", "mean", "min", "sgn", "sign", "sin", "sinc", "sinh",
    "softmax", "tan", "tanh", "trunc",
}  # fmt: skip
_SUPERSCRIPTS = {"ᵀ": "T", "ˣ": "x", "ʸ": "y", "ᶻ": "z", "ᵖ": "p", "ᵝ": "β", "ⁿ": "n", "ⁱ": "i"}
_SUBSCRIPTS = {"ₜ": "t", "ₖ": "k", "ₙ": "n", "ₘ": "m", "ₓ": "x", "ᵢ": "i", "ⱼ": "j"}
_TOKEN = re.compile(
    r"∂(?P<of>\w)/∂(?P<by>[^\W\d_](?:\ue001\w\ue002)?)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<word>[^\W\d_]{2,})|(?P<letter>[^\W\d_][\u0300-\u036f]?)"
    r"|_(?P<below>\w)|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)
_OPENING, _CLOSING = "([⟨⌈⌊", ")]⟩⌉⌋"


class _Piece(NamedTuple):
    markup: str
    kind: str = "atom"  # or "operator", "text", "space", "function", "root", "group", "slash"
    inner: str = ""  # of a group in round brackets, without them


def formulas(formula: str) -> tuple[str, list[str]]:
    """An op's formula as MathML: what it computes, and a derivative for each argument.

    >>> formulas("y = x²,  ∂L/∂x = 2 g x")[0]
    '<math><mi>y</mi><mo>=</mo><msup><mi>x</mi><mn>2</mn></msup></math>'
    """
    first, *others = re.split(r"(?<=[ ,;])(?=∂\w/∂\w+\s*=)", formula)
    return mathml(first.rstrip(" ,;")), [mathml(text.rstrip(" ,;")) for text in others]


def mathml(text: str) -> str:
    """A formula in a line of text as a <math> element."""
    return f"<math>{_row(_fractions(_applied(_grouped(_pieces(text)))))}</math>"


def _pieces(text: str) -> list[_Piece]:
    found: list[_Piece] = []
    for match in _TOKEN.finditer(_spelled(text)):
        kind = match.lastgroup
        token = html.escape(match[0])
        if kind == "by":  # ∂L/∂x
            below = _attached(_Piece(f"<mi>{match['by'][0]}</mi>"), match["by"][2:-1], "msub")
            top, bottom = f"<mrow><mo>∂</mo><mi>{match['of']}</mi></mrow>", below.markup
            found.append(_Piece(f"<mfrac>{top}<mrow><mo>∂</mo>{bottom}</mrow></mfrac>"))
        elif kind == "number":
            found.append(_Piece(f"<mn>{token}</mn>"))
        elif kind == "word":
            name = match[0] in _FUNCTIONS
            markup = f"<mi>{token}</mi>" if name else f"<mtext>{token}</mtext>"
            found.append(_Piece(markup, "function" if name else "text"))
        elif kind == "letter" and token in "ΣΠ":
            found.append(_Piece(f"<mo>{token}</mo>", "function"))
        elif kind == "letter":
            found.append(_Piece(f"<mi>{token}</mi>"))
        elif kind == "below":
            _attach(found, match["below"], "msub")
        elif kind == "space":
            found.append(_Piece("", "space"))
        else:
            _other(found, match[0])
    return found


def _spelled(text: str) -> str:
    """Raised and lowered characters as ^{...} and _{...}, in private-use brackets."""
    out: list[str] = []
    state = ""
    for c in text:
        raised, lowered = _plain(c, "<super>", _SUPERSCRIPTS), _plain(c, "<sub>", _SUBSCRIPTS)
        now = "\ue000" if raised else "\ue001" if lowered else ""
        if state and now != state:
            out.append("\ue002")
        if now and now != state:
            out.append(now)
        out.append(raised or lowered or c)
        state = now
    return "".join([*out, "\ue002"] if state else out)


def _plain(c: str, form: str, known: dict[str, str]) -> str:
    if c in known:
        return known[c]
    parts = unicodedata.decomposition(c).split()
    return chr(int(parts[1], 16)) if len(parts) == 2 and parts[0] == form else ""


def _other(found: list[_Piece], c: str) -> None:
    if c == "/":
        found.append(_Piece("<mo>/</mo>", "slash"))
    elif c in "√∛":
        found.append(_Piece(c, "root"))
    elif c == "'":
        _attach(found, "′", "msup")
    elif c == "∫":
        found.append(_Piece(f"<mo>{c}</mo>", "function"))
    elif c == "-":
        solid = [piece for piece in found if piece.kind != "space"]
        sign = not solid or solid[-1].kind == "operator"
        prefix = ' form="prefix"' if sign else ""
        found.append(_Piece(f"<mo{prefix}>−</mo>", "operator"))
    elif c == "|":
        found.append(_Piece('<mo stretchy="false" lspace="0" rspace="0">|</mo>', "operator"))
    else:
        found.append(_Piece(f"<mo>{html.escape(c)}</mo>", "operator"))


def _attach(found: list[_Piece], text: str, element: str) -> None:
    base = found.pop() if found and found[-1].kind != "space" else _Piece("<mrow></mrow>")
    found.append(_attached(base, text, element))


def _attached(base: _Piece, text: str, element: str) -> _Piece:
    if not text:
        return base
    parts = re.findall(r"\d+|[^\d]", text)
    row = "".join(
        f"<mn>{p}</mn>" if p.isdigit() else f"<mi>{p}</mi>" if p.isalpha() else f"<mo>{p}</mo>"
        for p in map(html.escape, parts)
    )
    row = row if len(parts) == 1 else f"<mrow>{row}</mrow>"
    kind = base.kind if base.kind == "function" else "atom"
    return _Piece(f"<{element}>{base.markup}{row}</{element}>", kind)


def _grouped(pieces: list[_Piece]) -> list[_Piece]:
    """Brackets and what they hold as one piece; raised and lowered text on what it belongs to."""
    stack: list[tuple[str, list[_Piece]]] = [("", [])]
    script: list[str] = []
    element = ""
    for piece in pieces:
        c = html.unescape(re.sub(r"<[^>]*>", "", piece.markup))
        if c in ("\ue000", "\ue001"):
            element, script = ("msup" if c == "\ue000" else "msub"), []
        elif c == "\ue002":
            _attach(stack[-1][1], "".join(script), element)
            element = ""
        elif element:
            script.append(c)
        elif c and c in _OPENING:
            stack.append((c, []))
        elif c and c in _CLOSING and len(stack) > 1:
            opening, inside = stack.pop()
            row = _row(_fractions(_applied(inside)))
            whole = f"<mrow><mo>{opening}</mo>{row}<mo>{c}</mo></mrow>"
            bare = f"<mrow>{row}</mrow>" if opening == "(" else ""
            stack[-1][1].append(_Piece(whole, "group", bare))
        else:
            stack[-1][1].append(piece)
    while len(stack) > 1:  # a bracket that nobody closed
        opening, inside = stack.pop()
        stack[-1][1].extend([_Piece(f"<mo>{opening}</mo>", "operator"), *inside])
    return stack[0][1]


def _applied(pieces: list[_Piece]) -> list[_Piece]:
    """Roots with what is under them."""
    found: list[_Piece] = []
    for piece in reversed(pieces):
        if piece.kind == "root":
            radicand = found.pop() if found else _Piece("<mrow></mrow>")
            inner = radicand.inner or radicand.markup
            cube = piece.markup == "∛"
            root = f"<mrow>{inner}</mrow><mn>3</mn>" if cube else inner
            element = "mroot" if cube else "msqrt"
            found.append(_Piece(f"<{element}>{root}</{element}>"))
        else:
            found.append(piece)
    return found[::-1]


def _fractions(pieces: list[_Piece]) -> list[_Piece]:
    """`a b / c` with a b above c; c is what follows without a space, or one function of that."""
    done: list[_Piece] = []
    i = 0
    while i < len(pieces):
        if pieces[i].kind != "slash":
            done.append(pieces[i])
            i += 1
            continue
        above: list[_Piece] = []
        while done and done[-1].kind in ("atom", "group", "space", "function"):
            above.insert(0, done.pop())
        i += 1 + (i + 1 < len(pieces) and pieces[i + 1].kind == "space")
        below: list[_Piece] = []
        while i < len(pieces) and pieces[i].kind in ("atom", "group", "function"):
            below.append(pieces[i])
            i += 1
            if below[-1].kind == "function" and i < len(pieces) and pieces[i].kind == "space":
                i += 1
        lead = above and above[0].kind == "space"
        done += [_Piece("", "space")] if lead else []
        done.append(_Piece(f"<mfrac>{_bare(above)}{_bare(below)}</mfrac>"))
    return done


def _bare(pieces: list[_Piece]) -> str:
    """A row without the brackets around all of it."""
    solid = [piece for piece in pieces if piece.kind != "space"]
    if len(solid) == 1 and solid[0].inner:
        return solid[0].inner
    while pieces and pieces[-1].kind == "space":
        pieces = pieces[:-1]
    while pieces and pieces[0].kind == "space":
        pieces = pieces[1:]
    return f"<mrow>{_row(pieces)}</mrow>"


def _row(pieces: list[_Piece]) -> str:
    """One after the other; a space is drawn between factors and around words."""
    found: list[str] = []
    for i, piece in enumerate(pieces):
        if piece.kind != "space":
            found.append(piece.markup)
        elif 0 < i < len(pieces) - 1:
            sides = {pieces[i - 1].kind, pieces[i + 1].kind}
            if "text" in sides:
                found.append('<mspace width="0.3em"/>')
            elif not sides & {"operator", "slash"}:
                found.append('<mspace width="0.15em"/>')
    return "".join(found)
