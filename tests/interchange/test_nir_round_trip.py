"""What write_nir writes, read_nir reads back: the same network, and the same spikes."""

import json
from dataclasses import replace

import nir
import numpy as np
import pytest
from helpers.equal_networks import first_difference
from helpers.random_float_network import random_float_network, random_pixels, with_adaptation
from helpers.random_nir_network import random_frames, random_nir_network
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.interchange.linear.always_on import ALWAYS_ON
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.nir.statement import KEY
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.interchange.write_nir import to_nir_graph, write_nir
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.float_semantics import run
from snn_deploy.support.user_error import UserError

SEEDS = st.integers(0, 2**32 - 1)


def folded(network):
    """The network with norms in weights and biases, as a file holds them, and connection -> what its current gets."""
    shifts, constants = {p.name: p.bias for p in network.populations}, {}
    connections = []
    for c in network.connections:
        if c.norm is not None:
            (target,) = (p for p in network.populations if p.name == c.target)
            if target.current_keep.any():
                constants[c.target] = constants.get(c.target, 0) + c.norm.offset
            else:
                shifts[c.target] = shifts[c.target] + c.norm.offset
        factor = 1 if c.norm is None else c.norm.factor.reshape(-1, *[1] * (c.weights.ndim - 1))
        connections.append(replace(c, weights=c.weights * factor, norm=None))
    populations = tuple(replace(p, bias=shifts[p.name]) for p in network.populations)
    return replace(network, populations=populations, connections=tuple(connections)), constants


@settings(max_examples=150)
@given(seed=SEEDS)
def test_a_network_comes_back_the_same(tmp_path_factory, seed):
    written = random_nir_network(np.random.default_rng(seed))
    path = tmp_path_factory.mktemp("nir") / "network.nir"
    write_nir(written, path)

    again = read_nir(path)

    network, constants = folded(written)
    assert again.steps == network.steps and again.provenance == network.provenance
    assert first_difference(network.input, again.input) is None
    assert first_difference(network.populations, tuple(p for p in again.populations if p.name != ALWAYS_ON)) is None
    plain = tuple(c for c in again.connections if ALWAYS_ON not in (c.source, c.target))
    assert first_difference(network.connections, plain) is None
    found = {c.target: c.weights for c in again.connections if c.source == ALWAYS_ON != c.target}
    assert {name for name, constant in constants.items() if constant.any()} == set(found)
    for name, weights in found.items():
        channels = weights.reshape(len(weights), -1)
        np.testing.assert_array_equal(channels, np.broadcast_to(constants[name][:, None], channels.shape))


@settings(max_examples=100)
@given(seed=SEEDS)
def test_a_network_that_comes_back_fires_the_same_spikes(seed):
    rng = np.random.default_rng(seed)
    network = random_nir_network(rng)
    frames = random_frames(rng, network)
    again = read_nir(to_nir_graph(network))
    expected, found = run(network, frames), run(again, frames)
    for name, spikes in expected.spikes.items():
        np.testing.assert_array_equal(found.spikes[name], spikes)
    np.testing.assert_array_equal(found.potentials["out"], expected.potentials["out"])


@settings(max_examples=60)
@given(seed=SEEDS, shifted=st.booleans())
def test_trained_like_networks_keep_their_spikes_and_a_second_round_changes_nothing(seed, shifted):
    rng = np.random.default_rng(seed)
    network = random_float_network(rng, shifted=shifted)
    again = read_nir(to_nir_graph(network))
    frames = random_pixels(rng, network)
    expected, found = run(network, frames), run(again, frames)
    for name, spikes in expected.spikes.items():
        np.testing.assert_array_equal(found.spikes[name], spikes)
    assert first_difference(again, read_nir(to_nir_graph(again))) is None


@settings(max_examples=60)
@given(seed=SEEDS)
def test_a_second_round_changes_nothing_but_where_a_neuron_that_is_always_on_hears_zeros(seed):
    rng = np.random.default_rng(seed)
    first = read_nir(to_nir_graph(random_nir_network(rng)))
    frames = random_frames(rng, first)
    second = read_nir(to_nir_graph(first))
    expected, found = run(first, frames), run(second, frames)
    for name, spikes in expected.spikes.items():
        np.testing.assert_array_equal(found.spikes[name].reshape(spikes.shape), spikes)
    assert first_difference(second, read_nir(to_nir_graph(second))) is None


@given(seed=SEEDS)
@settings(max_examples=20)
def test_any_decay_comes_back_to_the_last_bit_but_one(seed):
    rng = np.random.default_rng(seed)
    network = small(voltage_keep=rng.random(4), current_keep=rng.random(4))
    (population, _) = read_nir(to_nir_graph(network, time_step=float(rng.uniform(1e-5, 1e-2)))).populations
    np.testing.assert_allclose(population.voltage_keep, network.populations[0].voltage_keep, rtol=0, atol=2**-50)
    np.testing.assert_allclose(population.current_keep, network.populations[0].current_keep, rtol=0, atol=2**-50)


