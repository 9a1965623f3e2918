import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.small_network import frames, one_neuron

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.deploy.verification import verify as verify_module
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.deploy.verification.verify import OutputDifference, SpikeDifference, verify
from snn_deploy.support.user_error import UserError

SEED = 11


class Stub:
    """A backend that gives what the reference gives, changed by `change`."""

    def __init__(self, change):
        self.change = change

    def run(self, network, inputs, *, record=False, progress=None):
        return self.change(reference.run(network, inputs, record=record, progress=progress))


@pytest.fixture
def compare(monkeypatch):
    """(network, inputs, **changes by backend name) -> the verification of reference against those backends."""

    def comparison(network, inputs, **changes):
        backends = {"reference": reference, **{name: Stub(change) for name, change in changes.items()}}
        monkeypatch.setattr(verify_module, "load_backend", backends.__getitem__)
        return verify(network, inputs, list(backends))

    return comparison


def flipped(*places):
    """A change of the spikes at `places`: (population, step, sample, *neuron)."""

    def change(simulation: Simulation) -> Simulation:
        spikes = {name: s.copy() for name, s in simulation.spikes.items()}
        for name, *at in places:
            spikes[name][tuple(at)] ^= 1
        return replace(simulation, spikes=spikes)

    return change


@pytest.fixture
def network():
    return next(n for n in map(random_network, range(100)) if len(n.populations) >= 3 and n.steps >= 4)


@pytest.fixture
def inputs(network):
    return random_inputs(network, samples=4, seed=SEED)


def test_the_reference_and_the_cpu_backend_are_identical_on_random_networks():
    for seed in range(20):
        network = random_network(seed)
        result = verify(network, random_inputs(network, samples=3, seed=seed), ["reference", "cpu"])
        assert result.is_identical, f"seed {seed}: {result}"
        assert result.samples == 3


def test_an_identical_result_says_how_much_was_compared():
    result = verify(one_neuron(1, steps=3, voltage_keep=0), frames([1, 0, 1]), ["reference", "cpu"])
    assert str(result) == "identical: 1 sample, 2 spikes, on reference, cpu"
    report = json.loads(json.dumps(result.as_json()))
    assert set(report.pop("seconds")) == set(result.samples_per_second()) == {"reference", "cpu"}
    assert report == {
        "identical": True,
        "backends": ["reference", "cpu"],
        "samples": 1,
        "spikes": 2,
        "silent": [],
        "overflows": [],
        "differences": [],
    }


def test_one_changed_spike_is_found_wherever_it_is(compare, network, inputs):
    for population in network.populations:
        corner = tuple(size - 1 for size in population.shape)
        place = (population.name, network.steps - 1, 3, *corner)
        (difference,) = compare(network, inputs, other=flipped(place)).differences
        assert difference == SpikeDifference(
            "other", population.name, network.steps - 1, 3, corner, difference.expected, 1 - difference.expected
        )


def test_the_earliest_step_is_named_then_the_first_population_then_the_first_sample(compare, network, inputs):
    first, second = (p.name for p in network.populations[:2])
    corner = {p.name: (0,) * len(p.shape) for p in network.populations}

    def named(*places):
        (found,) = compare(network, inputs, other=flipped(*places)).differences
        return found.population, found.step, found.sample

    late = (first, 2, 0, *corner[first])
    assert named(late, (second, 1, 3, *corner[second])) == (second, 1, 3)
    assert named(late, (second, 2, 0, *corner[second])) == (first, 2, 0)
    assert named((first, 2, 3, *corner[first]), (first, 2, 1, *corner[first])) == (first, 2, 1)


def test_every_backend_that_differs_is_named(compare, network, inputs):
    place = (network.output.name, 0, 0, *(0 for _ in network.output.shape))
    result = compare(network, inputs, one=flipped(place), same=lambda s: s, two=flipped(place))
    assert [d.backend for d in result.differences] == ["one", "two"]
    assert not result.is_identical
    named = [line for line in str(result).splitlines() if not line.startswith(" ")]
    assert named[1].startswith(f"two differs from reference: population {network.output.name!r}")


