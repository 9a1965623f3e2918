"""streaming: what a backend offers that keeps a network's state from one window of a stream to the next."""

from typing import Protocol, cast

import numpy as np

from snn_deploy.deploy.running.backend import backend_names, load_backend
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.state_units import DECAY_UNITY
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError


class Streaming(Protocol):
    """A network at rest, then after the steps that it has taken: what the function `stream` of a backend returns."""

    def advance(self, frames: np.ndarray, *, record: bool = False) -> Simulation:
        """Return what the network does in the next steps, one for each of `frames`, (steps, 1, *input shape).

        Whatever the frames are divided into, the spikes are those of one run over all of them.
        """

    def clear_output(self) -> None:
        """Set the output's potentials to what they were before the first step; currents stay."""

    def to_rest(self) -> None:
        """Forget the steps so far."""


def open_stream(backend: str, network: IntegerNetwork) -> Streaming:
    """Return `network` at rest on `backend`; one that keeps no state between runs is a UserError."""
    module = load_backend(backend)
    if not hasattr(module, "stream"):
        able = [name for name in backend_names() if hasattr(load_plugin("deploy.backends", name), "stream")]
        raise UserError(f"backend {backend!r} keeps no state between windows. Choose one of {', '.join(able)}.")
    return cast(Streaming, module.stream(network))


def gathers(network: IntegerNetwork) -> bool:
    """Return whether an output sums up all that ever arrives: it never fires and some of it forgets nothing."""
    return not network.output.fires and bool((network.output.voltage_keep == DECAY_UNITY).any())
