from dataclasses import replace

import numpy as np
import pytest
from helpers.random_float_network import random_float_network, random_pixels
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.export.passes.graph_pass import PassOrderError
from snn_deploy.export.passes.quantize import quantize
from snn_deploy.export.to_integer_network import fold, to_integer_network
from snn_deploy.network import float_semantics, integer_semantics
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.rounding.fit import PopulationToRound, fit
from snn_deploy.rounding.limits import Limits
from snn_deploy.rounding.weight_rounding import rounded
from snn_deploy.support.user_error import UserError

seeds = st.integers(0, 2**32 - 1)


def _rows(units, weights):
    return units.reshape(-1, *[1] * (weights.ndim - 1))


def _dequantized(network, export):
    """The folded float network whose weights are exactly those of the integers."""
    connections = tuple(
        replace(c, weights=i.weights * _rows(export.fits[c.target].units, i.weights) * 2.0**i.exponent)
        for c, i in zip(network.connections, export.network.connections, strict=True)
    )
    return replace(network, connections=connections)


@given(seed=seeds, bits=st.sampled_from([8, 6, 4]), per_channel=st.booleans())
@settings(max_examples=40, deadline=None)
def test_integers_do_exactly_what_floats_with_the_same_weights_do(seed, bits, per_channel):
    rng = np.random.default_rng(seed)
    # With three steps no decay has to round (1/4 of a potential in 1/64 units), so the floats are exact as well.
    network = replace(fold(random_float_network(rng)), steps=3)
    export = to_integer_network(network, Limits(bits, per_channel))
    frames = random_pixels(rng, network)
    floats = float_semantics.run(_dequantized(network, export), frames)
    integers = integer_semantics.run(export.network, frames)
    for population in network.populations:
        np.testing.assert_array_equal(integers.spikes[population.name], floats.spikes[population.name])


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_no_state_leaves_the_proved_bounds(seed):
    rng = np.random.default_rng(seed)
    export = to_integer_network(random_float_network(rng), Limits())
    trace = integer_semantics.run(export.network, random_pixels(rng, export.network))
    for population in export.network.populations:
        bounds, potentials = export.bounds[population.name], trace.potentials[population.name]
        largest = np.abs(np.moveaxis(potentials, 2, 0).reshape(population.shape[0], -1)).max(axis=1)
        assert (largest <= bounds.potential).all()
        assert bounds.current.max() < 2**23
        assert bounds.potential.max() < 2**23


def _one_layer(weights, *, at=True, threshold=0.5, largest_value=1, steps=1):
    weights = np.asarray(weights, float)
    populations = (
        FloatPopulation("hidden", (len(weights),), np.asarray(threshold), np.asarray(0.25), np.asarray(0.0), True, at),
    )
    connections = (FloatConnection("input-hidden", "input", "hidden", weights),)
    return FloatNetwork(FloatInput("input", (weights.shape[1],), largest_value, 1.0), populations, connections, steps)


@pytest.mark.parametrize(("at", "fires"), [(True, 1), (False, 0)])
def test_a_potential_exactly_at_the_threshold_does_in_integers_what_it_does_in_floats(at, fires):
    network = _one_layer([[0.25, 0.25]], at=at)  # 0.25 + 0.25 is exactly V_th
    integer, _ = quantize(network, Limits(), {})
    frames = np.ones((1, 1, 2), np.uint8)
    assert float_semantics.run(network, frames).spikes["hidden"].item() == fires
    assert integer_semantics.run(integer, frames).spikes["hidden"].item() == fires


def test_thresholds_are_not_rounded():
    network = _one_layer([[0.3, -0.2], [0.1, 0.7]], at=False)
    integer, units = quantize(network, Limits(), {})
    assert units["hidden"].units[0] * integer.populations[0].threshold[0] == pytest.approx(0.5, rel=1e-12)


def test_a_fan_in_that_could_overflow_lowers_the_scale_instead_of_wrapping():
    network = _one_layer(np.full((1, 100), 0.5), largest_value=255)  # 100 * 127 * 255 * 64 is far above 2^23
    integer, units = quantize(network, Limits(), {})
    assert units["hidden"].lowered_by_bounds.all()
    assert 0 < integer.connections[0].weights.max() < 127
    trace = integer_semantics.run(integer, np.full((1, 1, 100), 255, np.uint8))
    assert trace.spikes["hidden"].item() == 1


def test_weights_fill_the_bits_they_are_given():
    network = _one_layer([[0.3, -0.2], [0.1, 0.7]])
    for bits, most in ((8, 127), (6, 31), (4, 7), (3, 3), (2, 1)):
        integer, _ = quantize(network, Limits(weight_bits=bits), {})
        assert 0.6 * most <= integer.connections[0].weights.max() <= most


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (_one_layer([[0.0, 0.0]]), "all weights that reach it are zero"),
        (_one_layer([[1e5, 1e5]]), "less than one step of its weights"),
        (
            replace(
                _one_layer([[0.3]]),
                populations=(FloatPopulation("hidden", (1,), np.asarray(0.5), np.asarray(0.3), np.asarray(0.0)),),
            ),
            "Train with 0.30004",
        ),
        (_one_layer([[0.3], [0.2]], threshold=[0.5, 0.6]), "thresholds differ"),
    ],
)
def test_what_cannot_be_represented_is_refused_by_name(network, expected):
    with pytest.raises(UserError, match=f"population 'hidden'.*{expected}"):
        quantize(network, Limits(), {})


