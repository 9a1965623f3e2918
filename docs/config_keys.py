"""config_keys: the page of every config key, generated from the dataclasses that read a config and their docstrings.

    python docs/config_keys.py

prints it; every build of the documentation site writes it anew.
"""

import dataclasses
import inspect
import re
import typing
from typing import Any

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.config import train_config as config

_HEAD = """# Every config key

`snn-deploy train CONFIG` reads a TOML file strictly: a key that is not here is an error that names the nearest one. Any
of them can be set on the command line: `--set training.epochs=5`. A table with a `name` selects the plug-in with that
name and has its keys. There can be any number of tables `[losses.NAME]` and `[augmentations.NAME]`.

This page is generated from the program.
"""


def markdown() -> str:
    """Return the page."""
    parts = [_HEAD, "## Top level\n", _described(config.TrainConfig), _table(config.Numbers)]
    for name, section in config.CHOICES.items():
        default = section.default.get(config.SURROGATE)
        beside = f" Default: `{default}`." if default else ""
        parts.append(f"## [{name}]\n\n`name` is one of the names below.{beside}\n")
        if name == "data":
            parts += [_described(config.HeldOut), _table(config.HeldOut)]
        parts += [_plugin(section.package, found, section.class_name) for found in plugin_names(section.package)]
    for name, section in config.COLLECTIONS.items():
        parts.append(f"## [{name}.NAME]\n")
        parts += [_plugin(section.package, found, section.class_name) for found in plugin_names(section.package)]
    for name, options in config.SETTINGS.items():
        parts += [f"## [{name}]\n", _described(options), _table(options)]
    return "\n".join(parts)


def _plugin(package: str, name: str, class_name: str) -> str:
    module = load_plugin(package, name)
    first = _whole(inspect.getdoc(module) or "").split("\n\n")[0]
    return "\n".join([f"### {name}\n", _escaped(first) + "\n", _described(getattr(module, class_name)),
                      _table(getattr(module, class_name))])  # fmt: skip


def _described(options: type) -> str:
    text = inspect.getdoc(options) or ""
    return _escaped(_whole(text)) + "\n" if text and not text.startswith(f"{options.__name__}(") else ""


def _table(options: type) -> str:
    """Return one line for every key: its name, what it may be, and its default."""
    hints = typing.get_type_hints(options, include_extras=True)
    rows = [
        f"| `{field.name}` | {_allowed(hints[field.name])} | {_default(field)} |"
        for field in dataclasses.fields(options)
        if field.init
    ]
    return "\n".join(["| key | allowed | default |", "|---|---|---|", *rows, ""]) if rows else "No keys.\n"


def _allowed(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Annotated:
        kind, *limits = typing.get_args(hint)
        words = [f"{sign} {getattr(x, name)}" for x in limits for name, sign in _SIGNS.items() if hasattr(x, name)]
        return f"{_allowed(kind)} {', '.join(words)}".strip()
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(hint))
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return _WORDS.get(hint, hint.__name__)
    return _escaped(str(hint).replace("typing.", ""))


_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_WORDS = {int: "whole number", float: "number", str: "text", bool: "true, false"}


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return (
            '`""`'
            if field.default == ""
            else "`" + str(field.default).replace("True", "true").replace("False", "false") + "`"
        )
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()!r}`"
    return "must be given"


def _whole(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _escaped(text: str) -> str:
    """Return `text` with what Markdown would read as marks escaped, but not within backticks."""
    parts = text.split("`")
    return "`".join(part if i % 2 else re.sub(r"([|*<\[_])", r"\\\1", part) for i, part in enumerate(parts))


if __name__ == "__main__":
    print(markdown())
