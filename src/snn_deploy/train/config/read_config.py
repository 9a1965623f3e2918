"""read_config: a TOML file becomes a TrainConfig, strictly, with every plug-in chosen by name.

A table of the file that chooses a plug-in has the key `name` and beside it the plug-in's own options, such as
[surrogate] name = "dspike", temperature = 3.0. Losses are tables [losses.NAME], each with its options; so are
augmentations, [augmentations.NAME], which are applied in the order of their places (augmentation.py).
"""

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any

from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.plugin import load_plugin, require_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.checked_options import checked_options
from snn_deploy.train.config.combinations import require_sensible
from snn_deploy.train.config.train_config import (
    CHOICES,
    COLLECTIONS,
    SCHEDULES,
    SETTINGS,
    SURROGATE,
    VALUE_LOSS,
    Choice,
    HeldOut,
    Numbers,
    Section,
    TrainConfig,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_config(path: Path, assignments: Sequence[str] = ()) -> TrainConfig:
    """Return the config in the TOML file at `path`, after `assignments` such as "training.epochs=5".

    An assignment that chooses another plug-in, such as "surrogate.name=esg", drops the options of the one before.
    """
    return resolved_config(read_table(path, assignments), str(path))


def read_table(path: Path, assignments: Sequence[str] = ()) -> dict[str, Any]:
    """Return the tables in the TOML file at `path`, after `assignments`; what they say is not looked at."""
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Give the path of a TOML file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not TOML ({error}).") from error
    return changed_table(table, assignments)


def changed_config(table: Mapping[str, Any], assignments: Sequence[str], where: str) -> TrainConfig:
    """Return the config that `table` describes after `assignments`, as read_config; `where` starts every error."""
    return resolved_config(changed_table(table, assignments), where)


def resolved_config(table: Mapping[str, Any], where: str) -> TrainConfig:
    """Return the config that `table` describes; `where` starts every error."""
    numbers = read_numbers(table, where)
    chosen_data = read_choice("data", table, where)
    config = TrainConfig(
        data=chosen_data,
        encoder=read_encoder(chosen_data, table, where),
        model=read_choice("model", table, where),
        neuron=read_choice("neuron", table, where),
        norm=read_choice("norm", table, where),
        surrogate=read_choice("surrogate", table, where),
        losses=_losses(table.get("losses", {}), numbers.method, chosen_data, where),
        augmentations=_augmentations(table.get("augmentations", {}), where),
        seed=numbers.seed,
        steps=numbers.steps,
        method=numbers.method,
        coding=numbers.coding,
        **read_settings(table, where),
    )
    require_sensible(config, where)
    return config


def require_settings(path: Path, assignments: Sequence[str] = ()) -> None:
    """Raise the UserError of `read_config` for what can be told before torch is loaded, which takes seconds.

    That is all but the options of plug-ins, and what makes no sense together.
    """
    table = read_table(path, assignments)
    read_numbers(table, str(path))
    read_settings(table, str(path))
    chosen = [(f"[{s}]", CHOICES[s].package, table.get(s, {}).get("name")) for s in CHOICES]
    chosen += [(f"[{s}.{name}]", COLLECTIONS[s].package, name) for s in COLLECTIONS for name in table.get(s, {})]
    for section, package, name in chosen:
        if isinstance(name, str):
            _named(f"{path}: {section}", package, name)


def read_settings(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the tables of plain settings by the names that a TrainConfig has for them."""
    settings: dict[str, Any] = {
        name: checked_options(kind, table.get(name, {}), f"{where}: [{name}]") for name, kind in SETTINGS.items()
    }
    _named(f"{where}: [optimizer]", SCHEDULES, settings["optimizer"].schedule)
    data, common = table.get("data", {}), {key.name for key in fields(HeldOut)}
    held_out = checked_options(HeldOut, {k: data[k] for k in common & data.keys()}, f"{where}: [data]")
    return {**settings, "held_out": held_out}


def _named(where: str, package: str, name: str) -> None:
    """Raise UserError where `package` has no plug-in of that name."""
    try:
        require_plugin(package, name)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def read_numbers(table: Mapping[str, Any], where: str) -> Numbers:
    """Return the keys at the top of `table`; a key or table that no config has is a UserError."""
    top_keys = {key.name for key in fields(Numbers)}
    top = {*top_keys, *CHOICES, *COLLECTIONS, *SETTINGS}
    for key, value in table.items():
        if key not in top:
            raise UserError(f"{where}: no key {key!r}.{did_you_mean(key, top)} Allowed: {', '.join(sorted(top))}.")
        if key not in top_keys and not isinstance(value, Mapping):
            raise UserError(f"{where}: {key} = {value!r}; allowed is a table, [{key}].")
    return checked_options(Numbers, {k: table[k] for k in table if k in top_keys}, where)


def default_choice(section: str, table: Mapping[str, Any]) -> str | None:
    """Return the plug-in of the table `section` where it names none."""
    method = table.get("method", SURROGATE)
    return CHOICES[section].default.get(method) if isinstance(method, str) else None


def read_choice(section: str, config: Mapping[str, Any], where: str) -> Choice:
    """Return the plug-in that the table `section` of `config` chooses; only its module is loaded."""
    common = {key.name for key in fields(HeldOut)} if section == "data" else set()
    options = {key: value for key, value in config.get(section, {}).items() if key not in common}
    name = options.pop("name", default_choice(section, config))
    where = f"{where}: [{section}]"
    if not isinstance(name, str):
        raise UserError(f"{where}: name is {name!r}; it must say which one, as text.")
    return _chosen(CHOICES[section], name, options, where)


def read_encoder(data: Choice, config: Mapping[str, Any], where: str) -> Choice | None:
    """Return the encoder of `config` where `data` gives signals; else None, and it is a UserError to choose one."""
    if getattr(data.options, "gives_signals", False):
        return read_choice("encoder", config, where)
    if "encoder" in config:
        raise UserError(
            f"{where}: [encoder] makes integers of signals, and data.name {data.name!r} gives integers. Leave it out."
        )
    return None


def _chosen(section: Section, name: str, options: Mapping[str, Any], where: str) -> Choice:
    try:
        module = load_plugin(section.package, name)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return Choice(name, checked_options(getattr(module, section.class_name), options, where))


def _losses(table: Mapping[str, Any], method: str, data: Choice, where: str) -> tuple[Choice, ...]:
    choices = _named_tables("losses", table, where)
    classifying = [c.name for c in choices if c.options.classifies]
    if len(classifying) > 1:
        raise UserError(f"{where}: losses {' and '.join(classifying)} both classify; choose one.")
    if not classifying:
        gives_values = getattr(data.options, "gives_values", False)
        default = VALUE_LOSS if gives_values else COLLECTIONS["losses"].default[method]
        choices.insert(0, _chosen(COLLECTIONS["losses"], default, {}, where))
    return tuple(choices)


def _augmentations(table: Mapping[str, Any], where: str) -> tuple[Choice, ...]:
    choices = _named_tables("augmentations", table, where)
    return tuple(sorted(choices, key=lambda choice: choice.options.order))


def _named_tables(section: str, table: Mapping[str, Any], where: str) -> list[Choice]:
    """Return the plug-ins that the tables [section.NAME] choose, in the order of their names."""
    for name in table:
        if not isinstance(table[name], Mapping):
            raise UserError(f"{where}: {section}.{name} = {table[name]!r}; allowed is a table, [{section}.{name}].")
    return [_chosen(COLLECTIONS[section], name, table[name], f"{where}: [{section}.{name}]") for name in sorted(table)]


def changed_table(table: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """Return `table` after assignments such as "training.epochs=5"."""
    changed = deepcopy(dict(table))
    for assignment in assignments:
        _assign(changed, assignment)
    return changed


def _assign(table: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {assignment}: write KEY=VALUE, such as training.epochs=5.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a word without quotes
    whole = table
    *sections, last = key.strip().split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UserError(f"--set {assignment}: {section!r} is a value, not a table.")
    chooses = last == "name" and len(sections) == 1 and sections[0] in CHOICES
    if chooses and table.get("name", default_choice(sections[0], whole)) != value:
        common = {key.name for key in fields(HeldOut)} if sections[0] == "data" else set()
        for key in table.keys() - common:
            del table[key]  # the options were those of another plug-in
    table[last] = value
