"""api_names: the directive {api-reference}: every public name of `import snn_deploy`, with what its functions return.

There is no list to edit: the names are those of snn_deploy/__init__.py.
"""

import inspect
import re
import typing

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import snn_deploy


def public_names() -> list[str]:
    """Return the names that the package itself defines, functions before classes, in alphabetical order."""
    names = [name for name in dir(snn_deploy) if not name.startswith("_") and _is_ours(getattr(snn_deploy, name))]
    return sorted(names, key=lambda name: (inspect.isclass(getattr(snn_deploy, name)), name))


def results() -> list[type]:
    """Return the classes of the package that the public functions return, without those that have a name already."""
    found: dict[type, None] = {}
    for name in public_names():
        value = getattr(snn_deploy, name)
        if not inspect.isclass(value):
            returned = typing.get_type_hints(value).get("return")
            found |= dict.fromkeys(c for c in (returned, *typing.get_args(returned)) if _is_ours(c))
    named = {getattr(snn_deploy, name) for name in public_names()}
    return sorted(set(found) - named, key=lambda c: c.__name__)


def _is_ours(value: object) -> bool:
    return callable(value) and (getattr(value, "__module__", None) or "").startswith("snn_deploy.")


class ApiReference(SphinxDirective):
    """The entries of all names, written by autodoc."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the section of functions and classes, and of the section of results."""
        entries = [_entry(f"snn_deploy.{name}", getattr(snn_deploy, name)) for name in public_names()]
        returned = [_entry(f"{c.__module__}.{c.__qualname__}", c) for c in results()]
        text = "\n".join(["## Functions and classes\n", *entries, "## What the functions return\n", *returned])
        return self.parse_text_to_nodes(StringList(text.splitlines(), "api_reference"), allow_section_headings=True)


def _entry(path: str, value: object) -> str:
    kind, members = ("autoclass", "   :members:\n") if inspect.isclass(value) else ("autofunction", "")
    return f"```{{eval-rst}}\n.. {kind}:: {path}\n{members}```\n"


def plain(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Turn a docstring, which is prose, into what reStructuredText reads as the same prose. Called by autodoc."""
    parts = "\n".join(lines).split("`")  # every second one is code
    parts[::2] = [re.sub(r"([*|\\]|_\b)", r"\\\1", prose) for prose in parts[::2]]
    text = "``".join(parts)
    lines[:] = text.splitlines()


def setup(app: Sphinx) -> None:
    """Add the directive; docstrings are made plain before napoleon looks for its sections."""
    app.add_directive("api-reference", ApiReference)
    app.connect("autodoc-process-docstring", plain, priority=400)
