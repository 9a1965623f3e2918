"""The Lava backend against the integer semantics: every spike of every layer, every output, no tolerance."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.lava_help import assert_identical, lava_equals_reference, needs_lava

from snn_deploy.deploy.backends import lava, reference
from snn_deploy.deploy.backends._lava.choice import Kind, kind_of
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

pytestmark = needs_lava


def population(name, shape, threshold=0, voltage_keep=4096, current_keep=0, bias=0, fires=True, **options):
    return IntegerPopulation(name, shape, threshold, voltage_keep, current_keep, bias, fires, **options)


def synapse(target, weights, **options):
    """Return a connection from the input vector, one weight per element."""
    return IntegerConnection(f"to_{target}", "input", target, np.array([weights]), **options)


def test_lava_counts_as_the_integer_semantics_say():
    # One neuron for each rule; each listens to its own element of the input.
    neurons = (
        population("strict", (1,), threshold=10, voltage_keep=0),
        population("hard_reset", (1,), threshold=10),
        population("current_stays", (1,), threshold=10, voltage_keep=0, current_keep=2048),
        population("wraps", (1,), threshold=131071, voltage_keep=0),
        population("saturates", (1,), threshold=60000),
        population("truncates", (1,), voltage_keep=2048, fires=False),
    )
    connections = (
        synapse("strict", [1, 0, 0, 0, 0, 0, 0, 0]),
        synapse("hard_reset", [0, 1, 0, 0, 0, 0, 0, 0]),
        synapse("current_stays", [0, 0, 1, 0, 0, 0, 0, 0]),
        synapse("wraps", [0, 0, 0, 64, 0, 0, 0, 0], exponent=7),
        replace(synapse("wraps", [0, 0, 0, 0, 1, 0, 0, 0]), name="one_more"),
        synapse("saturates", [0, 0, 0, 0, 0, 125, -125, 0], exponent=5),
        synapse("truncates", [0, 0, 0, 0, 0, 0, 0, -3]),
    )
    network = IntegerNetwork(IntegerInput("input", (8,)), neurons, connections, steps=8)
    frames = np.zeros((8, 3, 8), np.uint8)
    frames[:, 0], frames[:, 2] = 255, 77  # what came before and after must not matter
    frames[:, 1, 0] = [10, 11, 10, 11, 0, 0, 0, 0]
    frames[:, 1, 1] = [200, 6, 6, 0, 0, 0, 0, 11]
    frames[:, 1, 2] = [44, 0, 0, 0, 0, 0, 0, 0]
    frames[:, 1, 3] = [16, 16, 0, 0, 0, 0, 0, 0]
    frames[:, 1, 4] = [0, 1, 0, 0, 0, 0, 0, 0]
    frames[:, 1, 5] = [0, 0, 25, 25, 0, 0, 0, 0]
    frames[:, 1, 6] = [25, 25, 0, 0, 0, 0, 0, 0]
    frames[:, 1, 7] = [1, 0, 0, 0, 0, 0, 0, 0]

    found = lava_equals_reference(network, frames)

    spikes = {name: s[:, 1, 0].tolist() for name, s in found.spikes.items()}
    assert spikes["strict"] == [0, 1, 0, 1, 0, 0, 0, 0]  # 10 is not above 10
    assert spikes["hard_reset"] == [1, 0, 1, 0, 0, 0, 0, 1]  # nothing is left of the 200
    assert spikes["current_stays"] == [1, 1, 1, 0, 0, 0, 0, 0]  # 44, 22, 11, 5: a spike leaves the current
    assert spikes["wraps"] == [1, 0, 0, 0, 0, 0, 0, 0]  # 2^17 stays, 2^17 + 1 comes back below zero
    assert spikes["saturates"] == [0, 0, 0, 1, 0, 0, 0, 0]  # the second -100,000 is cut short
    assert found.outputs[1].tolist() == [-1]  # -192 / 2^7 is -1.5, toward zero


def test_every_reset_and_initial_value_is_exact_on_lava():
    rng = np.random.default_rng(23)
    neurons = (
        population("soft", (3,), threshold=[90, 200, 40], voltage_keep=3000, reset="subtract"),
        population("soft_alone", (2,), threshold=150, bias=77, reset="subtract", initial_value=-900),
        population("below_zero", (2,), threshold=100, voltage_keep=2048, reset_value=[-2000, 3000]),
        population("starts", (2,), threshold=120, voltage_keep=1024, initial_value=[2**23 - 1, -(2**23) + 1]),
        population("out", (3,), fires=False, voltage_keep=3000, initial_value=[1, -5000, 64]),
    )
    ways = {"soft": ("input", 4, 0), "soft_alone": ("input", 4, 1), "below_zero": ("soft", 3, 0)}
    ways |= {"starts": ("soft_alone", 2, 0), "out": ("below_zero", 2, 2)}
    connections = [
        IntegerConnection(
            f"to_{p.name}",
            ways[p.name][0],
            p.name,
            rng.integers(-60, 128, (p.shape[0], ways[p.name][1])),
            delay=ways[p.name][2],
        )
        for p in neurons
    ]
    network = IntegerNetwork(IntegerInput("input", (4,), 3), neurons, tuple(connections), steps=6)
    found = lava_equals_reference(network, rng.integers(0, 4, (6, 5, 4)).astype(np.uint8))
    assert all(0 < found.spikes[p.name].mean() < 1 for p in neurons[:-1])


def test_every_kind_of_convolution_is_exact_on_lava():
    rng = np.random.default_rng(20)
    source = (4, 11, 9)

    def convolution(name, out, kernel, source_name="input", **geometry):
        groups = geometry.get("groups", 1)
        weights = rng.integers(-128, 128, (out, source[0] // groups, *kernel))
        return IntegerConnection(f"to_{name}", source_name, name, weights, **geometry)

    connections = [
        convolution("plain", 5, (3, 3), padding=(1, 1)),
        convolution("strided", 3, (3, 2), stride=(2, 3), padding=(1, 0)),
        convolution("grouped", 6, (2, 3), groups=2, exponent=2),
        convolution("depthwise", 4, (3, 3), groups=4),
        convolution("dilated", 3, (2, 3), dilation=(3, 2), padding=(2, 1)),
        convolution("pooled", 3, (3, 3), pool=(2, 3)),
        replace(
            convolution("one_sign", 2, (3, 3), pool=(2, 2), padding=(1, 1)),  # Sparse
            weights=rng.integers(200, 256, (2, 4, 3, 3)),
        ),
        convolution("pooled_with_remainder", 3, (3, 3), pool=(2, 2), padding=(1, 1)),
        convolution("pooled_and_dilated", 2, (2, 2), pool=(2, 2), dilation=(2, 1)),
    ]
    populations = []
    for c in connections:
        shape = target_shape(source, c.weights.shape, c.stride, c.padding, c.dilation, c.pool)
        thresholds = rng.integers(0, 40_000, shape[0]) if c.target != "plain" else 30_000
        populations.append(population(c.target, shape, threshold=thresholds, voltage_keep=1024))
    spikes_out = np.prod(populations[0].shape)
    populations.append(population("out", (4,), fires=False))
    connections.append(IntegerConnection("dense", "plain", "out", rng.integers(-128, 128, (4, spikes_out))))
    connections.append(
        IntegerConnection("dense_pooled", "grouped", "out", rng.integers(-128, 128, (4, 6 * 5 * 3)), pool=(2, 2))
    )
    # No weight above zero: Lava's Dense would cut the -128 off, were it not told that signs are mixed.
    connections.append(IntegerConnection("excitatory", "strided", "out", rng.integers(0, 256, (4, 3 * 6 * 3))))
    connections.append(IntegerConnection("inhibitory", "depthwise", "out", -rng.integers(0, 256, (4, 4 * 9 * 7))))
    connections.append(IntegerConnection("all_negative", "strided", "out", np.full((4, 3 * 6 * 3), -128)))
    network = IntegerNetwork(IntegerInput("input", source), tuple(populations), tuple(connections), steps=3)
    kinds = {c.name: kind_of(network, c) for c in connections}
    assert {kinds["to_plain"], kinds["to_pooled_with_remainder"], kinds["dense"]} == set(Kind)

    found = lava_equals_reference(network, rng.integers(0, 256, (3, 2, *source)).astype(np.uint8))

    assert min(found.spike_counts[p.name].sum() for p in populations[:-1]) > 0


def test_streaming_samples_through_delays_and_loops_equals_separate_runs():
    rng = np.random.default_rng(21)
    shape = (2, 4, 4)

    def between(name, source, target, kernel=3, **options):
        weights = rng.integers(-40, 90, (2, 2, kernel, kernel))
        return IntegerConnection(name, source, target, weights, padding=(kernel // 2,) * 2, **options)

    layers = tuple(
        population(name, shape, threshold=[90, 140], voltage_keep=[2048, 4096], bias=[-500, 700])
        for name in ("first", "second", "third")
    )
    output = population("out", (3,), threshold=200, voltage_keep=3000, current_keep=1000, bias=64 * 5)
    connections = (
        between("input_first", "input", "first"),
        between("first_second", "first", "second"),
        between("second_third", "second", "third"),
        between("shortcut", "first", "third", kernel=1),  # two layers shorter than the way through `second`
        between("late_shortcut", "input", "third", kernel=1, delay=2),
        between("loop", "second", "second", kernel=1, delay=1),
        between("feedback", "third", "second", delay=3),
        IntegerConnection("third_out", "third", "out", rng.integers(-128, 128, (3, 32))),
        IntegerConnection("first_out", "first", "out", rng.integers(-128, 128, (3, 32)), delay=1, exponent=1),
        IntegerConnection("out_out", "out", "out", rng.integers(-128, 128, (3, 3)), delay=1),
    )
    network = IntegerNetwork(IntegerInput("input", shape, 9), (*layers, output), connections, steps=5)
    frames = rng.integers(0, 10, (5, 4, *shape)).astype(np.uint8)

    finished = []
    together = lava.run(network, frames, record=True, progress=finished.append)
    alone = lava.run(network, frames[:, 2:3], record=True)

    assert sum(finished) == 4
    assert_identical(together, reference.run(network, frames, record=True))
    np.testing.assert_array_equal(alone.outputs, together.outputs[2:3])
    for name, spikes in alone.spikes.items():
        np.testing.assert_array_equal(spikes, together.spikes[name][:, 2:3])
    # The last steps are where something could leak from: there are spikes on every slow connection.
    assert all(together.spikes[name][-1].any() for name in ("input", "first", "second", "third", "out"))


@pytest.mark.parametrize("seed", [6, 10, 13, 36, 39])
def test_random_networks_are_identical_on_lava(seed):
    network = random_network(seed, Features())
    lava_equals_reference(network, random_inputs(network, 3, seed))


def test_one_step_samples_stream_as_well():
    network = replace(random_network(3, Features(delays=False, loops=False)), steps=1)
    lava_equals_reference(network, random_inputs(network, 5, 3, static=True))


def test_a_flipped_kernel_or_a_changed_threshold_is_seen():
    rng = np.random.default_rng(22)
    kernel = IntegerConnection("kernel", "input", "map", rng.integers(-128, 128, (2, 1, 3, 3)))
    layers = (population("map", (2, 4, 4), threshold=9_000), population("out", (2,), fires=False))
    dense = IntegerConnection("dense", "map", "out", rng.integers(-128, 128, (2, 32)))
    network = IntegerNetwork(IntegerInput("input", (1, 6, 6)), layers, (kernel, dense), steps=4)
    images = rng.integers(0, 256, (4, 1, 6, 6)).astype(np.uint8)
    flipped = replace(network, connections=(replace(kernel, weights=kernel.weights[:, :, ::-1, ::-1]), dense))
    lower = replace(network, populations=(replace(layers[0], threshold=np.array([3_000, 9_000])), layers[1]))

    found = lava_equals_reference(network, images)

    for mutated in (flipped, lower):
        with pytest.raises(AssertionError, match="first difference"):
            assert_identical(found, reference.run(mutated, images, record=True))


def test_sums_that_lava_cannot_hold_are_refused_by_name():
    large = IntegerConnection("large", "input", "out", np.full((1, 300), 127), exponent=7)
    network = IntegerNetwork(IntegerInput("input", (300,)), (population("out", (1,)),), (large,), steps=2)
    with pytest.raises(UserError, match=r"population 'out'.*1243584000.*33030144.*backend cpu"):
        lava.run(network, np.zeros((1, 300), np.uint8))


def test_no_samples_are_refused():
    network = random_network(3)
    with pytest.raises(UserError, match="no samples"):
        lava.run(network, random_inputs(network, 2, 3, static=True)[:0])
