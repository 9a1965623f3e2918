from itertools import product

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.verification.random_network import Features, random_network
from snn_deploy.deploy.verification.threshold_inputs import threshold_inputs, values_with_sum
from snn_deploy.network import integer_semantics
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.state_units import STATE_SHIFT


@pytest.mark.parametrize("seed", range(30))
def test_the_synapses_of_a_neuron_sum_to_what_the_connection_delivers(seed):
    network, rng = random_network(seed), np.random.default_rng(seed)
    for c in network.connections:
        source, target = network.shape_of(c.source), network.shape_of(c.target)
        values = rng.integers(0, 9, (1, *source))
        index = tuple(int(rng.integers(0, size)) for size in target)
        synapses = arriving_synapses(c, source, index)
        expected = int(integer_semantics.delivered(c, values)[0][index])
        assert sum(s.contribution * int(values[0][s.index]) for s in synapses) == expected


@pytest.mark.parametrize("seed", range(25))
def test_values_with_a_wanted_sum_are_found_exactly_where_some_exist(seed):
    rng = np.random.default_rng(seed)
    worths, largest = rng.integers(-6, 7, 4), int(rng.integers(1, 4))
    sums = {int(np.dot(worths, values)) for values in product(range(largest + 1), repeat=4)}
    for wanted in range(-30, 31):
        values = values_with_sum(worths, largest, wanted)
        assert (values is not None) == (wanted in sums), f"seed {seed}, sum {wanted}"
        if values is not None:
            assert values.max() <= largest
            assert np.dot(worths, values.astype(int)) == wanted


def test_the_first_potential_stands_at_below_and_above_the_threshold():
    found, exact = 0, 0
    for seed in range(40):
        network = random_network(seed, Features(extremes=False, delays=False))
        for t in threshold_inputs(network):
            population = next(p for p in network.populations if p.name == t.population)
            frames = np.broadcast_to(t.image, (1, 1, *t.image.shape))
            trace = integer_semantics.run(network, frames)
            assert trace.spikes[t.population][0, 0][t.index] == (t.offset == 1), f"seed {seed}: {t}"
            if t.offset < 1:
                wanted = (int(population.threshold[t.index[0]]) + t.offset) << STATE_SHIFT
                missing = wanted - int(trace.potentials[t.population][0, 0][t.index])
                assert 0 <= missing < 2**STATE_SHIFT, f"seed {seed}: {t}"
                exact += t.offset == 0 and not missing
            found += 1
    assert found > 100
    assert exact > 20


def test_a_neuron_whose_sums_skip_the_threshold_has_no_such_input():
    assert [t.offset for t in threshold_inputs(one_neuron(10, steps=1, threshold=25))] == []
    assert [t.offset for t in threshold_inputs(one_neuron(10, steps=1, threshold=29))] == [1]
    assert threshold_inputs(one_neuron(10, steps=1, fires=False)) == []
