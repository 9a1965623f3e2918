import json
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from helpers.small_network import frames, one_neuron

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.verification import verify as verify_module
from snn_deploy.deploy.verification.operands import find_operands
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.deploy.verification.verify import SpikeDifference, verify
from snn_deploy.network import integer_semantics
from snn_deploy.network.state_units import STATE_SHIFT


class Wrong:
    """A backend that is the reference of another network, or with another `step`."""

    def __init__(self, network=None, step=integer_semantics.step):
        self.network, self.step = network, step

    def run(self, network, inputs, *, record=False, progress=None):
        with mock.patch.object(integer_semantics, "step", self.step):
            return reference.run(self.network or network, inputs, record=record, progress=progress)


@pytest.fixture
def compare(monkeypatch):
    def comparison(network, inputs, wrong):
        monkeypatch.setattr(verify_module, "load_backend", {"reference": reference, "wrong": wrong}.__getitem__)
        return verify(network, inputs, ["reference", "wrong"])

    return comparison


@pytest.mark.parametrize("seed", range(40))
def test_the_operands_add_up_to_what_the_reference_does(seed):
    network, rng = random_network(seed), np.random.default_rng(seed)
    inputs = random_inputs(network, samples=3, seed=seed)
    simulation = reference.run(network, inputs, record=True)
    for p in network.populations:
        step, sample = int(rng.integers(network.steps)), int(rng.integers(3))
        index = tuple(int(rng.integers(size)) for size in p.shape)
        o = find_operands(network, inputs, p.name, step, sample, index)
        assert o.total == sum(a.contribution for a in o.arrivals)
        assert (o.current - (o.total << STATE_SHIFT) - _kept(o.current_before, o.current_keep)) % 2**24 == 0
        whole = _kept(o.potential_before, o.voltage_keep) + o.current + o.bias
        assert o.potential == max(-(2**23) + 1, min(2**23 - 1, whole))
        assert o.spike == simulation.spikes[p.name][(step, sample, *index)]
        assert o.spike == (o.threshold is not None and o.potential > o.threshold)
        assert [m.step for m in o.history] == list(range(step))
        assert [m.spike for m in o.history] == simulation.spikes[p.name][(slice(step), sample, *index)].tolist()
        json.dumps(o.as_json())


def _kept(state, keep):
    return (abs(state) * keep // 4096) * (1 if state >= 0 else -1)


def test_a_machine_that_fires_at_the_threshold_is_shown_to_stand_exactly_there(compare):
    def at_threshold(population, before, arriving):
        return _step(replace(population, threshold=population.threshold - 1), before, arriving)

    _step = integer_semantics.step
    network = one_neuron(5, steps=4, threshold=10)  # 5, 10: at the threshold, 15
    result = compare(network, frames([1, 1, 1, 1]), Wrong(step=at_threshold))
    assert result.differences == (SpikeDifference("wrong", "out", 1, 0, (0,), 0, 1),)
    assert str(result).splitlines() == [
        "wrong differs from reference: population 'out', step 1, sample 0, neuron [0]: 1 instead of 0",
        "  the reference's operands there:",
        "    arriving synapses: 1, sum 5",
        "      +5 from 'input' [0] in step 1: value 1 x weight 5",
        "    current 320: 320 x 0/4096 before, and 5 x 64 arrived",
        "    potential 640: 320 x 4096/4096 before + current 320",
        "    exactly at the threshold 640: stays silent",
    ]
    operands = result.as_json()["differences"][0]["operands"]
    assert (operands["potential"], operands["threshold"], operands["spike"]) == (640, 640, 0)
    assert operands["history"] == [{"step": 0, "current": 320, "potential": 320, "left": 320, "spike": 0, "rise": 0}]


def test_a_dropped_synapse_is_among_the_arrivals_of_the_neuron_that_is_named(compare):
    found = 0
    for seed in range(30):
        network = random_network(seed)
        inputs = random_inputs(network, samples=4, seed=seed)
        c = network.connections[0]
        weights = c.weights.copy()
        place = tuple(int(i) for i in np.unravel_index(np.abs(weights).argmax(), weights.shape))
        weights[place] = 0
        wrong = replace(network, connections=(replace(c, weights=weights), *network.connections[1:]))
        result = compare(network, inputs, Wrong(network=wrong))
        spiked = [d for d in result.differences if isinstance(d, SpikeDifference)]
        if not spiked or result.differences[0] is not spiked[0] or spiked[0].population != c.target:
            continue
        (operands,) = result.operands
        earlier = [
            find_operands(network, inputs, c.target, t, result.differences[0].sample, result.differences[0].index)
            for t in range(result.differences[0].step)
        ]
        arrivals = [a for o in (*earlier, operands) for a in o.arrivals if a.connection == c.name]
        assert any(a.weight == c.weights[place] for a in arrivals), f"seed {seed}"
        found += 1
    assert found >= 8


def test_an_output_potential_that_differs_has_operands_too_and_an_input_that_differs_has_none(compare):
    network = one_neuron(3, steps=2, fires=False)
    result = compare(network, frames([1, 1]), Wrong(network=one_neuron(4, steps=2, fires=False)))
    (operands,) = result.operands
    assert (operands.potential, operands.threshold) == (384, None)

    class Deaf(Wrong):
        def run(self, network, inputs, **options):
            return super().run(network, inputs * 0, **options)

    assert compare(network, frames([1, 1]), Deaf()).operands == (None,)
    assert json.loads(json.dumps(compare(network, frames([1, 1]), Deaf()).as_json()))["differences"][0]["step"] == 0
