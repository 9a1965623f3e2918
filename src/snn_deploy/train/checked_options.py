"""checked_options: a table of a config file becomes a frozen dataclass, strictly.

pydantic checks types and ranges; an unknown key is an error that names the nearest one. Ranges stand beside the
fields, as `Annotated[float, Gt(0)]`.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from snn_deploy.nearest_name import did_you_mean
from snn_deploy.user_error import UserError

Options = TypeVar("Options")


def checked_options(options: type[Options], table: Mapping[str, Any], where: str) -> Options:
    """Return `options(**table)`; a wrong key, type or range is a UserError that starts with `where`."""
    names = [field.name for field in fields(options)]  # type: ignore[arg-type]
    for key in table:
        if key not in names:
            allowed = ", ".join(names) or "none: this choice has no options"
            raise UserError(f"{where}: no key {key!r}.{did_you_mean(key, names)} Allowed: {allowed}.")
    strict = checked_dataclass(config=ConfigDict(extra="forbid", strict=True), frozen=True)(options)
    try:
        checked = strict(**table)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}"
            if e["type"] != "missing"
            else f"{'.'.join(map(str, e['loc']))}: is missing"
            for e in error.errors()
        )
        raise UserError(f"{where}: {problems}.") from error
    return options(**{name: getattr(checked, name) for name in names})
