"""The networks of benchmarks/silicon.py, rebuilt from the files of those who measured or simulated them.

PilotNet is read from lava-dl's file. The traces beside it hold what Intel's software did with it, step by
step: layer k lags k + 1 steps behind the input, and a sample lasts 17 steps there.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from snn_deploy.interchange.lava_dl.reading import NetReading
from snn_deploy.interchange.read_net import read_net
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY

FRAME = "frame"  # the population that holds the frame where it lies on the chip
_TRACED_SAMPLE = 17  # steps between two resets of a layer in the traces


@dataclass(frozen=True)
class Agreement:
    """What was compared with the traces of a layer, and how much of it differs. Potentials: of neurons that are silent.

    compared: neuron-steps, over all that is recorded of the layer; differing: those with another value.
    """

    layer: str
    compared: int
    differing: int


def pilotnet(file: Path, *, frame_on_chip: bool) -> IntegerNetwork:
    """Return PilotNet from lava-dl's file, its layers with the names of the traces.

    frame_on_chip: neurons of the chip turn the frame, whole numbers (3, 66, 200), into spikes; else these, 0 or 1, are
    the input. How a frame gets to such neurons is not a connection on the chip; here it is the connection "hold".
    """
    network = read_net(file, NetReading(input_neurons=frame_on_chip))
    names = {p.name: _traced(p.name) for p in network.populations}
    connections = tuple(
        replace(
            c,
            name="hold" if names[c.target] == FRAME else f"to-{names[c.target]}",
            source=names.get(c.source, c.source),
            target=names[c.target],
        )
        for c in network.connections
    )
    return replace(
        network,
        populations=tuple(replace(p, name=names[p.name]) for p in network.populations),
        connections=connections,
    )


def _traced(name: str) -> str:
    """Return the name of a layer in the traces: conv1 is conv-0 there, dense1 is fc-0."""
    if name == "input_neurons":
        return FRAME
    kind, number = ("conv", name[4:]) if name.startswith("conv") else ("fc", name[5:])
    return f"{kind}-{int(number) - 1}"


def frame(traces: Path) -> np.ndarray:
    """Return the frame of the traces, (1, 3, 66, 200) uint8."""
    return _steps_first(np.load(traces)["image"])[None].astype(np.uint8)


def frame_spikes(traces: Path) -> np.ndarray:
    """Return the traced input, (steps, 1, 3, 66, 200) of 0 or 1."""
    return _steps_first(np.load(traces)["input"])[:, None].astype(np.uint8)


def agreement(network: IntegerNetwork, traces: Path) -> list[Agreement]:
    """Return for each layer how many traced spikes, currents and potentials differ from those of integer_semantics.

    Not compared is the last layer: its traces do not belong to the spikes that its source has in them.
    """
    recorded, frames = np.load(traces), frame_spikes(traces)
    compared = dict.fromkeys((p.name for p in network.populations[:-1]), 0)
    differing = dict(compared)
    for start in range(0, len(frames), _TRACED_SAMPLE):
        sample = frames[start : start + _TRACED_SAMPLE]
        ours = integer_semantics.run(replace(network, steps=len(sample)), sample)
        for lag, name in enumerate(compared, start=1):
            length = min(len(sample), len(frames) - start - lag)
            if length <= 0:
                continue
            seen = slice(start + lag, start + lag + length)
            spikes = _steps_first(recorded[name])[seen]
            pairs = [(ours.spikes[name], spikes, np.ones(spikes.shape, bool))]
            if f"{name}-u" in recorded:
                currents, potentials = (_steps_first(recorded[f"{name}-{what}"])[seen] for what in "uv")
                pairs.append((ours.currents[name], currents, np.ones(spikes.shape, bool)))
                pairs.append((ours.left[name], potentials, spikes == 0))  # of one that fired they hold a counter
            for mine, theirs, counts in pairs:
                compared[name] += int(counts.sum())
                differing[name] += int(((mine[:length, 0] != theirs) & counts).sum())
    return [Agreement(name, compared[name], differing[name]) for name in compared]


def _whole(values: np.ndarray) -> np.ndarray:
    whole = np.rint(values).astype(np.int64)
    if not (whole == values).all():
        raise ValueError("weights or biases that are not whole numbers")
    return whole


def _steps_first(trace: np.ndarray) -> np.ndarray:
    """Return (steps, channels, height, width) of a trace (width, height, channels, steps), or (steps, neurons)."""
    return trace.transpose()


def dvs_gesture(file: Path, steps: int) -> tuple[IntegerNetwork, np.ndarray]:
    """Return the DVS gesture network of the wheel sanafe (its dvs_challenge.npz), and its frame (1, 1, 32, 32).

    Neurons integrate without a leak and reset to 0. The frame is a bias of each input neuron: here a graded input of
    weight 1. The weights -289 to 224 need more than the 8 bits of a connection, so each layer has two: the quarters,
    which count as its synapses, and what is left of them (`rest-...`), which does not.
    """
    found = np.load(file)
    thresholds = [int(t) for t in found["thresholds"]]
    size = int(np.sqrt(len(found["inputs"])))
    source = IntegerInput("bias", (1, size, size), 255)
    populations = [_integrator("input", source.shape, thresholds[0])]
    connections = [IntegerConnection("to-input", "bias", "input", np.ones((1, 1, 1, 1), np.int64))]
    for number, threshold in enumerate(thresholds[1:], start=1):
        before, is_map = populations[-1], f"conv{number}" in found
        name = f"conv{number}" if is_map else "dense1"
        weights = _whole(found[name])
        # (rows, columns, in, out), or (in, out) with its inputs in our order: channel, row, column
        weights = weights.transpose(3, 2, 0, 1) if is_map else weights.T
        stride = (2, 2) if number == 1 else (1, 1)
        shape = (len(weights),)
        if is_map:
            shape += tuple(
                (n - k) // s + 1 for n, k, s in zip(before.shape[1:], weights.shape[2:], stride, strict=True)
            )
        populations.append(_integrator(name, shape, threshold))
        geometry = {"stride": stride} if is_map else {}
        quarters = weights >> 2
        connections.append(IntegerConnection(f"to-{name}", before.name, name, quarters, 2, **geometry))
        connections.append(IntegerConnection(f"rest-{name}", before.name, name, weights - 4 * quarters, **geometry))
    frame = _whole(found["inputs"]).reshape(1, *source.shape).astype(np.uint8)
    return IntegerNetwork(source, tuple(populations), tuple(connections), steps), frame


def _integrator(name: str, shape: tuple[int, ...], threshold: int) -> IntegerPopulation:
    zero = np.zeros(shape[0], np.int64)
    return IntegerPopulation(
        name, shape, threshold=zero + threshold, voltage_keep=zero + DECAY_UNITY, current_keep=zero, bias=zero
    )