def small(**neuron):
    fields = {"threshold": 1.0, "voltage_keep": 0.5, "current_keep": 0.0} | neuron
    populations = (
        FloatPopulation("hidden", (4,), **fields),
        FloatPopulation("out", (2,), 0.0, 1.0, 0.0, fires=False),
    )
    weights = np.arange(12).reshape(4, 3) / 8
    connections = (
        FloatConnection("a", "in", "hidden", weights),
        FloatConnection("b", "hidden", "out", weights[:2, [0, 1, 2, 0]]),
    )
    return FloatNetwork(FloatInput("in", (3,), 1, 1.0), populations, connections, 4)


def test_the_nir_package_reads_and_types_what_is_written(tmp_path):
    network = small(bias=0.25)
    write_nir(network, tmp_path / "network.nir")
    graph = nir.read(tmp_path / "network.nir")
    assert {name: type(node).__name__ for name, node in graph.nodes.items()} == {
        "in": "Input",
        "a": "Affine",
        "hidden": "LIF",
        "b": "Linear",
        "output": "Output",
    }
    np.testing.assert_array_equal(graph.nodes["a"].bias, np.full(4, 0.25))
    np.testing.assert_allclose(graph.nodes["hidden"].tau, 2e-4)


def test_two_writes_give_the_same_bytes(tmp_path):
    network = random_float_network(np.random.default_rng(5))
    for name in ("a.nir", "b.nir"):
        write_nir(network, tmp_path / name)
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


def test_a_neuron_that_fires_at_its_threshold_fires_above_the_next_smaller_number():
    graph = to_nir_graph(small(fires_at_threshold=True))
    assert (graph.nodes["hidden"].v_threshold == np.nextafter(1.0, 0)).all()
    (hidden, _) = read_nir(graph).populations
    assert hidden.fires_at_threshold and (hidden.threshold == 1).all()
    (hidden, _) = read_nir(graph, NirReading(fires_at_threshold=False)).populations
    assert not hidden.fires_at_threshold and (hidden.threshold == np.nextafter(1.0, 0)).all()


@pytest.mark.parametrize(
    ("neuron", "expected"),
    [
        ({"reset": "subtract"}, "population 'hidden': resets by subtraction"),
        ({"initial_value": 0.5}, "population 'hidden': starts at 0.5"),
        ({"voltage_keep": 1.0, "reset_value": -1.0}, "population 'hidden': starts at 0 and resets elsewhere"),
        ({"voltage_keep": [1, 0, 0, 0]}, "channels that decay and channels that do not"),
        ({"voltage_keep": 1.0, "current_keep": 0.5}, "beside a potential that never decays"),
        ({"current_keep": 1.0}, "a synaptic current that never decays"),
        ({"current_keep": 0.5, "bias": 1.0}, "'hidden' with a bias of the potential beside a synaptic current"),
        ({"fires": False}, "connection 'b' from 'hidden', which never fires"),
    ],
)
def test_what_nir_cannot_hold_is_refused_by_name_and_nothing_is_written(tmp_path, neuron, expected):
    with pytest.raises(UserError, match=expected):
        write_nir(small(**neuron), tmp_path / "network.nir")
    assert list(tmp_path.iterdir()) == []


def test_a_population_that_leads_nowhere_is_refused():
    network = small()
    aside = FloatPopulation("aside", (4,), 1.0, 0.5, 0.0)
    populations = (network.populations[0], aside, network.populations[1])
    connections = (*network.connections, FloatConnection("c", "hidden", "aside", np.eye(4)))
    with pytest.raises(UserError, match="'aside', from which nothing leads to the output"):
        to_nir_graph(replace(network, populations=populations, connections=connections))


def test_thresholds_that_adapt_are_refused_unless_the_extension_is_asked_for(tmp_path):
    rng = np.random.default_rng(4)
    network = with_adaptation(random_nir_network(rng), rng)
    path = tmp_path / "network.nir"
    with pytest.raises(UserError, match=r"its spikes raise its threshold, and no neuron of NIR.*extended=True"):
        write_nir(network, path)
    write_nir(network, path, extended=True)
    for before, after in zip(network.populations, read_nir(path).populations, strict=True):
        np.testing.assert_array_equal(after.threshold_step, before.threshold_step)
        np.testing.assert_array_equal(after.threshold_keep, before.threshold_keep)


def test_an_older_program_refuses_a_file_with_the_extension_and_reads_one_without():
    rng = np.random.default_rng(4)
    plain = random_nir_network(rng)
    for network, version in ((plain, 1), (with_adaptation(plain, rng), 2)):
        graph = to_nir_graph(network, extended=True)
        assert json.loads(graph.metadata[KEY])["version"] == version
