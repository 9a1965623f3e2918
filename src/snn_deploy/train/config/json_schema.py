"""json_schema: the JSON Schema of a config, by which an editor completes its keys and marks what is wrong.

It says what each key may be and which keys a plug-in has. What makes no sense together (combinations.py) it does not
say: that needs the whole config, and the program says it.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from snn_deploy.train.config import train_config as config
from snn_deploy.train.config.config_keys import Key, PlugInKeys, keys_of, paragraphs, plug_ins

TITLE = "A config of snn-deploy train"
_DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors of TOML know


def json_schema() -> dict[str, Any]:
    """Return the schema of a config, with the plug-ins that are found here, as plain dictionaries."""
    held_out = keys_of(config.HeldOut)
    tables = {name: _choice(found, held_out if name == "data" else ()) for name, found in config.CHOICES.items()}
    tables |= {name: _collection(found) for name, found in config.COLLECTIONS.items()}
    tables |= {name: _table(keys_of(kind), paragraphs(kind)) for name, kind in config.SETTINGS.items()}
    top = _table(keys_of(config.Numbers), "")
    needed = [name for name, found in config.CHOICES.items() if not found.default]
    return {
        "$schema": _DIALECT,
        "title": TITLE,
        **top,
        "properties": {**top["properties"], **tables},
        "required": needed,
    }


def _choice(section: config.Section, common: Iterable[Key]) -> dict[str, Any]:
    """Return the schema of a table that names one plug-in; where it names none, the keys are those of a default."""
    found = plug_ins(section)
    ways = [_named(plug_in, common, is_named=True) for plug_in in found]
    defaults = set(section.default.values())
    ways += [_named(plug_in, common, is_named=False) for plug_in in found if plug_in.name in defaults]
    return {"type": "object", "anyOf": ways}


def _named(plug_in: PlugInKeys, common: Iterable[Key], *, is_named: bool) -> dict[str, Any]:
    table = _table((*plug_in.keys, *common), plug_in.about)
    if not is_named:
        return table
    name = {"const": plug_in.name, "description": plug_in.about}
    return {
        **table,
        "title": plug_in.name,
        "properties": {"name": name, **table["properties"]},
        "required": ["name", *table.get("required", ())],
    }


def _collection(section: config.Section) -> dict[str, Any]:
    """Return the schema of tables [section.NAME], each with the keys of the plug-in NAME."""
    tables = {plug_in.name: _table(plug_in.keys, plug_in.about) for plug_in in plug_ins(section)}
    return {"type": "object", "properties": tables, "additionalProperties": False}


def _table(keys: Iterable[Key], about: str) -> dict[str, Any]:
    keys = tuple(keys)
    needed = [key.name for key in keys if key.must_be_given]
    return {
        "type": "object",
        **({"description": about} if about else {}),
        "properties": {key.name: _key(key) for key in keys},
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _key(key: Key) -> dict[str, Any]:
    schema = TypeAdapter(key.hint).json_schema()
    if key.choices and not {"enum", "const"} & schema.keys():  # names of plug-ins, which pydantic does not know
        schema |= {"enum": list(key.choices)}
    return {
        **schema,
        **({} if key.must_be_given else {"default": key.default}),
        **({"description": key.about} if key.about else {}),
    }