def test_an_unfolded_network_is_a_mistake_of_the_program():
    with pytest.raises(PassOrderError, match="quantize needs a network that has no norms"):
        quantize(random_float_network(np.random.default_rng(1)), Limits(), {})


@given(seed=seeds, most=st.sampled_from([3, 7, 127]))
def test_rounding_keeps_the_sum_of_every_kernel_and_moves_no_weight_by_a_whole_unit(seed, most):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(-most, most, (4, 3, 3, 3))
    whole = rounded(weights, np.ones(4), -most, most)
    assert np.abs(whole).max() <= most
    assert np.abs(whole - weights).max() < 1
    at_the_edge = (np.abs(whole) == most).any(axis=(2, 3))  # where a weight could not move, a sum may be missed
    missed = np.abs(whole.sum(axis=(2, 3)) - weights.sum(axis=(2, 3))) > 0.5 + 1e-9
    assert not (missed & ~at_the_edge).any()


def test_a_kernel_that_cancels_itself_still_does_after_rounding():
    weights = np.array([0.4, 0.4, 0.4, -1.2]).reshape(1, 1, 2, 2)  # rounded one by one: 0, 0, 0, -1
    assert rounded(weights, np.ones(1), -127, 127).sum() == 0


def test_dense_weights_go_to_the_nearest_whole_number():
    assert rounded(np.array([[0.4, 0.4, 0.4, -1.2]]), np.ones(1), -127, 127).tolist() == [[0, 0, 0, -1]]


def test_a_synapse_that_is_not_there_stays_so_where_the_others_make_up_for_the_sum():
    weights = np.array([0.4, 0.0, 0.4, -1.2, 0.0, 0.0, 0.4, 0.0, 0.0]).reshape(1, 1, 3, 3)
    for kernels in (weights, -weights):
        whole = rounded(kernels, np.ones(1), -127, 127)
        assert whole.sum() == 0
        assert not whole[weights == 0].any()


def test_a_shortcut_of_two_thresholds_leaves_the_other_weights_their_resolution():
    # In one step for both, the shortcut's 127 would leave the kernels 12 at most; so it takes an exponent.
    rng = np.random.default_rng(4)
    kernels, shortcut = rng.normal(size=(4, 4, 3, 3)) / 30, np.full((4, 1, 1, 1), 1.0)
    population = FloatPopulation("hidden", (4, 5, 5), np.asarray(0.5), np.asarray(0.25), np.asarray(0.0))
    connections = (
        FloatConnection("kernels", "input", "hidden", kernels, padding=(1, 1)),
        FloatConnection("shortcut", "input", "hidden", shortcut, groups=4),
    )
    network = FloatNetwork(FloatInput("input", (4, 5, 5), 1, 1.0), (population,), connections, 4)
    integer, fits = quantize(network, Limits(), {})
    found = {c.name: c for c in integer.connections}
    assert abs(found["kernels"].weights).max() > 63
    assert found["kernels"].exponent == 0
    assert found["shortcut"].exponent >= 3
    # Two thresholds, to half a step of 2^exponent units.
    worth = found["shortcut"].weights.astype(int) << found["shortcut"].exponent
    assert abs(worth - 2 * fits["hidden"].thresholds[0]).max() <= 2 ** found["shortcut"].exponent / 2 + 1


@given(seed=seeds, bits=st.sampled_from([8, 5, 4, 3, 2]), per_channel=st.booleans())
@settings(max_examples=15)
def test_no_scale_near_the_chosen_one_is_much_better(seed, bits, per_channel):
    rng = np.random.default_rng(seed)
    network = _one_layer(rng.normal(size=(5, 40)) * rng.uniform(0.02, 0.2, (5, 1)))
    integer, fits = quantize(network, Limits(bits, per_channel), {})
    weights, most = network.connections[0].weights, 2 ** (bits - 1) - 1
    units, (c,) = fits["hidden"].units, integer.connections

    def error(units):
        exact = weights / units[:, None] / 2**c.exponent
        return ((exact - np.rint(exact).clip(-most, most)) * units[:, None]).__pow__(2).sum()

    best = min(error(units * f) for f in np.geomspace(0.5, 2, 41))
    assert error(units) <= 1.1 * best


def test_a_profile_may_limit_how_many_thresholds_a_population_has():
    rng = np.random.default_rng(5)
    network = _one_layer(rng.normal(size=(40, 20)) * rng.uniform(0.1, 4, (40, 1)))
    distinct = []
    for most in (None, 7, 2, 1):
        integer, _ = quantize(network, Limits(4, per_channel=True, distinct_thresholds=most), {})
        distinct.append(len(np.unique(integer.populations[0].threshold)))
    assert distinct[0] > 7
    assert distinct[1:] == [7, 2, 1]


