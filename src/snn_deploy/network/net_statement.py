"""net_statement: what this package writes into a .net file beside the layers, where lava-dl has no place for it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

GROUP = "snn_deploy"  # of the HDF5 file; lava-dl reads the group `layer` alone


@dataclass(frozen=True)
class StatedPopulation:
    """A population's name, and the parameters that have no effect in it: those of IntegerPopulation that differ.

    An output that never fires has no use for its threshold and reset, and neurons that keep nothing of their potential
    have none for what it is reset to and starts from.
    """

    name: str
    fires: bool = True
    without_effect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StatedConnection:
    """A connection, which the file holds with its exponent and pooling inside the weights.

    delay: the forward connections of a target differ in it. dilation: of a kernel before pooling went into it.
    """

    name: str
    source: str
    target: str
    delay: int
    exponent: int
    pool: Pair
    dilation: Pair


@dataclass(frozen=True)
class Statement:
    """What this package wrote beside the layers: steps, the input's largest value, and the names and their order."""

    steps: int
    largest_value: int
    input: str
    populations: tuple[StatedPopulation, ...]
    connections: tuple[StatedConnection, ...]

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), sort_keys=True)


def statement_of(network: IntegerNetwork) -> Statement:
    """Return what lava-dl has no place for, so that read_net gives the same network back."""
    return Statement(
        network.steps,
        network.input.largest_value,
        network.input.name,
        tuple(StatedPopulation(p.name, p.fires, _without_effect(p)) for p in network.populations),
        tuple(_stated(c) for c in network.connections),
    )


def read_statement(where: str, file: Mapping[str, Any], layers: int) -> Statement | None:
    """Return the statement in the file, None where another program wrote it."""
    group = file.get(GROUP)
    if group is None:
        return None
    try:
        fields = json.loads(group["statement"])
        found = Statement(
            int(fields["steps"]),
            int(fields["largest_value"]),
            str(fields["input"]),
            tuple(
                StatedPopulation(str(p["name"]), bool(p["fires"]), dict(p["without_effect"]))
                for p in fields["populations"]
            ),
            tuple(
                StatedConnection(
                    str(c["name"]),
                    str(c["source"]),
                    str(c["target"]),
                    int(c["delay"]),
                    int(c["exponent"]),
                    _pair(c["pool"]),
                    _pair(c["dilation"]),
                )
                for c in fields["connections"]
            ),
        )
        if len(found.populations) != layers:
            raise ValueError(f"names for {len(found.populations)} layers, and there are {layers}")
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise damaged(where, error) from error
    return found


def damaged(where: str, reason: object) -> UserError:
    """Return the error that the statement in the file `where` does not belong to its layers, or is none."""
    text = " ".join(str(reason).split())
    return UserError(
        f"{where}: a damaged statement of snn-deploy ({text}). Write the file again with snn-deploy export."
    )


def _without_effect(population: IntegerPopulation) -> dict[str, Any]:
    p = population
    found: dict[str, Any] = {} if p.fires else {"threshold": p.threshold.tolist()}
    if p.reset != "value":
        found["reset"] = p.reset
    for name in ("reset_value", "initial_value"):
        values = getattr(p, name)
        if values.any():
            found[name] = values.tolist()
    return found


def _stated(c: IntegerConnection) -> StatedConnection:
    return StatedConnection(c.name, c.source, c.target, c.delay, c.exponent, c.pool, c.dilation)


def _pair(values: Any) -> Pair:
    first, second = values
    return int(first), int(second)
