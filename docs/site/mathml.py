"""Formulas between dollar signs as MathML, which browsers draw without a script."""

from __future__ import annotations

from typing import Any

__all__ = ["setup"]


def _markup(latex: str, display: str) -> str:
    from latex2mathml.converter import convert

    return str(convert(latex, display=display))


def _inline(translator: Any, node: Any) -> None:
    from docutils import nodes

    translator.body.append(_markup(node.astext(), "inline"))
    raise nodes.SkipNode


def _display(translator: Any, node: Any) -> None:
    from docutils import nodes

    translator.body.append(f'<div class="formula">{_markup(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer with Sphinx, as `mathml`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
