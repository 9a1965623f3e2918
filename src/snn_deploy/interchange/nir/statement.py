"""statement: what a NIR file of snn-deploy says beyond NIR, as JSON in the metadata of its graph.

NIR has time constants and no time step, and no number of steps, range of inputs or order of nodes. Other programs do
not look at it; what the network computes stands in the nodes alone. The exception are thresholds that adapt, which no
node of NIR has: a file has them here where its writer was asked for it, in a version of its own, which older programs
refuse.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from snn_deploy.network.field_check import shown
from snn_deploy.network.provenance import checked_provenance
from snn_deploy.support.array_file import refuse_constant
from snn_deploy.support.user_error import UserError

KEY = "snn_deploy"
_VERSION, _VERSION_WITH_ADAPTATION = 1, 2


@dataclass(frozen=True)
class Statement:
    """What the writer said; None and empty where a file of another program says nothing.

    populations, connections: their names in order, of the nodes that stand for them. lowered: populations that fire at
    their threshold; the file has the next smaller double, above which NIR's neurons fire. connection_names: node ->
    name. adaptation: node -> threshold_step and threshold_keep of FloatPopulation, one number for each channel.
    """

    time_step: float | None = None
    steps: int | None = None
    largest_value: int | None = None
    scale: float | None = None
    populations: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    lowered: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    adaptation: Mapping[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether the file is one of snn-deploy."""
        return bool(self.populations)


def write_statement(statement: Statement) -> str:
    """Return the statement as JSON; the same statement gives the same text."""
    fields = asdict(statement)
    version = _VERSION_WITH_ADAPTATION if statement.adaptation else _VERSION
    if not statement.adaptation:
        del fields["adaptation"]
    return json.dumps({"version": version, **fields}, sort_keys=True, allow_nan=False)


def read_statement(graph: Mapping[str, Any], where: str) -> Statement:
    """Return what the metadata of `graph` says, or an empty statement; a damaged or newer one is a UserError."""
    metadata = graph.get("metadata")
    text = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    if text is None:
        return Statement()
    try:
        plain = json.loads(text, parse_constant=refuse_constant)
        version = plain.pop("version")
        if version not in (_VERSION, _VERSION_WITH_ADAPTATION):
            allowed = f"{_VERSION} and {_VERSION_WITH_ADAPTATION}"
            raise UserError(f"metadata of version {shown(version)}; this program reads {allowed}. Write it again.")
        for name in ("populations", "connections", "lowered"):
            plain[name] = tuple(str(n) for n in plain[name])
        statement = Statement(**plain)
        _require(isinstance(statement.names, dict) and all(isinstance(n, str) for n in statement.names.values()))
        checked_provenance(statement.provenance)
        for step, keep in statement.adaptation.values():
            _require(all(isinstance(v, int | float) for v in (*step, *keep)))
        _require(all(isinstance(v, int | float) for v in (statement.time_step, statement.scale)))
        _require(all(type(v) is int for v in (statement.steps, statement.largest_value)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, UserError):
            raise UserError(f"{where}: {error}") from error
        raise UserError(f"{where}: its metadata {KEY!r} is damaged ({error}). Write the file again.") from error
    return statement


def _require(is_so: bool) -> None:
    if not is_so:
        raise TypeError("a field of another type")
