"""measuring: on which samples an export measures how far states go, and what of it the file records."""

from typing import Literal, get_args

from snn_deploy.api.sources import Data, chosen_for_measuring
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.export.to_integer_network import Measured
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.largest_states import LargestStates, largest_states
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import Watch

_MARGIN = 2.0  # where none is given

States = Literal["proved", "measured"]
"""Whether the scales keep every input's states within a chip's bits, or those of samples."""


def measuring(
    floats: FloatNetwork, states: str, margin: float | None, inputs: Data, samples: int, watch: Watch
) -> Measured | None:
    """Return how the states are measured, None where they are proved."""
    if states not in get_args(States):
        raise UserError(f"--states {states}; allowed are {' and '.join(get_args(States))}.")
    if states == "proved":
        if margin is not None:
            raise UserError(f"--margin {margin:g}: is of --states measured; what is proved needs none. Leave it out.")
        return None
    chosen, where = chosen_for_measuring(floats, inputs, samples)

    def largest(network: FloatNetwork) -> dict[str, LargestStates]:
        with watch.progress("largest states in floats", chosen.count) as advance:
            return largest_states(network, as_frames(network, chosen.shown), advance)

    return Measured(largest, _MARGIN if margin is None else margin, chosen.count, where)
