"""SANA-FE, a simulator of another group, counts the same events on the same cores; where it differs, a comment says it.

Built from single synapses and the placement alone, so nothing here knows kernels, blocks or routes.
"""

import math
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.energy.core_events import measured_events
from snn_deploy.deploy.mapping.place import place
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

sanafe = pytest.importorskip("sanafe", reason="the simulator SANA-FE: dependency group silicon, Python 3.11")
LOIHI = load_profile("loihi1")
NEURONS = 9  # on a core: fewer than the chip allows, so that small networks take many tiles


def network(seed: int) -> IntegerNetwork:
    """Return one of three networks of integrators that reset to 0; no weight is 0."""
    rng = np.random.default_rng(seed)
    layers = ([(4, 1, 3, 3), 10], [(3, 1, 3, 3), (5, 3, 3, 3), 6], [50, 30, 4])[seed]
    populations, connections = [], []
    source, name = ((64,), "in") if seed == 2 else ((1, 9, 9), "in")
    network_input = IntegerInput(name, source, 1)
    for i, layer in enumerate(layers):
        weights = rng.choice([-3, -1, 2, 5, 9], layer if isinstance(layer, tuple) else (layer, math.prod(source)))
        geometry = {"stride": (2, 2) if seed == 0 else (1, 1)} if weights.ndim == 4 else {}
        plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "pool": (1, 1)} | geometry
        source = target_shape(source, weights.shape, **plain)
        connections.append(IntegerConnection(f"c{i}", name, f"p{i}", weights, **geometry))
        name, zero = f"p{i}", np.zeros(source[0], int)
        populations.append(IntegerPopulation(name, source, zero + 17, zero + 4096, zero, zero))
    return IntegerNetwork(network_input, tuple(populations), tuple(connections), 8)


def simulated(net, placement, frames):
    """Return SANA-FE's result with every message, all layers run to their end. The input lies on the last core."""
    arch = sanafe.load_arch(str(resources.files("sanafe.examples") / "loihi.yaml"))
    cores, groups, snn = arch.cores(), {}, sanafe.Network()
    train = frames[:, 0].reshape(len(frames), -1)
    groups["in"] = snn.create_neuron_group("in", train.shape[1], soma_hw_name="loihi_inputs[0]")
    for i, neuron in enumerate(groups["in"]):
        steps = [bool(s) for s in train[:, i]] + [False] * net.steps
        neuron.set_attributes(soma_hw_name=f"loihi_inputs[{i}]", model_attributes={"spikes": steps})
        neuron.map_to_core(cores[-1])
    for p in net.populations:
        options = {"threshold": int(p.threshold[0]), "leak_decay": 1.0, "reset_mode": "hard"}
        groups[p.name] = snn.create_neuron_group(
            p.name, math.prod(p.shape), model_attributes=options, soma_hw_name="loihi_lif"
        )
        core_of = placement.core_of(p.name, p.shape)
        for i, index in enumerate(np.ndindex(*p.shape)):
            core = placement.cores[core_of[index]]
            groups[p.name][i].map_to_core(cores[(core.tile[0] * 4 + core.tile[1]) * 4 + core.core])
    for c in net.connections:
        shape = net.shape_of(c.source)
        for i, index in enumerate(np.ndindex(*net.shape_of(c.target))):
            for synapse in arriving_synapses(c, shape, index):
                source = groups[c.source][int(np.ravel_multi_index(synapse.index, shape))]
                source.connect_to_neuron(groups[c.target][i], {"weight": float(synapse.contribution)})
    chip = sanafe.SpikingChip(arch)
    chip.load(snn)
    return chip.sim(net.steps + len(net.populations), message_trace=True)


@pytest.mark.parametrize("seed", range(3))
def test_spikes_operations_messages_and_hops_are_those_of_sana_fe(seed):
    few = replace(LOIHI.quantity("core.max_neurons"), value=NEURONS)
    # Of two blocks on a core each has its own input axon here; SANA-FE sends one message to both.
    one_block = replace(few, value=1)
    chip = replace(LOIHI, quantities={**LOIHI.quantities, "core.max_neurons": few, "core.max_blocks": one_block})
    net = network(seed)
    frames = (np.random.default_rng(seed).random((net.steps, 1, *net.input.shape)) < 0.3).astype(np.uint8)
    placement = place(net, chip).placement
    assert len({core.tile for core in placement.cores}) > 2
    events = measured_events(net, placement, frames, chip)
    ours = cpu.run(net, frames, record=True)
    found = simulated(net, placement, frames)

    assert found["neurons_fired"] == sum(int(n[0]) for n in ours.spike_counts.values())
    assert found["spikes"] == events.core_operations.sum()
    sent = [m for step in found["message_trace"] for m in step if not m["placeholder"]]
    operations = np.zeros(len(placement.cores))
    at = {(core.tile[0] * 4 + core.tile[1], core.core): i for i, core in enumerate(placement.cores)}
    for m in sent:
        operations[at[m["dest_tile_id"], m["dest_core_offset"]]] += m["spikes"]
    np.testing.assert_array_equal(operations, events.core_operations.sum(axis=(0, 1)))
    between = [m for m in sent if m["src_neuron_group_id"] != "in"]
    abroad = [
        m for m in between if (m["src_tile_id"], m["src_core_offset"]) != (m["dest_tile_id"], m["dest_core_offset"])
    ]
    assert len(abroad) == events.messages.sum()
    assert sum(m["hops"] for m in abroad) == events.hops_east_west.sum() + events.hops_north_south.sum()
    assert min(len(abroad), events.core_operations.sum(), sum(m["hops"] for m in abroad)) > 100

    # Its unit costs are the profile's fitted ones. It takes the dense cost for every synapse, and updates only neurons
    # with something to do, which our estimate does not know; its input is on the chip, and costs messages alone.
    cost = {name: chip.number(f"energy.fitted.{name}") for name in chip.section("energy.fitted")}
    energy, inputs = found["energy"], int(ours.spike_counts["in"][0])
    assert energy["synapse"] == pytest.approx(events.core_operations.sum() * cost["synaptic_op_dense"])
    steps, neurons = net.steps + len(net.populations), sum(math.prod(p.shape) for p in net.populations)
    fired, updated = found["neurons_fired"] - inputs, found["neurons_updated"] - inputs
    assert updated <= neurons * steps
    assert energy["soma"] == pytest.approx(
        neurons * steps * cost["neuron_access"] + updated * cost["neuron_update"] + fired * cost["spike_out"]
    )
    rows, columns = (sum(abs(m[f"src_{axis}"] - m[f"dest_{axis}"]) for m in sent) for axis in "yx")
    ways = columns * cost["hop_east_west"] + rows * cost["hop_north_south"]
    assert energy["network"] == pytest.approx(len(sent) * cost["axon_out_message"] + ways)
