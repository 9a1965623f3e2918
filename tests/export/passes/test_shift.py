"""What each way with a shift claims: kept as a bias, moved into thresholds and resets, or refused."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.random_float_network import random_float_network, random_pixels
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snn_deploy.export.passes.place_shift import place_shift
from snn_deploy.export.to_integer_network import ExportOptions, fold, to_integer_network
from snn_deploy.network import float_semantics, integer_semantics
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.user_error import UserError

seeds = st.integers(0, 2**32 - 1)


def shifted_network(seed: int, size: float = 0.1) -> FloatNetwork:
    """A random network with small biases, so that some keep a positive threshold."""
    rng = np.random.default_rng(seed)
    network = random_float_network(rng)
    biased = (replace(p, bias=rng.normal(size=p.shape[0]) * size) for p in network.populations)
    return replace(network, populations=tuple(biased))


@given(seed=seeds)
@settings(max_examples=25)
def test_a_norm_with_a_shift_is_a_bias_after_folding(seed):
    rng = np.random.default_rng(seed)
    network = random_float_network(rng, shifted=True)
    folded, frames = fold(network, "bias"), random_pixels(rng, network)
    assert all(c.norm is None for c in folded.connections)
    before, after = float_semantics.run(network, frames), float_semantics.run(folded, frames)
    for p in network.populations:
        np.testing.assert_allclose(after.potentials[p.name], before.potentials[p.name], atol=1e-9)
        np.testing.assert_array_equal(after.spikes[p.name], before.spikes[p.name])


@given(seed=seeds)
@settings(max_examples=25)
def test_moved_into_thresholds_and_resets_every_spike_stays(seed):
    network = fold(shifted_network(seed), "bias")
    try:
        moved = place_shift(network)
    except UserError as refusal:
        assert "the shifted threshold would be" in str(refusal)
        assume(False)
    assert not any(p.bias.any() for p in moved.populations)
    frames = random_pixels(np.random.default_rng(seed), network)
    before, after = float_semantics.run(network, frames), float_semantics.run(moved, frames)
    for p in network.populations:
        np.testing.assert_array_equal(after.spikes[p.name], before.spikes[p.name])
    output = network.output.name
    np.testing.assert_allclose(after.potentials[output][-1], before.potentials[output][-1], atol=1e-9)


@pytest.mark.parametrize("shift", ["bias", "reset"])
@given(seed=seeds)
@settings(max_examples=15)
def test_in_integers_spikes_are_those_of_floats_with_the_same_numbers(shift, seed):
    network = replace(shifted_network(seed, 0.05), steps=2)
    try:
        export = to_integer_network(network, Limits(per_channel=True), ExportOptions(shift))
    except UserError as refusal:
        assert "the shifted threshold would be" in str(refusal)
        assume(False)
    # The floats that the integers stand for; in two steps a keep of 1/4 rounds by less than a state unit, once.
    populations, connections = [], []
    for p, q in zip(export.folded.populations, export.network.populations, strict=True):
        units = export.fits[p.name].units
        states = {n: getattr(q, n) / 64 * units for n in ("bias", "reset_value", "initial_value")}
        populations.append(replace(p, **states))
    for c, d in zip(export.folded.connections, export.network.connections, strict=True):
        units = export.fits[c.target].units.reshape(-1, *[1] * (d.weights.ndim - 1))
        connections.append(replace(c, weights=d.weights * units * 2.0**d.exponent))
    same = replace(export.folded, populations=tuple(populations), connections=tuple(connections))
    frames = random_pixels(np.random.default_rng(seed), network)
    floats, integers = float_semantics.run(same, frames), integer_semantics.run(export.network, frames)
    differing = sum(int((floats.spikes[p.name] != integers.spikes[p.name]).sum()) for p in network.populations)
    assert differing <= 0.001 * sum(floats.spikes[p.name].size for p in network.populations)


def one_neuron(**options) -> FloatNetwork:
    options = {"threshold": 0.5, "voltage_keep": 0.25, "current_keep": 0.0} | options
    neurons = FloatPopulation("out", (2,), **options)
    synapses = FloatConnection("synapses", "input", "out", np.array([[0.3], [0.2]]))
    return FloatNetwork(FloatInput("input", (1,), 1, 1.0), (neurons,), (synapses,), 6)


def test_the_change_of_variables_is_the_one_of_the_formula():
    (moved,) = place_shift(one_neuron(bias=[0.0, -0.3])).populations  # c = -0.3 / 0.75 = -0.4
    np.testing.assert_allclose(moved.threshold, [0.5, 0.9])
    np.testing.assert_allclose(moved.reset_value, [0, 0.4])
    np.testing.assert_allclose(moved.initial_value, [0, 0.4])


def test_the_bias_of_an_output_without_leak_is_there_from_the_start():
    (moved,) = place_shift(one_neuron(bias=[0.5, -1], fires=False, voltage_keep=1.0)).populations
    assert moved.initial_value.tolist() == [3.0, -6.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bias": [0, 0.4]}, r"channel 1: its bias 0.4 alone .* would be -0.0333 \(such channels: 1 of 2\)"),
        ({"bias": [0, 0.1], "voltage_keep": 1.0}, "channel 1: has a bias and no leak"),
        ({"bias": 0.1, "reset": "subtract"}, "a soft reset takes off the threshold"),
        ({"bias": 0.1, "fires": False}, "never fires and decays"),
    ],
)
def test_what_cannot_be_moved_is_refused_by_population_and_channel(options, message):
    with pytest.raises(UserError, match=f"population 'out'.*{message}"):
        place_shift(one_neuron(**options))


def test_a_populations_own_bias_is_exported_without_being_asked_for():
    export = to_integer_network(one_neuron(bias=[0.0, -0.3]), Limits())
    fit, (neurons,) = export.fits["out"], export.network.populations
    exact = neurons.bias / 64 * fit.units
    assert exact.tolist() == [0, pytest.approx(-0.3, abs=1e-3)]
    assert fit.largest_rounding == pytest.approx(abs(exact[1] + 0.3))


def test_another_way_is_refused():
    with pytest.raises(UserError, match="shift 'drop'; allowed are refuse, bias, reset"):
        fold(one_neuron(), "drop")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"current_keep": 0.5}, "'conv1' remembers its current"), ({"delay": 2}, "arrives 2 steps late")],
)
def test_a_shift_of_a_current_that_is_no_bias_of_the_potential_is_refused(change, message):
    network = random_float_network(np.random.default_rng(0), shifted=True)
    if "delay" in change:
        network = replace(network, connections=tuple(replace(c, **change) for c in network.connections))
    else:
        network = replace(network, populations=tuple(replace(p, **change) for p in network.populations))
    with pytest.raises(UserError, match=message):
        fold(network, "bias")
