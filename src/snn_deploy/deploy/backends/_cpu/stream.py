"""A stream on the CPU backend: runs of a few steps, each of which goes on where the one before it ended."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snn_deploy.deploy.backends._cpu.chunk import Carried, Chunk
from snn_deploy.deploy.backends._cpu.layer import Layer, compile_kernels
from snn_deploy.deploy.backends._cpu.synapses import channels_last, exact_and_single_threaded
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.network.evaluation_order import blocks
from snn_deploy.network.integer_network import IntegerNetwork


class Stream:
    """A network that goes on from where its last steps left it.

    States that leave their 24 bits are always counted: that none can is proved for the steps of a sample only.
    """

    def __init__(self, network: IntegerNetwork, layers: Mapping[str, Layer]) -> None:
        self._network, self._schedule = network, blocks(network)
        self._layers = {
            name: replace(layer, neurons=replace(layer.neurons, can_overflow=True)) for name, layer in layers.items()
        }
        for layer in self._layers.values():
            compile_kernels(layer)
        self.to_rest()
        for value in (0, network.input.largest_value):  # what a first use does takes its time before the stream begins
            self.advance(np.full((1, 1, *network.input.shape), value, np.uint8))
        self.to_rest()

    def to_rest(self) -> None:
        """Forget the steps so far."""
        states = {name: layer.at_rest(1) for name, layer in self._layers.items()}
        self._held = Carried(states, _nothing_sent(self._network))

    def advance(self, frames: np.ndarray, *, record: bool = False) -> Simulation:
        """Return what the network does in as many steps as there are `frames`, (steps, 1, *input shape)."""
        shown = np.ascontiguousarray(frames)  # a frame that is shown several times is several frames here
        with exact_and_single_threaded():
            chunk = Chunk(self._network, self._layers, shown, record=record, before=self._held)
            simulation = chunk.run(self._schedule)
        self._held = chunk.after
        return simulation

    def clear_output(self) -> None:
        """Set the output's potentials to what they were before the first step."""
        name = self._network.output.name
        current, _, rise = self._held.states[name]
        _, initial, _ = self._layers[name].at_rest(1)
        self._held = replace(self._held, states={**self._held.states, name: (current, initial, rise)})


def _nothing_sent(network: IntegerNetwork) -> dict[str, np.ndarray]:
    """Return Carried.sent of a network at rest: a frame of zeros for each step of a delay."""
    longest: dict[str, int] = {}
    for c in network.connections:
        longest[c.source] = max(longest.get(c.source, 0), c.delay)
    return {
        name: channels_last(np.zeros((delay, 1, *network.shape_of(name)), np.uint8), network.shape_of(name))
        for name, delay in longest.items()
        if delay
    }
