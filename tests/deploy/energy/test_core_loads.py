"""The loads that training sees are the times that latency.py counts."""

import numpy as np
import pytest

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.energy.core_events import core_events
from snn_deploy.deploy.energy.core_loads import core_loads, operations_of_a_spike
from snn_deploy.deploy.energy.core_operations import core_operations
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.running.mean_spikes import mean_of_recorded
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.core_loads import read_core_loads, write_core_loads
from snn_deploy.support.array_file import write_array_file
from snn_deploy.support.user_error import UserError

PROFILE = load_profile("loihi2")


def _placed(seed):
    network = random_network(seed)
    try:
        return network, place(network, PROFILE).placement
    except UserError:
        return network, None  # some fit on no chip


def _seconds(loads, rates):
    """Return (cores,), the time of each core in the mean step, from the rate of each neuron."""
    found = loads.idle.copy()
    for name, part in loads.spikes.items():
        np.add.at(found, part.cores, part.seconds * rates[name].ravel()[part.neurons])
    return found


def test_the_operations_of_a_spike_are_the_transposed_of_those_that_arrive():
    compared = kinds = 0
    generator = np.random.default_rng(4)
    for seed in range(60):
        network, placement = _placed(seed)
        if placement is None:
            continue
        for name, operations in core_operations(network, placement, PROFILE).items():
            shape = network.shape_of(operations.connection.source)
            spikes = generator.integers(0, 2, (3, *shape))
            matrix = operations_of_a_spike(operations, shape)
            np.testing.assert_array_equal(spikes.reshape(3, -1) @ matrix.T.toarray(), operations.of(spikes), name)
            compared += 1
            kinds += operations.connection.weights.ndim == 4 and operations.connection.stride != (1, 1)
    assert compared > 100 and kinds > 5


def test_the_loads_times_the_rates_are_the_times_of_the_cores():
    operation, active, inactive = (
        PROFILE.number(f"latency.{name}") for name in ("synaptic_op", "neuron_update_active", "neuron_update_inactive")
    )
    compared = 0
    for seed in range(150):
        network, placement = _placed(seed)
        if placement is None or any(c.delay for c in network.connections):
            continue
        inputs = random_inputs(network, 3, seed)
        simulation = cpu.run(network, as_frames(network, inputs), record=True)
        events = core_events(network, placement, [simulation.spikes], PROFILE)
        each = events.core_operations * operation + events.core_spikes * (active - inactive)
        expected = (each + events.compartments * inactive).mean(axis=(0, 1))
        mean = mean_of_recorded(simulation)
        loads = core_loads(network, placement, PROFILE, mean)
        np.testing.assert_allclose(_seconds(loads, {n: m.mean(axis=0) for n, m in mean.items()}), expected, rtol=1e-6)
        compared += 1
    assert compared > 10


def test_a_file_gives_the_same_loads_and_a_changed_one_is_refused(tmp_path):
    network, placement = next((n, p) for n, p in map(_placed, range(20)) if p is not None)
    spikes = {network.input.name: np.ones((network.steps, *network.input.shape))}
    loads = core_loads(network, placement, PROFILE, spikes)
    write_core_loads(loads, tmp_path / "loads.npz")
    found = read_core_loads(tmp_path / "loads.npz")
    assert (found.chip, found.longest, found.spikes.keys()) == (loads.chip, loads.longest, loads.spikes.keys())
    for name, part in loads.spikes.items():
        assert found.spikes[name].shape == part.shape
        for array in ("cores", "neurons", "seconds"):
            np.testing.assert_array_equal(getattr(found.spikes[name], array), getattr(part, array))
    with np.load(tmp_path / "loads.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "changed.npz", **(arrays | {"idle": arrays["idle"] * 2}))
    with pytest.raises(UserError, match="does not match its SHA-256"):
        read_core_loads(tmp_path / "changed.npz")
    header = {"chip": loads.chip, "populations": '{"a": [3]}'}
    entries = {"cores0": np.array([7]), "neurons0": np.array([1]), "seconds0": np.array([1.0])}
    write_array_file(tmp_path / "wrong.npz", "CoreLoads", 1, header, {"idle": np.zeros(7), **entries})
    with pytest.raises(UserError, match=r"an index that is not below 7.*snn-deploy map"):
        read_core_loads(tmp_path / "wrong.npz")
