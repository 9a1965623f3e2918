"""What blocks need of a core: by hand, against nengo-loihi's own counts, and counted slowly, synapse by synapse."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.loops import slow_enough

from snn_deploy.deploy.mapping.checking.count_sub_lists import count_sub_lists
from snn_deploy.deploy.mapping.checking.count_synapse_bytes import count_synapse_bytes
from snn_deploy.deploy.mapping.checking.count_synapse_words import count_synapse_words, words_of_both
from snn_deploy.deploy.mapping.checking.lower_bound import lower_bound
from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.memory.chip_delays import chip_delays
from snn_deploy.deploy.mapping.memory.resources import Model, limits
from snn_deploy.deploy.mapping.memory.synapse_lists import kernel_lists
from snn_deploy.deploy.mapping.memory.weight_bits import weight_bits
from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

LOIHI = load_profile("loihi1")
LOIHI_2 = load_profile("loihi2")
GOLDEN = json.loads((Path(__file__).parent / "golden" / "nengo_loihi_blocks.json").read_text())


def one_layer(source, weights, *, population=None, **options):
    geometry = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "pool": (1, 1)} | options
    geometry = {name: geometry[name] for name in ("stride", "padding", "dilation", "pool")}
    shape = target_shape(source, weights.shape, **geometry)
    zeros = np.zeros(shape[0], int)
    out = IntegerPopulation("out", shape, zeros + 9, zeros, zeros, zeros, **(population or {}))
    connection = IntegerConnection("w", "in", "out", weights, **options)
    return IntegerNetwork(IntegerInput("in", source), (out,), (connection,), 1)


def whole(network):
    shape = network.output.shape
    return Slice("out", (0,) * len(shape), shape)


def whole_of(population):
    return Slice(population.name, (0,) * len(population.shape), population.shape)


def words(network, profile=LOIHI):
    return Model(network, profile).use(whole(network))["synapse words"]


@pytest.mark.parametrize("block", GOLDEN, ids=lambda block: "-".join(map(str, block["layer"])))
def test_a_core_stores_as_many_synapses_as_nengo_loihi_says(block):
    height, width, inputs, outputs, kernel, stride, padding, channels_last = block["layer"]
    network = one_layer(
        (inputs, height, width),
        np.ones((outputs, inputs, kernel, kernel)),
        stride=(stride, stride),
        padding=(kernel // 2,) * 2 if padding == "same" else (0, 0),
    )
    (connection,) = network.connections
    between = outputs if channels_last else 1
    lists = kernel_lists(connection, (inputs, height, width), whole(network), between, 256)
    assert sum(inputs * outputs * len(a) * len(b) * copies for (a, b), copies in lists.items()) == block["stored"]
    axons = Model(network, LOIHI).use(whole(network))["input axons"]
    unread = 23 if (height, kernel, stride) == (12, 5, 2) else 0  # nengo keeps axons for the last row and column too
    assert axons == block["in_axons"] - unread


def test_sparse_lists_are_taken_where_they_are_smaller():
    weights = np.zeros((60, 100), int)
    weights[:2] = 127
    network = one_layer((100,), weights)
    need = Model(network, LOIHI).need(whole(network))
    # By hand: two synapses an axon are 10 + 2 * (8 + 6) = 38 bits, a word; all sixty 16 + 480 = 496 bits, 8 words.
    assert (need.amounts["synapse words"], need.encodings["w"]) == (100, "sparse")
    need = Model(one_layer((100,), np.full((60, 100), 127)), LOIHI).need(whole(network))
    assert (need.amounts["synapse words"], need.encodings["w"]) == (100 * 8, "dense")


@pytest.mark.parametrize(
    ("least", "most", "bits"),
    [
        (0, 0, 1),
        (0, 1, 1),
        (-1, 0, 1),
        (-1, 1, 2),
        (-2, 1, 2),
        (-2, 2, 3),
        (0, 63, 6),
        (0, 64, 8),
        (-63, 0, 6),
        (-32, 31, 6),
        (-33, 31, 8),
        (0, 255, 8),
        (-255, 0, 8),
        (-128, 127, 8),
    ],
)
def test_weights_take_the_bits_that_hold_them(least, most, bits):
    assert weight_bits(least, most, LOIHI) == bits  # Loihi 1 has no weights of 7 bits


def test_weights_of_few_bits_take_few_words_of_their_block_alone():
    weights = np.full((40, 100), 1)
    weights[20:, 0] = -64
    network = one_layer((100,), weights)
    model = Model(network, LOIHI)
    few, many = (Slice("out", (a,), (a + 20,)) for a in (0, 20))
    # By hand: a bit each, 16 + 20 bits are a word; 64 takes 8 bits with a sign, 16 + 160 bits are three words.
    assert [model.use(part)["synapse words"] for part in (few, many)] == [100, 300]
    assert [count_synapse_words(network.connections[0], (100,), part, 0, LOIHI) for part in (few, many)] == [100, 300]
    assert len(model.need(few).distinct["synapse formats"] | model.need(many).distinct["synapse formats"]) == 2


def test_a_channel_without_weights_takes_no_memory():
    weights = np.ones((4, 8, 3, 3), int)
    weights[:, 4:] = 0
    half = one_layer((8, 6, 6), weights)
    few = one_layer((4, 6, 6), weights[:, :4])
    assert words(half) == words(few)


def test_far_positions_need_copies_of_the_kernel():
    # By hand: 1 x 1 kernel, 16 channels: neurons 16 apart, 8 x 8 positions are 1024 neurons: 4 lots of 256.
    network = one_layer((3, 8, 8), np.ones((16, 3, 1, 1)))
    lists = kernel_lists(network.connections[0], (3, 8, 8), whole(network), 16, 256)
    assert lists == {((0,), (0,)): 4}


def test_long_delays_take_slots_that_neurons_then_lack():
    # By hand (S2L s2lWrapper.py:352-359): a delay of 15 has 4 bits, 2^(13 - 4) = 512 neurons.
    def slots(delay):
        network = one_layer((2,), np.ones((512, 2)), delay=delay)
        use = Model(network, LOIHI).use(whole(network))
        return use["delay slots"], limits(LOIHI)["delay slots"][0]

    assert slots(15) == (8192, 8192)
    assert slots(7) == (4096, 8192)
    assert slots(16) == (16384, 8192)


def test_a_shortcut_waits_for_the_longer_way():
    zeros = np.zeros(2, int)
    populations = tuple(IntegerPopulation(name, (2,), zeros + 9, zeros, zeros, zeros) for name in "abc")
    pairs = (("in", "a"), ("a", "b"), ("b", "c"), ("a", "c"))
    connections = tuple(IntegerConnection(f"{s}{t}", s, t, np.ones((2, 2))) for s, t in pairs)
    network = IntegerNetwork(IntegerInput("in", (2,)), populations, connections, 1)
    assert chip_delays(network) == {"ina": 0, "ab": 0, "bc": 0, "ac": 1}


def test_different_thresholds_are_counted_once_each():
    network = one_layer((4,), np.ones((20, 4)))
    thresholds = np.arange(20) % 9 + 1
    network = replace(network, populations=(replace(network.output, threshold=thresholds),))
    assert Model(network, LOIHI).use(whole(network))["thresholds"] == 9
    assert "thresholds" not in Model(network, LOIHI_2).use(whole(network))  # no number, no limit
    cores = partition(network, LOIHI).cores
    assert len(cores) > 1
    for core in cores:
        assert len({int(t) for part in core for t in thresholds[part.start[0] : part.stop[0]]}) <= 7


def test_axons_between_chips_take_one_slot_more():
    source = one_layer((2, 4, 4), np.ones((3, 2, 3, 3)))
    (connection,) = source.connections
    assert [Model(source, LOIHI, far).slot_cost(connection) for far in (False, True)] == [2, 3]
    vector = one_layer((4,), np.ones((6, 4)))
    assert [Model(vector, LOIHI, far).slot_cost(vector.connections[0]) for far in (False, True)] == [1, 2]


@pytest.mark.parametrize("seed", slow_enough(range(25)))
def test_the_formulas_agree_with_a_count_of_single_synapses(seed):
    drawn = random_network(seed)
    rng = np.random.default_rng(seed)
    # Weights without zeros: what is zero may be left out of a count, and need not be out of a formula.
    connections = tuple(replace(c, weights=rng.integers(1, 128, c.weights.shape)) for c in drawn.connections)
    network = replace(drawn, connections=connections)
    model, delays = Model(network, LOIHI), chip_delays(network)
    for p in network.populations:
        first = Slice(p.name, (0,) * len(p.shape), tuple(-(-n // 2) for n in p.shape))
        for part in (Slice(p.name, (0,) * len(p.shape), p.shape), first):
            for c in network.connections_to(p.name):
                source = network.shape_of(c.source)
                counted = count_synapse_words(c, source, part, delays[c.name], LOIHI)
                formula = model.memories[c.name].words(part)[0]
                # Lists that only the edge of the map makes equal, or that are equal by chance, need not be known.
                assert counted <= formula <= 1.5 * counted + 4, (p.name, c.name, part)


@pytest.mark.parametrize("storage", ["margins", "sub-lists"])
@pytest.mark.parametrize("seed", slow_enough(range(25)))
def test_other_storages_agree_with_a_count_of_single_synapses(seed, storage):
    drawn = random_network(seed)
    rng = np.random.default_rng(seed)
    zeros = 0 if seed % 3 else 0.7
    weights = [
        rng.integers(1, 128, c.weights.shape) * (rng.random(c.weights.shape) >= zeros) for c in drawn.connections
    ]
    for some in weights:
        some.flat[0] = 1
    connections = tuple(replace(c, weights=w) for c, w in zip(drawn.connections, weights, strict=True))
    network = replace(drawn, connections=connections)
    model, delays = Model(network, LOIHI, storage=storage), chip_delays(network)
    for p in network.populations:
        inside = Slice(p.name, tuple(n // 3 for n in p.shape), tuple(max(n // 3 + 1, n - n // 4) for n in p.shape))
        for part in (whole_of(p), inside):
            for c in network.connections_to(p.name):
                counted = count_sub_lists(c, network.shape_of(c.source), part, delays[c.name], LOIHI, storage)
                held = model.memories[c.name].held(part)
                # The checker tries every number of channels, so it may find a way that takes less.
                assert any(words <= held.words and free <= held.free for words, free in counted), (p.name, c.name, part)
                if not zeros and c.groups == 1 and c.weights.ndim == 4:
                    fullness = [max((part.neurons + free) / 1024, words / 16383) for words, free in counted]
                    here = max((part.neurons + held.free) / 1024, held.words / 16383)
                    assert here <= 1.5 * min(fullness), (p.name, c.name, part)


def test_the_lower_bound_is_what_the_numbers_say():
    # By hand: 1024 neurons are a core; 1024 * 3136 weights of 8 bits are 401408 words of 16383: 24.5 cores.
    network = one_layer((64, 7, 7), np.full((1024, 3136), 127))
    found = lower_bound(network, LOIHI)
    assert found.by_resource == {"neurons": 1, "input axons": 1, "synapse words": 25}
    assert (found.cores, found.alone) == (25, 25)


@pytest.mark.parametrize("seed", slow_enough(range(20)))
@pytest.mark.parametrize(
    ("profile", "storage"),
    [(LOIHI, "nengo-loihi"), (LOIHI, "margins"), (LOIHI, "sub-lists"), (LOIHI_2, "nengo-loihi")],
    ids=["loihi1", "loihi1-margins", "loihi1-sub-lists", "loihi2"],
)
def test_no_mapping_is_below_the_lower_bound(seed, profile, storage):
    network = random_network(seed)
    found = partition(network, profile, storage)
    if not found.violations:
        assert len(found.cores) >= lower_bound(network, profile).cores


def test_the_lower_bound_lets_every_core_choose_its_encoding():
    # Half of the outputs are dense, half have three weights in a hundred: one encoding for all needs 8 cores or more.
    rng = np.random.default_rng(0)
    dense = rng.integers(1, 100, (512, 1024))
    sparse = rng.integers(1, 100, (512, 1024)) * (rng.random((512, 1024)) < 0.03)
    network = one_layer((1024,), np.concatenate([dense, sparse]))
    found = partition(network, LOIHI)
    assert lower_bound(network, LOIHI).cores <= len(found.cores) == 6


@pytest.mark.parametrize("storage", ["nengo-loihi", "margins", "sub-lists"])
@pytest.mark.parametrize("seed", range(20))
def test_no_mapping_of_weights_that_are_sparse_in_places_is_below_the_lower_bound(seed, storage):
    rng = np.random.default_rng(seed)
    groups = rng.choice([0.0, 0.02, 0.3, 1.0], (rng.integers(1, 5), rng.integers(1, 5)))
    if seed % 2:
        density = groups.repeat(160, axis=0).repeat(256, axis=1)
        source, geometry = (density.shape[1],), {}
    else:
        density = groups.repeat(40, axis=0).repeat(64, axis=1)[..., None, None] * np.ones((3, 3))
        source, geometry = (density.shape[1], *rng.integers(1, 7, 2).tolist()), {"padding": (1, 1)}
    largest = rng.choice([1, 3, 100], (len(density), *[1] * (density.ndim - 1)))  # of each output channel
    weights = np.where(rng.random(density.shape) < density, rng.integers(1, largest + 1, density.shape), 0)
    weights[..., ::7] *= -(seed % 2)
    weights.flat[0] = 1
    network = one_layer(source, weights, **geometry)
    found = partition(network, LOIHI, storage)
    if not found.violations:
        assert len(found.cores) >= lower_bound(network, LOIHI).cores


@pytest.mark.parametrize("seed", slow_enough(range(25)))
def test_the_bytes_of_a_block_are_those_counted_synapse_by_synapse(seed):
    network = random_network(seed)
    model, delays = Model(network, LOIHI_2), chip_delays(network)
    for core in partition(network, LOIHI_2).cores:
        for part in core:
            for c in network.connections_to(part.population):
                counted = count_synapse_bytes(c, network.shape_of(c.source), part, delays[c.name], LOIHI_2)
                formula = model.memories[c.name].bytes(part)[0]
                if c.weights.ndim == 2:
                    assert counted == formula, (c.name, part)
                else:  # elements of a kernel that only meet the padding are stored, and not counted
                    elements = np.prod(c.weights.shape[1:]) * 8 * len(c.weights)
                    assert counted <= formula <= counted + elements, (c.name, part)


def test_a_kernel_takes_the_registers_that_intel_s_compiler_gives_it():
    """conv-3 and conv-4 of PilotNet: weights -8 to 8, which take 5 bits (docs/silicon.md)."""
    for inputs, registers in ((48, 2160), (64, 2880)):
        weights = np.full((64, inputs, 3, 3), 8)
        weights[0, 0, 0, 0] = -8
        network = one_layer((inputs, 5, 5), weights)
        assert Model(network, LOIHI_2).use(whole(network))["synapse bytes"] == 8 * registers


@pytest.mark.parametrize(("synapses", "first", "behind"), [(2, 100, 100), (3, 100, 200), (4, 200, 200)])
def test_an_index_of_a_block_behind_another_counts_from_the_first_neuron_of_the_core(synapses, first, behind):
    # By hand: n synapses an axon are 10 + n * (8 + 6) bits, and with indices of ten bits 10 + n * (8 + 10). Of three,
    # these are 52 bits, a word, and 64, which with what ends a list are two.
    weights = np.zeros((60, 100), int)
    weights[:synapses] = 127
    network = one_layer((100,), weights)
    model, part = Model(network, LOIHI), whole(network)
    assert [model.need(part, is_behind=s).amounts["synapse words"] for s in (False, True)] == [first, behind]
    assert [need.amounts["synapse words"] for need in model.needs([part, part])] == [first, behind]
    assert count_synapse_words(network.connections[0], (100,), part, 0, LOIHI, on_core=1000) == behind


@pytest.mark.parametrize("seed", slow_enough(range(25)))
def test_blocks_behind_another_are_counted_with_the_indices_of_the_core(seed):
    network = random_network(seed)
    model, delays = Model(network, LOIHI), chip_delays(network)
    for p in network.populations:
        part = whole_of(p)
        connections = network.connections_to(p.name)
        both = [words_of_both(c, network.shape_of(c.source), part, delays[c.name], LOIHI, 1024) for c in connections]
        needed = model.need(part, is_behind=True).amounts["synapse words"]
        assert sum(map(min, both)) <= needed
        assert needed >= model.need(part).amounts["synapse words"]


def test_convolutions_into_one_block_number_its_neurons_alike():
    rng = np.random.default_rng(0)
    zeros = np.zeros(40, int)
    full = rng.integers(1, 100, (40, 8, 3, 3))
    sparse = full * (rng.random(full.shape) < 0.05)
    connections = tuple(
        IntegerConnection(name, "in", "out", weights, padding=(1, 1)) for name, weights in (("a", full), ("b", sparse))
    )
    neurons = IntegerPopulation("out", (40, 5, 5), zeros + 9, zeros, zeros, zeros)
    network = IntegerNetwork(IntegerInput("in", (8, 5, 5), 1), (neurons,), connections, 1)
    part, model = whole_of(neurons), Model(network, LOIHI)
    assert [model.memories[c.name].held(part).encoding for c in connections] == ["dense", "sparse"]
    need = model.need(part)
    assert len(set(need.encodings.values())) == 1
    both = [words_of_both(c, (8, 5, 5), part, 0, LOIHI) for c in connections]
    together = min(sum(dense for dense, _ in both), sum(sparse for _, sparse in both))
    assert together <= need.amounts["synapse words"] <= 1.1 * together
