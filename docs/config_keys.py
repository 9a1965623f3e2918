"""config_keys: the page of every config key, generated from the dataclasses that read a config and their docstrings.

    python docs/config_keys.py

prints it; every build of the documentation site writes it anew.
"""

import re
from collections.abc import Sequence

from snn_deploy.train.config import train_config as config
from snn_deploy.train.config.config_keys import Key, PlugInKeys, keys_of, paragraphs, plug_ins

_HEAD = """# Every config key

`snn-deploy train CONFIG` reads a TOML file strictly: a key that is not here is an error that names the nearest one. Any
of them can be set on the command line: `--set training.epochs=5`. A table with a `name` selects the plug-in with that
name and has its keys. There can be any number of tables `[losses.NAME]` and `[augmentations.NAME]`.

`snn-deploy init mine.toml --data fashion_mnist --model resnet20` writes a config with the keys of these two, each with
what it may be, and a schema of all keys beside it, with which an editor completes keys and marks those that are wrong.

This page is generated from the program.
"""


def markdown() -> str:
    """Return the page."""
    parts = [_HEAD, "## Top level\n", _described(config.Numbers), _table(keys_of(config.Numbers))]
    for name, section in config.CHOICES.items():
        default = section.default.get(config.SURROGATE)
        beside = f" Default: `{default}`." if default else ""
        parts.append(f"## [{name}]\n\n`name` is one of the names below.{beside}\n")
        if name == "data":
            parts += [_described(config.HeldOut), _table(keys_of(config.HeldOut))]
        parts += map(_plugin, plug_ins(section))
    for name, section in config.COLLECTIONS.items():
        parts.append(f"## [{name}.NAME]\n")
        parts += map(_plugin, plug_ins(section))
    for name, options in config.SETTINGS.items():
        parts += [f"## [{name}]\n", _described(options), _table(keys_of(options))]
    return "\n".join(parts)


def _plugin(found: PlugInKeys) -> str:
    return "\n".join(
        [f"### {found.name}\n", _escaped(found.about) + "\n", _described(found.options), _table(found.keys)]
    )


def _described(options: type) -> str:
    text = paragraphs(options)
    return _escaped(text) + "\n" if text else ""


def _table(keys: Sequence[Key]) -> str:
    """Return one line for every key: its name, what it may be, and its default."""
    rows = [f"| `{key.name}` | {_allowed(key)} | {_default(key)} |" for key in keys]
    return "\n".join(["| key | allowed | default |", "|---|---|---|", *rows, ""]) if rows else "No keys.\n"


def _allowed(key: Key) -> str:
    return ", ".join(f"`{value}`" for value in key.choices) or _escaped(key.allowed).replace(r"\<", "<")


def _default(key: Key) -> str:
    if key.must_be_given:
        return "must be given"
    value = '""' if key.default == "" else str(key.default)
    return f"`{value.lower() if isinstance(key.default, bool) else value}`"


def _escaped(text: str) -> str:
    """Return `text` with what Markdown would read as marks escaped, but not within backticks."""
    parts = text.split("`")
    return "`".join(part if i % 2 else re.sub(r"([|*<\[_])", r"\\\1", part) for i, part in enumerate(parts))


if __name__ == "__main__":
    print(markdown())
