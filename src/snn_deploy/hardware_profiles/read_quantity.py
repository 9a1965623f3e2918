"""read_quantity: an entry { value, unit, source, confidence } of a profile's TOML, checked and in base units."""

import reprlib
from decimal import Decimal
from typing import Any, cast

from snn_deploy.hardware_profiles.quantity import CONFIDENCES, Confidence, Quantity, Scalar
from snn_deploy.hardware_profiles.units import TEXT, UNITS, WHOLE
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.user_error import UserError

_REQUIRED = ("value", "unit", "source", "confidence")
_ALLOWED = (*_REQUIRED, "note")
_LARGEST = 1e30  # a guess: nothing on a chip is larger in base units, and it keeps infinities out


def read_quantity(where: str, entry: Any, base_unit: str, *, is_list: bool) -> Quantity:
    """Return `entry` in `base_unit`; `where` (file and quantity) begins every error."""
    shape = f"{{ {', '.join(_REQUIRED)} }}"
    if not isinstance(entry, dict):
        raise UserError(f"{where}: write {shape}, got {_shown(entry)}.")
    for key in entry:
        if key not in _ALLOWED:
            raise UserError(
                f"{where}: unknown key {_shown(key)}.{did_you_mean(key, _ALLOWED)} Allowed are {', '.join(_ALLOWED)}."
            )
    missing = [key for key in _REQUIRED if key not in entry]
    if missing:
        raise UserError(f"{where}: without {' and '.join(missing)}; write {shape}. No number stands without a source.")
    for key in ("unit", "source", "confidence", "note"):
        text = entry.get(key, "")
        if not isinstance(text, str) or (key != "note" and not text.strip()):
            raise UserError(f"{where}: {key} is {_shown(text)}; write a text that is not empty.")
    if entry["confidence"] not in CONFIDENCES:
        raise UserError(f"{where}: confidence {_shown(entry['confidence'])}; allowed are {', '.join(CONFIDENCES)}.")
    factor = _factor(where, entry["unit"], base_unit)
    found = entry["value"]
    if isinstance(found, list) != is_list or found == []:
        raise UserError(f"{where}: value is {_shown(found)}; write {'a list' if is_list else 'one value'}.")
    values = tuple(_scalar(where, v, base_unit, factor) for v in (found if is_list else [found]))
    confidence = cast(Confidence, entry["confidence"])
    return Quantity(values if is_list else values[0], base_unit, entry["source"], confidence, entry.get("note", ""))


def _factor(where: str, unit: str, base_unit: str) -> Decimal:
    allowed = [name for name, (base, _) in UNITS.items() if base == base_unit]
    if unit not in allowed:
        raise UserError(f"{where}: unit {_shown(unit)}; allowed are {', '.join(allowed)}.")
    return UNITS[unit][1]


def _scalar(where: str, value: Any, base_unit: str, factor: Decimal) -> Scalar:
    if base_unit == "flag" or isinstance(value, bool):
        if base_unit != "flag" or not isinstance(value, bool):
            kind = "true or false" if base_unit == "flag" else "no true or false"
            raise UserError(f"{where}: value is {_shown(value)}; allowed is {kind}.")
        return value
    if base_unit in TEXT or isinstance(value, str):
        if base_unit not in TEXT or not isinstance(value, str) or not value.strip():
            kind = "a text" if base_unit in TEXT else f"a number of {base_unit}"
            raise UserError(f"{where}: value is {_shown(value)}; allowed is {kind}.")
        return value
    if not isinstance(value, int | Decimal):
        raise UserError(f"{where}: value is {_shown(value)}; allowed is a number.")
    exact = Decimal(value) * factor
    if not exact.is_finite() or abs(exact) > _LARGEST:
        raise UserError(f"{where}: value is {_shown(value)}; allowed is a finite number.")
    if base_unit in WHOLE:
        if exact != exact.to_integral_value():
            raise UserError(f"{where}: value is {_shown(value)}; allowed is a whole number of {base_unit}.")
        if exact < 0 and base_unit != "1":
            raise UserError(f"{where}: value is {_shown(value)}; allowed is a whole number from 0.")
        return int(exact)
    if exact < 0:
        raise UserError(f"{where}: value is {_shown(value)}; allowed is a number from 0.")
    return float(exact)


def _shown(value: Any) -> str:
    """Return `value` as an error shows it: in full where it is short."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    short.maxdict = len(_ALLOWED) + 1
    return str(value) if isinstance(value, Decimal) else short.repr(value)
