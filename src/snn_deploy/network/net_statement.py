"""net_statement: what this package writes into a .net file beside the layers, where lava-dl has no place for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snn_deploy.support.user_error import UserError

GROUP = "snn_deploy"  # of the HDF5 file; lava-dl reads the group `layer` alone


@dataclass(frozen=True)
class Statement:
    """What this package wrote beside the layers: steps, the input's largest value, and names in order.

    unused_threshold: of each channel of an output that never fires; empty for one that fires.
    """

    steps: int
    largest_value: int
    input: str
    populations: tuple[str, ...]
    connections: tuple[str, ...]
    unused_threshold: tuple[int, ...]

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(self.__dict__, sort_keys=True)


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
            tuple(map(str, fields["populations"])),
            tuple(map(str, fields["connections"])),
            tuple(int(n) for n in fields["unused_threshold"]),
        )
        if {len(found.populations), len(found.connections)} != {layers}:
            raise ValueError(f"names for {len(found.populations)} layers, and there are {layers}")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{where}: a damaged statement of snn-deploy ({reason}). Write the file again with snn-deploy export."
        ) from error
    return found
