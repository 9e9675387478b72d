"""The pages of the reference: every public name with signature, docstring, example and source."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from ..generate import _formula
from . import examples
from .docstrings import markdown

__all__ = ["PACKAGES", "pages", "public"]

PACKAGES = (
    "tinygrad_edu", "tinygrad_edu.ops", "nn", "nn.functional", "nn.init", "nn.metrics", "nn.optim",
    "nn.transforms", "nn.datasets", "nn.losses", "nn.parallel",
)  # fmt: skip
"""The packages whose `__all__` is public. A name of several stands in the first of them."""

GUIDES = (
    "docs/nn.md", "README.md", "docs/gradient-contract.md", "docs/seeing.md", "docs/programs.md",
    "docs/from-scratch.md", "docs/why.md", "docs/scipy.md", "docs/own-op.md",
)  # fmt: skip


class Page(NamedTuple):
    """The names of one package that are declared in modules with these beginnings."""

    path: str
    title: str
    package: str
    modules: tuple[str, ...] = ("",)


PAGES = (
    Page("tensors", "Tensors and gradients", "tinygrad_edu", (
        "tinygrad_edu.tensor", "tinygrad_edu.context", "tinygrad_edu.gradient",
        "tinygrad_edu.functional", "tinygrad_edu.declare", "tinygrad_edu.effects",
    )),
    Page("checks", "Checking derivatives", "tinygrad_edu", ("tinygrad_edu.checks",)),
    Page("seeing", "Seeing graphs", "tinygrad_edu", ("tinygrad_edu.viz",)),
    Page("programs", "Programs and export", "tinygrad_edu", (
        "tinygrad_edu.program", "tinygrad_edu.export",
    )),
    Page("modules", "Modules", "nn", (
        "nn.module", "nn.parameter", "nn.containers", "nn.function_module", "nn.networks",
        "nn.model_summary", "nn.watching", "nn.init",
    )),
    Page("layers", "Layers", "nn", ("nn.layers",)),
    Page("activations", "Activations", "nn", ("nn.activations",)),
    Page("losses", "Losses", "nn", ("nn.losses", "nn.functional")),
    Page("optimizers", "Optimizers", "nn", ("nn.optim",)),
    Page("schedulers", "Learning rate schedules", "nn", ("nn.schedulers",)),
    Page("training", "Training", "nn", (
        "nn.trainer", "nn.callbacks", "nn.history", "nn.sanity_check", "nn.playground",
        "nn.estimators", "nn.parallel", "nn.threads",
    )),
    Page("data", "Data", "nn", ("nn.data", "nn.transforms")),
    Page("files", "Checkpoints and export", "nn", ("nn.checkpoint", "nn.onnx_export")),
    Page("plots", "Plots", "nn", ("nn.plots",)),
    Page("functional", "nn.functional", "nn.functional"),
    Page("init", "nn.init", "nn.init"),
    Page("metrics", "nn.metrics", "nn.metrics"),
    Page("datasets", "nn.datasets", "nn.datasets"),
    Page("transforms", "nn.transforms", "nn.transforms"),
    Page("optim", "nn.optim", "nn.optim"),
    Page("parallel", "nn.parallel", "nn.parallel"),
)  # fmt: skip


class Name(NamedTuple):
    """A public name: where it is imported from, and what it is."""

    package: str
    name: str
    value: Any

    @property
    def full(self) -> str:
        return f"{self.package}.{self.name}"

    @property
    def declared(self) -> str:
        return str(getattr(self.value, "__module__", None) or self.package)


def public() -> list[Name]:
    """Every public name of every package, without the packages themselves."""
    names = []
    for package in PACKAGES:
        module = importlib.import_module(package)
        values = [(name, getattr(module, name)) for name in module.__all__]
        names += [Name(package, n, v) for n, v in values if not isinstance(v, ModuleType)]
    return names


class Reference:
    """All public names, each with the page on which it is described."""

    def __init__(self) -> None:
        self.names = public()
        self.first: dict[int, Name] = {}
        for name in sorted(self.names, key=lambda name: name.name != _own_name(name.value)):
            self.first.setdefault(id(name.value), name)
        self.spelled = {key: n for n in reversed(self.names) for key in (n.name, n.full)}
        self.quotes = examples.Quotes(GUIDES)
        self.without_example: list[str] = []

    def target(self, span: str) -> str | None:
        """The full name for one in backticks, as `gradcheck` or `nn.Dense`, or None."""
        name = self.spelled.get(span.rstrip("()"))
        return name and self.first[id(name.value)].full

    def pages(self) -> Iterator[tuple[str, str]]:
        """Each page's path without its ending, and its Markdown."""
        left = {name.full: name for name in self.names}
        for page in (*self._ops(), *PAGES):
            own = [n for n in self.names if n.package == page.package and _on(page, n)]
            for name in own:
                left.pop(name.full, None)
            yield page.path, self._page(page, own)
        if new := [n.full for n in left.values() if self.first[id(n.value)] is n]:
            raise ValueError(f"no page of PAGES has {sorted(new)}; add their modules to one")
        yield "others", self._page(Page("others", "Other names", "nn"), list(left.values()))

    def _ops(self) -> list[Page]:
        modules = {n.declared for n in self.names if n.package == "tinygrad_edu.ops"}
        short = sorted(m.removeprefix("tinygrad_edu.ops.") for m in modules if "ops." in m)
        made = [
            Page(
                f"ops/{name.replace('.', '-')}",
                f"ops: {name}",
                "tinygrad_edu.ops",
                (f"tinygrad_edu.ops.{name}",),
            )
            for name in short
        ]
        return [
            *made,
            Page(
                "ops/others",
                "ops: others",
                "tinygrad_edu.ops",
                tuple(modules - {p.modules[0] for p in made}),
            ),
        ]

    def _page(self, page: Page, names: list[Name]) -> str:
        described = [name for name in names if self.first[id(name.value)] is name]
        others = [name for name in names if self.first[id(name.value)] is not name]
        lines = [f"# {page.title}\n", f"```{{py:currentmodule}} {page.package}\n```\n"]
        lines += [self._entry(name) for name in described]
        if others:
            lines.append("## Names described elsewhere\n")
            lines += [f"- `{name.full}` is {self._link(name)}" for name in others]
        return "\n".join(lines) + "\n"

    def _link(self, name: Name) -> str:
        return f"{{py:obj}}`{self.first[id(name.value)].full}`"

    def _entry(self, name: Name) -> str:
        value = name.value
        kind = "class" if isinstance(value, type) else "function" if callable(value) else "data"
        head = f"``````{{py:{kind}}} {name.name}{_signature(value) if callable(value) else ''}"
        body = [head, "", self._body(name)]
        if kind == "class":
            body += [self._method(value, key) for key in _methods(value)]
        return "\n".join([*self._anchors(name), *body, "``````", ""])

    def _anchors(self, name: Name) -> list[str]:
        """Sphinx's listing of a source file names all that is in it by one package's name."""
        described = [n for n in self.names if self.first[id(n.value)] is n]
        packages = {n.package for n in described if n.declared == name.declared} - {name.package}
        spans = "".join(f'<span id="{package}.{name.name}"></span>' for package in sorted(packages))
        return [f"```{{raw}} html\n{spans}\n```\n"] if spans else []

    def _body(self, name: Name) -> str:
        value, doc = name.value, inspect.getdoc(name.value) or ""
        if not callable(value):
            return f"`{value!r}`" if len(repr(value)) < 600 else f"A {type(value).__name__}."
        parts = [markdown(doc, self.target)]
        if hasattr(value, "op"):
            parts = [markdown(doc.partition("\n")[0], self.target), _mathml(value.op)]
        return "\n\n".join([*parts, "" if ">>>" in doc else self._example(name)])

    def _example(self, name: Name) -> str:
        if text := _generated(name):
            return f"```pycon\n{text}\n```"
        for spelling in (name.full, f"{name.package.rpartition('.')[2]}.{name.name}", name.name):
            if quote := self.quotes[spelling]:
                link = f"[{quote.heading}](/{quote.page})"
                return f"From {link}:\n\n```python\n{quote.code}\n```"
        self.without_example.append(name.full)
        return ""

    def _method(self, cls: type, key: str) -> str:
        value = inspect.getattr_static(cls, key)
        doc = markdown(inspect.getdoc(getattr(cls, key)) or "", self.target)
        if isinstance(value, property):
            return f"`````{{py:property}} {key}\n{doc}\n`````\n"
        return (
            f"`````{{py:method}} {key}{_signature(getattr(cls, key), bound=value)}\n{doc}\n`````\n"
        )