def test_an_output_that_differs_alone_is_said_with_its_class_and_both_values(compare):
    network = one_neuron(3, steps=2, fires=False)

    def one_more(simulation):
        return replace(simulation, outputs=simulation.outputs + 1)

    result = compare(network, frames([1, 1]), other=one_more)
    assert result.differences == (OutputDifference("other", network.output.name, 0, 0, 384, 385),)
    assert "all spikes are equal; output of class 0, sample 0: 385 instead of 384" in str(result)
    assert result.as_json()["differences"][0]["kind"] == "output"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: replace(s, spikes=None), "backend 'other' recorded no spikes"),
        (lambda s: replace(s, spikes={"input": s.spikes["input"]}), "recorded nothing of 'out'"),
        (lambda s: replace(s, spikes={n: v[:-1] for n, v in s.spikes.items()}), r"recorded \(1, 1, 1\) of 'input'"),
        (lambda s: replace(s, outputs=np.zeros((1, 7))), r"outputs \(1, 7\) instead of \(1, 1\)"),
    ],
)
def test_a_backend_that_returns_less_is_an_error_and_not_a_success(compare, change, message):
    with pytest.raises(UserError, match=message):
        compare(one_neuron(1, steps=2), frames([1, 1]), other=change)


@pytest.mark.parametrize("backends", [[], ["cpu"], ["cpu", "cpu"]])
def test_a_comparison_needs_two_different_backends(backends):
    with pytest.raises(UserError, match="name at least two different ones"):
        verify(one_neuron(1, steps=1), frames([1]), backends)


def test_an_unknown_backend_is_said_before_anything_runs():
    with pytest.raises(UserError, match=r"no plug-in named 'cpux'. Did you mean 'cpu'"):
        verify(one_neuron(1, steps=1), frames([1]), ["reference", "cpux"])


def silent_network():
    """Return a neuron that hears 0 and 1 and needs 100, and an output that hears it."""
    network = one_neuron(1, steps=3, threshold=100)
    hidden = replace(network.populations[0], name="hidden")
    output = replace(network.populations[0], name="out", fires=False)
    connections = (replace(network.connections[0], target="hidden"), replace(network.connections[0], name="last"))
    connections = (connections[0], replace(connections[1], source="hidden"))
    return replace(network, populations=(hidden, output), connections=connections)


def test_populations_that_never_fired_are_named_where_all_is_identical(compare):
    found = compare(silent_network(), frames([0, 1, 0]), cpu=lambda s: s)
    assert found.is_identical
    assert found.silent == ("hidden",)  # the output cannot fire, so its silence says nothing
    assert str(found) == "identical, but hidden never fired: 1 sample, 0 spikes, on reference, cpu"
    assert found.as_json()["silent"] == ["hidden"]


def test_a_population_that_fired_once_is_not_called_silent(compare):
    found = compare(silent_network(), frames([0, 200, 0]), cpu=lambda s: s)
    assert found.silent == ()
    assert str(found) == "identical: 1 sample, 1 spike, on reference, cpu"


def test_states_that_left_their_bits_are_said_and_counted():
    network = one_neuron(127, exponent=2, steps=3, fires=False)
    found = verify(network, frames([255, 255, 255]), ["reference", "cpu"])
    assert str(found).splitlines()[1] == "states beyond 24 bits on 1 sample: out: 2 potentials saturated of 3"
    assert found.as_json()["overflows"] == [
        {"population": "out", "wrapped_currents": 0, "saturated_potentials": 2, "neuron_steps": 3}
    ]


def test_what_a_backend_compiles_is_not_timed(monkeypatch):
    """By a clock that only make_ready moves."""
    from snn_deploy.deploy.backends import cpu  # noqa: PLC0415

    now = [0.0]
    monkeypatch.setattr(verify_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(cpu, "make_ready", lambda network: now.append(now.pop() + 1000.0))
    found = verify(one_neuron(1, steps=1), frames([1]), ["reference", "cpu"])
    assert dict(zip(found.backends, found.seconds, strict=True))["cpu"] == 0.0
    assert now == [1000.0]
