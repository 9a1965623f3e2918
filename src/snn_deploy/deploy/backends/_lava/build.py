"""build: an IntegerNetwork as connected Lava processes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess, LogConfig

from snn_deploy.deploy.backends._lava.files import JobFiles, lava_shape
from snn_deploy.deploy.backends._lava.neurons import neurons
from snn_deploy.deploy.backends._lava.processes.delay_line import DelayLine
from snn_deploy.deploy.backends._lava.processes.frame_source import FrameSource
from snn_deploy.deploy.backends._lava.processes.potential_recorder import PotentialRecorder
from snn_deploy.deploy.backends._lava.processes.spike_recorder import SpikeRecorder
from snn_deploy.deploy.backends._lava.synapses import synapses
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.layer_times import Schedule
from snn_deploy.network.value_reading import gives_values

# Lava tells of an error inside a process only at this level; `log_config` of the process that is run decides.
_TELL_ERRORS = LogConfig(level=logging.INFO)


@dataclass(frozen=True)
class Built:
    """The source of a network, whose run runs all processes that hang on it, and the output's neurons."""

    frames: AbstractProcess
    output: AbstractProcess


@dataclass(frozen=True)
class Chip:
    """What neuromorphic cores need that a simulation does not: a process at every way in and out of them.

    way_in: (port of the frames, largest value, whether a convolution reads it) -> port. way_out: port -> port.
    """

    way_in: Callable[[OutPort, int, bool], OutPort]
    way_out: Callable[[OutPort], OutPort]


def build(network: IntegerNetwork, plan: Schedule, files: JobFiles, samples: int, chip: Chip | None = None) -> Built:
    """Return the network as processes that write to `files` what they do.

    chip: None is the simulation. With one there are only processes that it knows, and nothing writes the potentials.
    """
    frames = frame_source(network, files, lava_shape(network.input.shape))
    layers = {p.name: neurons(p, network.steps, plan.depths[p.name]) for p in network.populations}
    ports = {network.input.name: frames.s_out} | {name: layer.s_out for name, layer in layers.items()}
    for connection in network.connections:
        process = synapses(network, connection, may_be_sparse=chip is None)
        arriving = _waited(ports[connection.source], connection, network, plan)
        if chip and connection.source == network.input.name:
            arriving = chip.way_in(arriving, network.input.largest_value, connection.weights.ndim == 4)
        _reshaped(arriving, process.s_in.shape).connect(process.s_in)
        target = layers[connection.target]
        _reshaped(process.a_out, target.a_in.shape).connect(target.a_in)
    for i, population in enumerate(network.populations):
        port = ports[population.name]
        record(chip.way_out(port) if chip else port, i, network, plan, files, samples)
    if not chip and not network.output.fires:
        record_potentials(layers[network.output.name], network, plan, files, samples)
    return Built(frames, layers[network.output.name])


def frame_source(network: IntegerNetwork, files: JobFiles, shape: tuple[int, ...]) -> FrameSource:
    """Return the process that sends the frames of the job in this shape."""
    dimensions = np.load(files.frames, mmap_mode="r").ndim
    return FrameSource(
        path=str(files.frames),
        shape=shape,
        steps=network.steps,
        is_static=dimensions == 1 + len(network.input.shape),
        log_config=_TELL_ERRORS,
    )


def record(port: OutPort, index: int, network: IntegerNetwork, plan: Schedule, files: JobFiles, samples: int) -> None:
    """Write what the population `index` sends through `port` to its file."""
    population = network.populations[index]
    recorder = SpikeRecorder(
        path=str(files.spikes(index)),
        shape=port.shape,
        depth=plan.depths[population.name],
        steps=network.steps,
        rows=samples * network.steps,
    )
    port.connect(recorder.a_in)


def record_potentials(
    layer: AbstractProcess, network: IntegerNetwork, plan: Schedule, files: JobFiles, samples: int
) -> None:
    """Write the potentials of the output's LIF process at each sample's end, or of a value after every step."""
    every = 1 if gives_values(network) else network.steps
    recorder = PotentialRecorder(
        path=str(files.potentials),
        shape=layer.v.shape,
        depth=plan.depths[network.output.name],
        every=every,
        rows=samples * network.steps // every,
    )
    recorder.state.connect_var(layer.v)


def _waited(port: OutPort, connection: IntegerConnection, network: IntegerNetwork, plan: Schedule) -> OutPort:
    """Return a port with the spikes of `port` at the time when the connection's synapses need them."""
    wait = plan.slack(connection)
    if wait == 0 and connection.delay == 0:
        return port
    line = DelayLine(
        shape=port.shape,
        wait=wait,
        delay=connection.delay,
        depth=plan.depths[connection.source],
        steps=network.steps,
    )
    port.connect(line.s_in)
    return line.s_out


def _reshaped(port: OutPort, shape: tuple[int, ...]) -> OutPort:
    return port if port.shape == shape else port.reshape(shape)
