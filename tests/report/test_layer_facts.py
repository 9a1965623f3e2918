"""Facts of layers, against numbers worked out by hand and against the plain reference."""

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork
from snn_deploy.network.integer_network import IntegerPopulation as Population
from snn_deploy.network.state_units import STATE_SHIFT
from snn_deploy.report.layer_facts import HISTOGRAM_BINS, LayerFacts, layer_facts


def two_layers() -> IntegerNetwork:
    """Two neurons of threshold 3 without memory, one per input, and a sum of both."""
    return IntegerNetwork(
        IntegerInput("input", (2,), 1),
        (Population("hidden", (2,), 3, 0, 0, 0), Population("out", (1,), 0, 4096, 0, 0, False)),  # type: ignore[arg-type]
        (
            IntegerConnection("a", "input", "hidden", np.array([[4, 0], [0, 2]])),
            IntegerConnection("b", "hidden", "out", np.array([[5, -6]])),
        ),
        steps=2,
    )


def test_a_network_worked_out_by_hand():
    hidden, out = layer_facts(two_layers(), np.array([[1, 1], [1, 0]], np.uint8))
    assert hidden == LayerFacts(
        name="hidden",
        shape=(2,),
        fires=True,
        sources=("input",),
        rate=0.5,  # the first neuron in every step, the second never
        dead_channels=(1,),
        saturated=1,
        operations=(2 + 1) * 2 * 2 / 2,  # three pixels that are 1, two synapses each, two steps, two samples
        weights={0: 2, 2: 1, 4: 1},
        bits_used=4,
        margin_bits=pytest.approx(np.log2((2**23 - 1) / (4 * 2**STATE_SHIFT))),
        potentials=hidden.potentials,
    )
    assert (out.fires, out.rate, out.dead, out.potentials) == (False, None, None, None)
    assert out.operations == 2 * 1  # two spikes a sample, one synapse each


def test_potentials_are_counted_before_the_reset_in_thresholds():
    hidden = layer_facts(two_layers(), np.array([[1, 1]], np.uint8))[0]
    assert hidden.potentials is not None
    where = {i: n for i, n in enumerate(hidden.potentials) if n}
    bins = 1 + HISTOGRAM_BINS // 2  # the first is below the edges; then the bin that begins at 0
    assert where == {bins + int(4 / 3 * 10): 2, bins + int(2 / 3 * 10): 2}  # 4 and 2 of a threshold of 3, in two steps


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_agree_with_the_plain_reference(seed):
    network = random_network(seed)
    frames = random_inputs(network, 3, seed, static=False)
    trace = integer_semantics.run(network, frames)
    for facts, p in zip(layer_facts(network, frames), network.populations, strict=True):
        if p.fires:
            assert facts.rate == pytest.approx(trace.spikes[p.name].mean())
            channels = np.moveaxis(trace.spikes[p.name], 2, 0).reshape(p.shape[0], -1)
            assert facts.dead == (channels.sum(axis=1) == 0).sum() and not channels[list(facts.dead_channels)].any()
            assert facts.saturated == channels.all(axis=1).sum()
        if facts.potentials is not None:
            assert sum(facts.potentials) == trace.potentials[p.name].size
            above = sum(facts.potentials[1 + HISTOGRAM_BINS * 5 // 8 :])  # from the threshold on
            assert above >= trace.spikes[p.name].sum()


def test_a_threshold_of_0_has_no_potentials_in_thresholds():
    assert layer_facts(one_neuron(steps=1), np.ones((1, 1), np.uint8))[0].potentials is None
