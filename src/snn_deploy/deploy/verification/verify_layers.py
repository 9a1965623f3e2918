"""verify_layers: every layer by itself, fed with what its sources sent on the first backend.

A difference cannot travel: the layers that are named are those that compute something else.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from snn_deploy.deploy.running.backend import load_backend, make_ready
from snn_deploy.deploy.running.overflows import overflows
from snn_deploy.deploy.running.simulation import Progress, Simulation
from snn_deploy.deploy.verification.cut_network import cut_network
from snn_deploy.deploy.verification.verify import (
    Difference,
    Verification,
    check_backends,
    first_difference,
    operands_of,
    require_complete,
    silent_populations,
)
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError


def verify_layers(
    network: IntegerNetwork, inputs: np.ndarray, backends: Sequence[str], *, progress: Progress | None = None
) -> Verification:
    """Return what running each layer alone shows; its differences are the first of each backend and layer.

    Backends that run files make one for each layer. progress: as in verify; each layer counts.
    """
    check_backends(backends)
    loaded = {name: load_backend(name) for name in backends}
    first = backends[0]
    make_ready(loaded[first], network)
    start = time.monotonic()
    expected = loaded[first].run(network, inputs, record=True, progress=progress)
    require_complete(network, first, expected, expected)
    assert expected.spikes is not None
    seconds = dict.fromkeys(backends, 0.0) | {first: time.monotonic() - start}
    differences: list[Difference] = []
    for population in network.populations:
        cut = cut_network(network, {population.name})
        shown = cut.inputs(expected.spikes)
        alone = _of_layer(expected, cut.network, shown, network)
        for name in backends[1:]:
            make_ready(loaded[name], cut.network)
            start = time.monotonic()
            try:
                found = loaded[name].run(cut.network, shown, record=True, progress=progress)
            except UserError as error:
                raise UserError(f"layer {population.name!r} alone, on {name}: {error}") from error
            seconds[name] += time.monotonic() - start
            require_complete(cut.network, name, found, alone)
            difference = first_difference(cut.network, name, alone, found)
            if difference is not None:
                differences.append(replace(difference, population=population.name))
    spikes = sum(int(expected.spike_counts[p.name].sum()) for p in network.populations)
    operands = tuple(operands_of(network, inputs, difference) for difference in differences)
    samples = len(expected.outputs)
    return Verification(
        tuple(backends),
        samples,
        spikes,
        tuple(differences),
        operands,
        tuple(seconds[name] for name in backends),
        silent_populations(network, expected),
        overflows(network, expected),
    )


def _of_layer(expected: Simulation, cut: IntegerNetwork, shown: np.ndarray, whole: IntegerNetwork) -> Simulation:
    """Return what the only layer of `cut` did in the whole network, as a simulation of `cut`."""
    assert expected.spikes is not None
    name = cut.output.name
    spikes = expected.spikes[name]
    outputs = expected.outputs
    if name != whole.output.name:
        counts = spikes.sum(axis=0, dtype=np.int64)
        outputs = counts.reshape(len(counts), -1)
    return Simulation(outputs, {}, {}, {cut.input.name: shown, name: spikes})
