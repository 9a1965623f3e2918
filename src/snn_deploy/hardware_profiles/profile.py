"""profile: a chip as data. Every number comes with its unit, its source and how sure it is.

A profile is a TOML file; those of this folder are called by their file name, a user's own by its path:

    schema_version = 1
    name = "my_chip"
    title = "My chip"
    kind = "neurocore"
    [sources]
    DS = "Vendor datasheet, revision 2"
    [core]
    max_neurons = { value = 1024, unit = "count", source = "DS table 3", confidence = "sure" }

What else may stand in it: schema.py and units.py.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from snn_deploy.hardware_profiles.quantity import Quantity
from snn_deploy.hardware_profiles.read_quantity import read_quantity
from snn_deploy.hardware_profiles.schema import KINDS, rules
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.user_error import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA_VERSION = 1
_HEAD = ("schema_version", "name", "title", "kind", "sources")
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class HardwareProfile:
    """A chip, or a way to count energy.

    kind: "neurocore" (a spiking chip) or "op_energy" (an energy per arithmetic operation).
    sources: abbreviation -> what it stands for in the sources of the quantities.
    quantities: name with its section, such as "core.max_neurons" -> Quantity.
    """

    name: str
    title: str
    kind: str
    sources: Mapping[str, str]
    quantities: Mapping[str, Quantity]

    def quantity(self, name: str) -> Quantity:
        """Return the quantity `name`; a UserError where the profile does not give it."""
        if name not in self.quantities:
            raise UserError(
                f"profile {self.name!r} does not give {name!r}.{did_you_mean(name, self.quantities)} "
                "Choose another profile, or add it to a copy of this one with its source."
            )
        return self.quantities[name]

    def find(self, name: str) -> Quantity | None:
        """Return the quantity `name`, or None where the profile does not give it."""
        return self.quantities.get(name)

    def whole(self, name: str) -> int:
        """Return the whole number `name`, in its base unit (count, bit, B, step)."""
        value = self.quantity(name).value
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} of profile {self.name!r} is {value!r}, no whole number")
        return value

    def number(self, name: str) -> float:
        """Return the number `name`, in its base unit (J, s, W, ...)."""
        value = self.quantity(name).value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} of profile {self.name!r} is {value!r}, no number")
        return float(value)

    def references(self, quantity: Quantity) -> tuple[str, ...]:
        """Return what the abbreviations in the source of `quantity` stand for."""
        words = set(re.findall(r"\w+", quantity.source))
        return tuple(meaning for short, meaning in self.sources.items() if short in words)

    def abbreviations(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return a line for each abbreviation in `texts`, sources of quantities: what it stands for."""
        words = {word for text in texts for word in re.findall(r"\w+", text)}
        return tuple(f"{short}: {meaning}" for short, meaning in self.sources.items() if short in words)

    def section(self, name: str) -> dict[str, Quantity]:
        """Return the quantities of one section, such as "system.boards", by their names within it."""
        prefix = f"{name}."
        return {n[len(prefix) :]: q for n, q in self.quantities.items() if n.rpartition(".")[0] == name}


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with the program, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_profile(name_or_path: str | Path) -> HardwareProfile:
    """Return a profile that comes with the program, by its name, or a user's own, by the path of its .toml file."""
    text = str(name_or_path)
    if text in profile_names():
        return _read(_FOLDER / f"{text}.toml")
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return _read(path)
    names = profile_names()
    raise UserError(
        f"no hardware profile named {text!r}.{did_you_mean(text, names)} "
        f"Choose one of {', '.join(names)}, or give the path of a .toml file."
    )


def _read(path: Path) -> HardwareProfile:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}). Give the path of a profile.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no TOML ({error}). Mend the line, or start from a copy of a profile.") from error
    name, title, kind = _head(path.name, content)
    sections = {key: value for key, value in content.items() if key not in _HEAD}
    quantities = dict(_quantities(path.name, kind, "", sections))
    if not quantities:
        raise UserError(f"{path.name}: no quantities. Start from a copy of a profile.")
    return HardwareProfile(name, title, kind, content.get("sources", {}), quantities)


def _head(file: str, content: Mapping[str, Any]) -> tuple[str, str, str]:
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UserError(f"{file}: schema_version {version!r}; this program reads version {SCHEMA_VERSION}.")
    for key in ("name", "title", "kind"):
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise UserError(f"{file}: {key} is {content.get(key)!r}; write a text that is not empty.")
    if content["kind"] not in KINDS:
        raise UserError(f"{file}: kind {content['kind']!r}; allowed are {', '.join(KINDS)}.")
    sources = content.get("sources", {})
    if not isinstance(sources, dict) or not all(isinstance(s, str) and s.strip() for s in sources.values()):
        raise UserError(f"{file}: sources: write one text for each abbreviation.")
    return content["name"], content["title"], content["kind"]


def _quantities(file: str, kind: str, prefix: str, tables: Mapping[str, Any]) -> Iterator[tuple[str, Quantity]]:
    """Yield the quantities below the section `prefix` ("" at the top), checked against the schema of `kind`."""
    allowed_in, here = rules(kind), prefix.rstrip(".")
    allowed = allowed_in.get(here, {})
    below = {s[len(prefix) :].split(".")[0] for s in allowed_in if s.startswith(prefix) and s != here}
    for key, value in tables.items():
        name = f"{prefix}{key}"
        if key in below:
            if not isinstance(value, dict):
                raise UserError(f"{file}: {name}: got {value!r}; it is a section of quantities.")
            yield from _quantities(file, kind, f"{name}.", value)
            continue
        rule = allowed.get(key) or allowed.get("*")
        if rule is None:
            known = (*allowed, *below, *(_HEAD if not prefix else ()))
            what = f"section [{here}]" if here else f"a {kind} profile"
            raise UserError(
                f"{file}: unknown key {name!r}.{did_you_mean(key, known)} Allowed in {what} are {', '.join(known)}."
            )
        yield name, read_quantity(f"{file}: {name}", value, rule[0], is_list=rule[1])
