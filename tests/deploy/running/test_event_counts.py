"""Synaptic operations, counted against the plain meaning of a synapse."""

import numpy as np
from helpers.small_network import frames, one_neuron
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.running.event_counts import multiply_accumulates
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network.connection_arithmetic import pooled_shape, transmit
from snn_deploy.network.fan_out import fan_out
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork

seeds = st.integers(0, 2**32 - 1)


def synapses(connection: IntegerConnection, shape: tuple[int, ...]) -> np.ndarray:
    """Return (source neurons, target neurons): the number of synapses between each two, one neuron at a time."""
    one_hot = np.eye(int(np.prod(shape)), dtype=np.int64).reshape(-1, *shape)
    currents = transmit(
        one_hot,
        np.ones_like(connection.weights, np.int64),
        stride=connection.stride,
        padding=connection.padding,
        dilation=connection.dilation,
        groups=connection.groups,
        pool=connection.pool,
    )
    return currents.reshape(len(one_hot), -1)


@given(seed=seeds)
@settings(max_examples=100)
def test_the_fan_out_of_a_neuron_is_the_number_of_its_synapses(seed):
    network = random_network(seed, Features(extremes=False))
    for connection in network.connections:
        shape = network.shape_of(connection.source)
        expected = synapses(connection, shape).sum(axis=1).reshape(shape)
        np.testing.assert_array_equal(fan_out(connection, shape), expected, err_msg=connection.name)


@given(seed=seeds)
@settings(max_examples=50)
def test_the_multiply_accumulates_are_the_synapses_of_the_pooled_source(seed):
    network = random_network(seed, Features(extremes=False))
    counts = multiply_accumulates(network)
    for connection in network.connections:
        pooled = pooled_shape(network.shape_of(connection.source), connection.pool)
        unpooled = IntegerConnection(
            "plain",
            "a",
            "b",
            connection.weights,
            stride=connection.stride,
            padding=connection.padding,
            dilation=connection.dilation,
            groups=connection.groups,
        )
        assert counts[connection.name] == synapses(unpooled, pooled).sum()


@given(seed=seeds)
@settings(max_examples=50)
def test_synaptic_operations_are_spikes_times_synapses(seed):
    network = random_network(seed)
    simulation = reference.run(network, random_inputs(network, samples=2, seed=seed), record=True)
    assert simulation.spikes is not None
    for c in network.connections:
        fans = synapses(c, network.shape_of(c.source)).sum(axis=1)
        spikes = simulation.spikes[c.source] != 0
        expected = (spikes.reshape(network.steps, 2, -1) * fans).sum(axis=(0, 2))
        np.testing.assert_array_equal(simulation.synaptic_operations[c.name], expected, err_msg=c.name)


def test_a_graded_value_is_one_operation_per_synapse_and_step_however_large():
    simulation = reference.run(one_neuron(1, steps=4, inputs=3), frames([255, 1, 0, 7], 3))
    assert simulation.synaptic_operations["synapse"].tolist() == [9]
    assert simulation.spike_counts["input"].tolist() == [9]


def test_a_synapse_of_weight_zero_is_counted():
    network: IntegerNetwork = one_neuron(0, steps=2)
    assert reference.run(network, frames([1, 1])).synaptic_operations["synapse"].tolist() == [2]
