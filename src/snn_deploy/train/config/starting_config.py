"""starting_config: a config to begin with, as TOML with comments: what was chosen, and every other key's default."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tomli_w

from snn_deploy.support.plugin import plugin_names
from snn_deploy.train.config import train_config as config
from snn_deploy.train.config.config_keys import Key, keys_of, plug_in

_COLUMNS = 100
_HEAD = """\
#:schema ./{schema}
# {model} on {data}. Train it: snn-deploy train {file}
# A key behind "#" has that value without it, too. The keys of other choices: snn-deploy help config_keys
"""


def starting_config(chosen: Mapping[str, Any], whole: config.TrainConfig, file: str, schema: str) -> str:
    """Return the config `whole` as TOML.

    chosen: its tables with the keys that are not left at their defaults. file, schema: the names of the file that it
    becomes, and of its schema beside it.
    """
    is_timed = whole.method == config.TIME_BASED
    parts = [_HEAD.format(schema=schema, model=whole.model.name, data=whole.data.name, file=file)]
    parts.append("".join(_keys(keys_of(config.Numbers), chosen)))
    for name, section in config.CHOICES.items():
        choice = getattr(whole, name)
        if choice is None or (name == "surrogate" and is_timed and name not in chosen):
            continue
        found, given = plug_in(section, choice.name), chosen.get(name, {})
        common = keys_of(config.HeldOut) if name == "data" else ()
        begun = f"[{name}]\n{_comment(found.about)}{_others('name: or', section, {choice.name})}"
        named = f'name = "{choice.name}"\n'
        parts.append(begun + named + "".join(_keys((*found.keys, *common), given)))
    for name, section in config.COLLECTIONS.items():
        for choice in getattr(whole, name):
            found, is_given = plug_in(section, choice.name), choice.name in chosen.get(name, {})
            begun = f"{'' if is_given else '#'}[{name}.{choice.name}]\n{_comment(found.about)}"
            parts.append(begun + "".join(_keys(found.keys, chosen.get(name, {}).get(choice.name, {}))))
        parts.append(_others(f"Tables [{name}.NAME] of", section, {choice.name for choice in getattr(whole, name)}))
    for name, kind in config.SETTINGS.items():
        parts.append(f"[{name}]\n" + "".join(_keys(keys_of(kind), chosen.get(name, {}))))
    return "\n".join(parts)


def _keys(keys: Iterable[Key], given: Mapping[str, Any]) -> Iterator[str]:
    """Yield each key with what is known of it; one that is not given behind a "#"."""
    for key in keys:
        yield _comment(f"{key.name}: {key.about}" if key.about else "")
        value = given.get(key.name, key.default)
        line = tomli_w.dumps({key.name: value}).rstrip("\n")
        allowed = "" if key.allowed == "text" else f"  # {key.allowed}"
        yield f"{'' if key.name in given else '#'}{line}{allowed}\n"


def _others(begun: str, section: config.Section, taken: set[str]) -> str:
    others = [other for other in plugin_names(section.package) if other not in taken]
    return _comment(f"{begun} {', '.join(others)}") if others else ""


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, _COLUMNS - 2, break_on_hyphens=False))