@pytest.mark.parametrize(
    ("weights", "expected"), [([[0.1, 1.0]], (0, 255)), ([[-0.1, -1.0]], (-255, 0)), ([[-0.1, 1.0]], (-127, 127))]
)
def test_nine_bits_are_eight_and_one_sign_for_all(weights, expected):
    integer, _ = quantize(_one_layer(weights), Limits(9), {})
    found = integer.connections[0].weights
    assert found.dtype == (np.int8 if expected[1] == 127 else np.int16)
    assert 0.9 * 255 < abs(found).max() <= 255 or expected[1] == 127
    assert expected[0] <= found.min()
    assert found.max() <= expected[1]


@given(seed=seeds)
@settings(max_examples=25)
def test_biases_resets_and_initial_values_are_the_floats_to_half_a_state_unit(seed):
    rng = np.random.default_rng(seed)
    options = {"bias": rng.normal(size=3) / 9, "initial_value": rng.normal(size=3)}
    options |= {"reset": "subtract"} if rng.random() < 0.5 else {"reset_value": rng.normal(size=3)}
    network = _one_layer(rng.normal(size=(3, 8)), steps=3)
    network = replace(network, populations=(replace(network.populations[0], **options),))
    integer, fits = quantize(network, Limits(per_channel=bool(rng.integers(2))), {})
    (found,) = integer.populations
    assert found.reset == options.get("reset", "value")
    for name in ("bias", "reset_value", "initial_value"):
        exact = options.get(name, np.zeros(3)) / fits["hidden"].units * 64
        assert abs(getattr(found, name) - exact).max() <= 0.5


def test_a_bias_of_a_mantissa_and_an_exponent_is_rounded_to_what_they_hold():
    network = _one_layer([[0.3, -0.2]])
    network = replace(network, populations=(replace(network.populations[0], bias=np.array([0.1234])),))
    integer, fits = quantize(network, Limits(bias_mantissa=15, bias_exponent=7), {})
    exact, bias = 0.1234 / fits["hidden"].units[0] * 64, integer.populations[0].bias[0]
    exponent = next(e for e in range(8) if abs(exact) / 2**e <= 15.5)
    assert bias == round(exact / 2**exponent) << exponent
    with pytest.raises(UserError, match="no weight scale"):
        quantize(network, Limits(bias_mantissa=0), {})


@pytest.mark.parametrize("seed", range(10))
def test_biases_with_a_least_exponent_are_the_nearest_multiples(seed):
    rng = np.random.default_rng(seed)
    network = _one_layer(rng.normal(size=(3, 8)))
    network = replace(network, populations=(replace(network.populations[0], bias=rng.normal(size=3)),))
    limits = Limits(bias_mantissa=4095, bias_exponent=6, least_bias_exponent=6)
    integer, fits = quantize(network, limits, {})
    bias, exact = integer.populations[0].bias, network.populations[0].bias / fits["hidden"].units * 64
    assert (bias % 64 == 0).all()
    assert abs(bias).max() <= 4095 * 64
    assert abs(bias - exact).max() <= 32
    assert fits["hidden"].largest_rounding == pytest.approx(abs(bias - exact).max() * fits["hidden"].units[0] / 64)


@pytest.mark.parametrize("at", [True, False])
def test_a_soft_reset_in_integers_is_the_one_in_floats_where_nothing_decays(at):
    # Weights of eighths of a threshold, so that potentials stand at it again and again.
    rng = np.random.default_rng(6)
    for _ in range(20):
        network = _one_layer(rng.integers(-4, 8, (6, 5)) / 8, at=at, threshold=1.0, steps=12)
        neurons = replace(network.populations[0], reset="subtract", voltage_keep=np.ones(6))
        network = replace(network, populations=(neurons,))
        # A unit of 1/128 threshold holds eighths; more bits than are needed leave it where it is.
        integer, fits = quantize(network, Limits(8, largest_threshold=128), {})
        if not np.isclose(fits["hidden"].units * 128, 1).all():
            continue
        frames = rng.integers(0, 2, (12, 3, 5)).astype(np.uint8)
        floats = float_semantics.run(network, frames)
        assert (floats.potentials["hidden"] == 1.0).any()
        np.testing.assert_array_equal(integer_semantics.run(integer, frames).spikes["hidden"], floats.spikes["hidden"])


@pytest.mark.parametrize("seed", range(6))
def test_connections_share_an_exponent_where_they_must(seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(3, 8)), rng.normal(size=(3, 5)) * 8]
    population = PopulationToRound(
        "hidden", weights, (1, 1), np.ones(3), False, np.full(3, 4096), np.zeros(3, int), steps=4
    )
    apart, together = (fit(population, Limits(weight_bits=4, one_exponent=one)) for one in (False, True))
    assert len(set(apart.exponents)) == 2
    assert len(set(together.exponents)) == 1
    step = together.units[0] * 2.0 ** together.exponents[0]
    nearest = np.rint(weights[1] / step).clip(-7, 7)  # the larger weights decide
    assert abs(together.weights[1] - nearest).max() <= 1
    assert abs(together.weights[1]).max() >= 6
