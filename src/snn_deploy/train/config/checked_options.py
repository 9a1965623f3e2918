"""checked_options: a table of a config file becomes a frozen dataclass, strictly.

pydantic checks types and ranges; an unknown key is an error that names the nearest one. Ranges stand beside the
fields, as `Annotated[float, Gt(0)]`.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.user_error import UserError

Options = TypeVar("Options")


def checked_options(options: type[Options], table: Mapping[str, Any], where: str) -> Options:
    """Return `options(**table)`; a wrong key, type or range is a UserError that starts with `where`."""
    known = {field.name: field for field in fields(options)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            allowed = ", ".join(known) or "none: this choice has no options"
            raise UserError(f"{where}: no key {key!r}.{did_you_mean(key, known)} Allowed: {allowed}.")
    hints = get_type_hints(options, include_extras=True)
    values, problems = {}, []
    for name, field in known.items():
        if name in table:
            try:
                values[name] = TypeAdapter(hints[name]).validate_python(table[name], strict=True)
            except ValidationError as error:
                problems += [f"{name}: {e['msg']}, got {e['input']!r}" for e in error.errors()]
        elif field.default is MISSING and field.default_factory is MISSING:
            problems.append(f"{name}: is missing")
    if problems:
        raise UserError(f"{where}: {'; '.join(problems)}.")
    return options(**values)