def _own_name(value: Any) -> str:
    return str(getattr(value, "__name__", ""))


def _on(page: Page, name: Name) -> bool:
    return any(f"{name.declared}.".startswith(f"{m}." if m else "") for m in page.modules)


def _methods(cls: type) -> list[str]:
    """The public methods and properties that a class itself defines and describes."""
    found = [
        key
        for key, value in vars(cls).items()
        if key[0] != "_"
        and (callable(value) or isinstance(value, (property, classmethod, staticmethod)))
    ]
    return [key for key in found if inspect.getdoc(getattr(cls, key))]


def _signature(value: Any, bound: Any = None) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    parameters = list(signature.parameters.values())
    if bound is not None and not isinstance(bound, (classmethod, staticmethod)):
        parameters = parameters[1:]
    returns = signature.return_annotation
    if isinstance(value, type) or returns in ("None", None):
        returns = inspect.Signature.empty
    text = str(signature.replace(parameters=parameters, return_annotation=returns))
    text = re.sub(r"<function (\w+)[^>]*>|<class '([\w.]+)'>", r"\1\2", text)
    return re.sub(r"'([^']*)'(?=( =|,|\)|$))", r"\1", text) if "'" in text else text


def _mathml(op: Any) -> str:
    """The formula of an op and its derivative, from its declaration."""
    from tinygrad_edu.viz.mathml import formulas

    formula, derivative, convention = _formula(op)
    value, slopes = formulas(", ".join(filter(None, [formula, derivative])))
    rows = "<br>".join([value, *slopes])
    note = f"\n\nBy convention: {convention}." if convention else ""
    return f'```{{raw}} html\n<div class="formulas">{rows}</div>\n```{note}'


def _generated(name: Name) -> str:
    if text := examples.written(name.full):
        return text
    if hasattr(name.value, "op"):
        return examples.of_op(name.value)
    return examples.of_module(name.value)


def pages() -> tuple[dict[str, str], list[str]]:
    """The Markdown of every page by its path, and the names for which there is no example."""
    reference = Reference()
    return dict(reference.pages()), reference.without_example
