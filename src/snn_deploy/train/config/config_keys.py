"""config_keys: what there is to know of every key of a config: its name, what it may be, its default, what it is.

All of it comes from the dataclasses that read a config: types and ranges stand beside the fields, the words about a key
in the docstring of its class, as "epochs: ... . samples: ...". The page of all keys, the schema for editors and the
config that `init` writes are made of this.
"""

import dataclasses
import inspect
import re
import typing
from dataclasses import dataclass
from typing import Any

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.config.train_config import NameIn, Section
from snn_deploy.train.data.data_set_name import DataSetName

MISSING = dataclasses.MISSING
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_WORDS = {int: "whole number", float: "number", str: "text", bool: "true, false"}


@dataclass(frozen=True)
class Key:
    """A key of a table.

    hint: its type, with its range. choices: the values that it may have, where they are few. allowed: those, or the
    range, in words. default: MISSING where it must be given. about: what its class says of it, perhaps nothing.
    """

    name: str
    hint: Any
    choices: tuple[str, ...]
    allowed: str
    default: Any
    about: str

    @property
    def must_be_given(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING


@dataclass(frozen=True)
class PlugInKeys:
    """A plug-in that a table may name, and the table's other keys with it. about: the first words of its file."""

    name: str
    about: str
    options: type

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of its table beside `name`."""
        return keys_of(self.options)


def plug_ins(section: Section) -> tuple[PlugInKeys, ...]:
    """Return every plug-in that a table of this section may name, the user's own too."""
    return tuple(_plug_in(section, name) for name in plugin_names(section.package))


def plug_in(section: Section, name: str) -> PlugInKeys:
    """Return the plug-in `name` of the section; a UserError lists those that exist."""
    load_plugin(section.package, name)
    return _plug_in(section, name)


def _plug_in(section: Section, name: str) -> PlugInKeys:
    module = load_plugin(section.package, name)
    return PlugInKeys(name, paragraphs(module).split("\n\n")[0], getattr(module, section.class_name))


def keys_of(options: type) -> tuple[Key, ...]:
    """Return the keys of a table that becomes this dataclass, in its order."""
    hints = typing.get_type_hints(options, include_extras=True)
    fields = [field for field in dataclasses.fields(options) if field.init]
    about = _about(paragraphs(options), [field.name for field in fields])
    return tuple(
        Key(f.name, hints[f.name], _choices(hints[f.name]), _allowed(hints[f.name]), _default(f), about[f.name])
        for f in fields
    )


def paragraphs(documented: Any) -> str:
    """Return the docstring of a class or module with each paragraph on one line; nothing where it has none."""
    text = inspect.getdoc(documented) or ""
    if isinstance(documented, type) and text.startswith(f"{documented.__name__}("):  # made by dataclass
        return ""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _about(text: str, names: list[str]) -> dict[str, str]:
    """Return the words about each name in a docstring that has them as "name, name: words. name: words."."""
    name = "|".join(sorted(map(re.escape, names), key=len, reverse=True)) or "$^"
    starts = list(re.finditer(rf"(?:^|(?<=[.;:)] )|(?<=\n))((?:{name})(?:, (?:{name}))*): ", text))
    ends = [*(start.start() for start in starts), len(text)][1:]
    found = dict.fromkeys(names, "")
    for start, end in zip(starts, ends, strict=False):
        words = text[start.end() : end].partition("\n\n")[0].strip()
        for each in start[1].split(", "):
            found[each] = words
    return found


def _choices(hint: Any) -> tuple[str, ...]:
    if typing.get_origin(hint) is typing.Literal:
        return tuple(str(value) for value in typing.get_args(hint))
    if typing.get_origin(hint) is typing.Annotated:
        kind, *marks = typing.get_args(hint)
        named = [name for mark in marks if isinstance(mark, NameIn) for name in plugin_names(mark.package)]
        return tuple(named) or _choices(kind)
    return ()


def _allowed(hint: Any) -> str:
    if choices := _choices(hint):
        return ", ".join(choices)
    if typing.get_origin(hint) is typing.Annotated:
        kind, *limits = typing.get_args(hint)
        words = [f"{sign} {getattr(x, name)}" for x in limits for name, sign in _SIGNS.items() if hasattr(x, name)]
        return f"{_allowed(kind)} {', '.join(words)}".strip()
    if hint is DataSetName:
        return "name of a data set"
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return _WORDS.get(hint, hint.__name__)
    return str(hint).replace("typing.", "")


def _default(field: "dataclasses.Field[Any]") -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
