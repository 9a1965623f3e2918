from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.export.health import health
from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.rounding.limits import Limits

LIMITS = Limits(8)


def network(weights, outputs=((1.0,), (-1.0,)), steps=2):
    """Return neurons of threshold 1 without memory, one per row of `weights`, of pixels 0..1, and a silent output."""
    weights = np.asarray(weights, float)
    outputs = np.broadcast_to(np.asarray(outputs, float), (len(outputs), len(weights)))
    return FloatNetwork(
        FloatInput("input", weights.shape[1:], largest_value=1, scale=1.0),
        (
            FloatPopulation("hidden", (len(weights),), 1.0, 0.0, 0.0),
            FloatPopulation("out", (len(outputs),), 1.0, 1.0, 0.0, fires=False),
        ),
        (FloatConnection("a", "input", "hidden", weights), FloatConnection("b", "hidden", "out", outputs)),
        steps,
    )


def of(floats, inputs, limits=LIMITS, change=lambda n: n):
    export = to_integer_network(floats, limits)
    return health(
        floats,
        replace(export, network=change(export.network)),
        limits,
        np.asarray(inputs, np.uint8),
        float_semantics.run,
    )


def test_dead_and_saturated_channels_and_rates_are_counted():
    found = of(network([[2.0, 0.0], [0.5, 0.0], [0.0, 2.0]]), [[1, 1], [1, 0]])
    hidden, out = found.layers
    assert (hidden.dead, hidden.saturated, hidden.channels) == (1, 1, 3)
    assert hidden.rate == hidden.float_rate == pytest.approx((1 + 0 + 0.5) / 3)
    assert (hidden.rate_drift, hidden.spike_agreement, found.agreement) == (0, 1, 1)
    assert (out.dead, out.saturated, out.threshold_steps) == (0, 0, None)


def test_a_changed_threshold_shows_as_drift_and_as_lost_agreement():
    def deaf(integer: IntegerNetwork) -> IntegerNetwork:
        hidden = integer.populations[0]
        threshold = hidden.threshold.copy()
        threshold[0] = 2**17 - 1
        return replace(integer, populations=(replace(hidden, threshold=threshold), *integer.populations[1:]))

    floats = network([[2.0, 0.0], [0.0, 2.0]])
    apart = replace(floats.connections[1], weights=np.array([[1.0, 0.0], [0.0, 0.5]]))  # a class per neuron
    floats = replace(floats, connections=(floats.connections[0], apart))
    found = of(floats, [[1, 1], [1, 1], [1, 1], [0, 1], [0, 0]], change=deaf)
    hidden = found.layers[0]
    assert hidden.dead == 1
    assert hidden.rate_drift == pytest.approx(3 / 5)
    assert hidden.spike_agreement == pytest.approx(4 / 7)
    assert found.agreement == pytest.approx(2 / 5)


def test_fewer_bits_have_larger_weight_errors():
    floats = network(np.random.default_rng(0).normal(size=(6, 20)))
    errors = [of(floats, np.ones((1, 20)), Limits(bits)).layers[0].weight_error for bits in (8, 6, 4)]
    assert errors[0] < errors[1] < errors[2] < 0.3


def test_the_margin_and_the_bits_lost_are_those_of_the_network():
    floats = network([[2.0, -1.0]])
    export = to_integer_network(floats, LIMITS)
    hidden = of(floats, [[1, 1]]).layers[0]
    largest = max(int(export.bounds["hidden"].current.max()), int(export.bounds["hidden"].potential.max()))
    assert 2**hidden.margin_bits == pytest.approx((2**23 - 1) / largest)
    weights = abs(export.network.connections[0].weights.astype(int)).max()
    assert hidden.bits_lost == 7 - int(weights).bit_length()
    assert hidden.threshold_steps == export.network.populations[0].threshold.min()


def test_spike_trains_are_shown_step_by_step():
    floats = network([[2.0, 0.0], [0.0, 2.0]])
    frames = np.array([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])  # (steps, samples, inputs)
    found = of(floats, frames)
    assert found.samples == 2
    assert (found.layers[0].rate, found.layers[0].float_rate) == (0.25, 0.25)  # 2 spikes of 2 neurons, steps, samples
    still = of(floats, np.broadcast_to([[1, 0], [0, 1]], (2, 2, 2)))
    assert still == of(floats, [[1, 0], [0, 1]])
