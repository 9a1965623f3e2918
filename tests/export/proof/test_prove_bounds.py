from dataclasses import replace

import numpy as np
from helpers.small_network import frames, one_neuron
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.export.proof.prove_bounds import prove_bounds
from snn_deploy.export.proof.worst_input import worst_input
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerNetwork

LIMIT = 2**23 - 1


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_no_potential_of_a_random_network_leaves_its_bounds(seed):
    network = random_network(seed, Features(extremes=False))
    bounds = prove_bounds(network)
    trace = integer_semantics.run(network, random_inputs(network, 2, seed, static=False))
    for p in network.populations:
        found = bounds[p.name]
        if max(found.current.max(), found.potential.max()) > LIMIT:
            continue  # wrapping and saturating, which the bounds are there to exclude
        per_channel = (-1, *[1] * (len(p.shape) - 1))
        assert (np.abs(trace.potentials[p.name]) <= found.potential.reshape(per_channel)).all()
        assert (np.abs(trace.currents[p.name]) <= found.current.reshape(per_channel)).all()


def test_the_bounds_are_reached():
    for steps in (1, 2, 5):
        for options in ({}, {"bias": -7}, {"voltage_keep": 2048}, {"current_keep": 1000}, {"initial_value": -65}):
            network = one_neuron(-3, steps=steps, fires=False, **options)
            trace = integer_semantics.run(network, frames([255] * steps))
            assert prove_bounds(network)["out"].potential.item() == np.abs(trace.potentials["out"]).max()


def test_what_a_reset_leaves_is_in_the_bounds():
    network = one_neuron(5, steps=9, threshold=6)
    network = replace(network, input=replace(network.input, largest_value=1))
    (hard,) = network.populations
    # At most 6 is left, and 5 comes. What a soft reset leaves is at most 5. From -20 nothing may come.
    for options, largest in (({}, 11), ({"reset": "subtract"}, 11), ({"reset_value": [-20 * 64]}, 20)):
        found = prove_bounds(replace(network, populations=(replace(hard, **options),)))["out"].potential.item()
        assert found == largest * 64


@given(seed=st.integers(0, 2**32 - 1), highest=st.booleans())
@settings(max_examples=60)
def test_the_worst_input_is_worse_for_its_neuron_than_any_other(seed, highest):
    features = Features(extremes=False, loops=False, joins=False, delays=False, most_populations=1)
    network = random_network(seed, features)
    (neurons,) = network.populations
    silent = replace(neurons, fires=False, reset="value", bias=np.zeros(()), initial_value=np.zeros(()))
    network = IntegerNetwork(network.input, (silent,), network.connections, network.steps)
    assume((prove_bounds(network)[neurons.name].current <= LIMIT).all())  # beyond, a current wraps
    rng = np.random.default_rng(seed)
    index = tuple(int(rng.integers(size)) for size in neurons.shape)
    (values,) = worst_input(network, neurons.name, index, highest=highest).values()

    def reached(images):
        frames = np.broadcast_to(images, (network.steps, *images.shape))
        return integer_semantics.run(network, frames).potentials[neurons.name][-1][(slice(None), *index)]

    others = random_inputs(network, 5, seed, static=True)
    assert (
        (reached(values[None]) >= reached(others)).all()
        if highest
        else (reached(values[None]) <= reached(others)).all()
    )
    channel = index[0]
    both = [reached(worst_input(network, neurons.name, index, highest=h)["input"][None])[0] for h in (True, False)]
    bound = prove_bounds(network)[neurons.name].potential[channel]
    assert max(abs(v) for v in both) <= bound
    if network.connections[0].weights.ndim == 2:  # at the edge of a map, a kernel sees zeros
        assert max(abs(v) for v in both) == min(bound, LIMIT)
