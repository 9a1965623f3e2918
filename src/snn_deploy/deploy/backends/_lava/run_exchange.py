"""Task of a job: run the folder's netx file through lava-dl's own loader and leave what it did in files.

lava-dl resets neurons between samples, but not the spikes that are under way on recurrent and delayed synapses: these
would reach the next sample, and those of neurons that fire by their bias before the first sample comes the first one.
So the run pauses where a sample begins in such a layer, and takes them away.
"""

from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.deploy.backends._lava.build import frame_source, record, record_potentials
from snn_deploy.deploy.backends._lava.execute import execute
from snn_deploy.deploy.backends._lava.files import JobFiles
from snn_deploy.deploy.backends._lava.patch_lava import stand_in_for_slayer
from snn_deploy.network.integer_network import IntegerNetwork, read_integer_network
from snn_deploy.network.layer_times import chain_schedule

stand_in_for_slayer()
from lava.lib.dl.netx import hdf5  # noqa: E402 (needs the stand-ins)

_GRADED_BITS = 8  # a graded input is uint8


def perform(folder: Path) -> None:
    """Run until the last sample has left the last layer; every layer's spikes are those of lava-dl's blocks."""
    files = JobFiles(folder)
    network = read_integer_network(files.network)
    plan, samples = chain_schedule(network), files.samples(network)
    loaded = hdf5.Network(
        net_config=str(files.exchange),
        input_message_bits=_GRADED_BITS if network.input.largest_value > 1 else 0,
        reset_interval=network.steps,
        # lava-dl counts from an input neuron, which this network has not: the first layer is one step later.
        reset_offset=1,
    )
    frames = frame_source(network, files, tuple(int(n) for n in loaded.inp.shape))
    frames.s_out.connect(loaded.inp)
    for i, layer in enumerate(loaded.layers):
        record(layer.neuron.s_out, i, network, plan, files, samples)
    if not network.output.fires:
        record_potentials(loaded.layers[-1].neuron, network, plan, files, samples)
    assert len(loaded.layers) == len(network.populations)
    pauses = _pauses(network, loaded.layers, samples)
    times = sorted(pauses)
    end = samples * network.steps + plan.depth
    stretches = np.diff([0, *times, end])
    at = iter([*times, end])

    def pause() -> None:
        for variable, first in pauses.get(next(at), ()):
            _forget(variable, first)

    execute(frames, *(int(n) for n in stretches), pause=pause)


def _pauses(network: IntegerNetwork, layers: list[Any], samples: int) -> dict[int, list[tuple[Any, int]]]:
    """Return time step -> the synapses' variables whose columns, from the one given on, hold what came before a sample.

    A layer at depth d begins sample k after time step k * steps + d, and the layer that it hears one step earlier.
    Recurrent synapses then hold what they would send in the sample's first step. Delayed ones hold it one step earlier,
    behind column 0, which is due before the sample begins.
    """
    found: dict[int, list[tuple[Any, int]]] = {}
    for depth, (population, layer) in enumerate(zip(network.populations, layers, strict=True), start=1):
        arriving = network.connections_to(population.name)
        for before in range(depth, depth + samples * network.steps, network.steps):
            if any(c.source == c.target for c in arriving):
                found.setdefault(before, []).append((layer.synapse_rec.a_buff, 0))
            elif any(c.delay for c in arriving) and before > 1:
                found.setdefault(before - 1, []).append((layer.synapse.a_buff, 1))
    return found


def _forget(variable: Any, first: int) -> None:
    """Set the columns from `first` on to 0; all of a vector is one column."""
    values = np.zeros(variable.shape, np.int32)
    if first:
        values[:, :first] = variable.get()[:, :first]
    variable.set(values)
