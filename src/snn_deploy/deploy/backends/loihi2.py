"""Backend `loihi2`: the Lava backend's processes on Intel's chip. Written without one: nobody has run it on a chip.

Taken are networks of Lava's own LIF, Conv and Dense; what needs a process of ours is refused by name.
"""

import importlib.util

import numpy as np

from snn_deploy.deploy.backends import lava
from snn_deploy.deploy.backends._lava.stock_neurons import is_stock
from snn_deploy.deploy.running.simulation import Progress, Simulation, as_frames
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.lava_sums import misfit_of_convolution
from snn_deploy.network.layer_times import schedule
from snn_deploy.support.user_error import UserError

_TASK = "snn_deploy.deploy.backends._lava.run_on_chip"
_INTEL = "lava.utils.loihi2_profiler"  # by which Lava itself knows Intel's package (lava/utils/loihi.py)
_MISSING = (
    "Intel's package lava-loihi, which members of its Neuromorphic Research Community get, is not installed. "
    "The backend lava simulates the chip without it."
)


def why_unavailable() -> str | None:
    """Return what is missing: Lava, or Intel's package for the hardware; else None."""
    return lava.why_unavailable() or (None if importlib.util.find_spec(_INTEL) else _MISSING)


def run(
    network: IntegerNetwork, inputs: np.ndarray, *, record: bool = False, progress: Progress | None = None
) -> Simulation:
    """Return what the chip makes of `inputs` (see simulation.as_frames)."""
    reason = why_unavailable()
    if reason:
        raise UserError(reason)
    check(network)
    timeout = lava.patience(lava.expected_seconds(network, as_frames(network, inputs).shape[1]))
    return lava.run_job(_TASK, network, inputs, lambda f: None, record=record, progress=progress, timeout=timeout)


def check(network: IntegerNetwork) -> None:
    """Raise UserError where the network needs more than Lava's LIF, Conv and Dense, by name."""
    lava.check(network)
    plan = schedule(network)
    for population in network.populations:
        if not is_stock(population):
            what = "values per channel, another reset, an initial value or a threshold that adapts"
            raise _refusal(f"population {population.name!r}: {what}")
    for c in network.connections:
        if plan.slack(c) or c.delay:
            raise _refusal(f"connection {c.name!r}: spikes that wait {plan.slack(c)} steps")
        if c.weights.ndim == 4 and misfit_of_convolution(network, c):
            raise _refusal(f"connection {c.name!r}: a convolution that Lava's Conv does not hold")


def _refusal(what: str) -> UserError:
    return UserError(f"{what}, which needs a process that has no model for the chip. Use the backend lava.")
