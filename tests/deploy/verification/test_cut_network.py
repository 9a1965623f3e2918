"""A part of a network, fed with what the rest sends it, does what it does in the whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.deploy.verification.cut_network import cut_network, first_layers
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError


@given(st.integers(0, 2**32 - 1))
def test_every_layer_alone_does_what_it_does_in_the_whole(seed):
    network = random_network(seed)
    whole = integer_semantics.run(network, as_frames(network, random_inputs(network, 2, seed)))
    for p in network.populations:
        cut = cut_network(network, {p.name})
        alone = integer_semantics.run(cut.network, as_frames(cut.network, cut.inputs(whole.spikes)))
        np.testing.assert_array_equal(alone.spikes[p.name], whole.spikes[p.name])
        np.testing.assert_array_equal(alone.potentials[p.name], whole.potentials[p.name])


@given(st.integers(0, 2**32 - 1), st.data())
def test_the_first_layers_do_what_they_do_in_the_whole(seed, data):
    network = random_network(seed)
    inputs = random_inputs(network, 2, seed)
    count = data.draw(st.integers(1, len(network.populations)))
    part, shown = first_layers(network, inputs, count)
    whole = integer_semantics.run(network, as_frames(network, inputs))
    first = integer_semantics.run(part, as_frames(part, shown))
    assert [p.name for p in part.populations] == [p.name for p in network.populations][:count]
    for p in part.populations:
        np.testing.assert_array_equal(first.spikes[p.name], whole.spikes[p.name])


def test_maps_of_unlike_sizes_a_vector_and_groups_meet_on_one_canvas():
    rng = np.random.default_rng(5)

    def weights(*shape):
        return rng.integers(-100, 128, shape)

    maps = {"large": (4, 8, 6), "small": (2, 4, 3), "vector": (5,), "map": (6, 4, 3), "out": (3,)}
    network = IntegerNetwork(
        IntegerInput("image", (1, 8, 6), 255),
        tuple(IntegerPopulation(name, shape, 150, 3000, 0, 0) for name, shape in maps.items()),
        (
            IntegerConnection("a", "image", "large", weights(4, 1, 3, 3), padding=(1, 1)),
            IntegerConnection("b", "image", "small", weights(2, 1, 2, 2), stride=(2, 2)),
            IntegerConnection("c", "image", "vector", weights(5, 48)),
            IntegerConnection("grouped", "large", "map", weights(6, 2, 3, 3), 1, (2, 2), (1, 1), groups=2),
            IntegerConnection("pooled", "large", "map", weights(6, 4, 1, 1), pool=(2, 2)),
            IntegerConnection("dilated", "small", "map", weights(6, 2, 3, 3), padding=(2, 2), dilation=(2, 2), delay=1),
            IntegerConnection("all_of_map", "map", "out", weights(3, 72)),
            IntegerConnection("of_pooled", "small", "out", weights(3, 4), pool=(2, 2)),
            IntegerConnection("of_vector", "vector", "out", weights(3, 5), delay=2),
        ),
        steps=5,
    )
    images = rng.integers(0, 256, (5, 3, 1, 8, 6)).astype(np.uint8)
    whole = integer_semantics.run(network, images)
    for name, sources, canvas in (
        ("map", ("large", "small"), (6, 8, 6)),
        ("out", ("small", "vector", "map"), (13, 4, 3)),
    ):
        cut = cut_network(network, {name})
        assert cut.sources == sources
        assert cut.network.input == IntegerInput("sources", canvas, 1)
        alone = integer_semantics.run(cut.network, cut.inputs(whole.spikes))
        np.testing.assert_array_equal(alone.potentials[name], whole.potentials[name])
        assert 0 < alone.spikes[name].mean() < 1


@pytest.mark.parametrize("count", [0, 99])
def test_more_layers_than_there_are_is_refused(count):
    network = random_network(1)
    with pytest.raises(UserError, match=rf"layers {count}; the network has {len(network.populations)}"):
        first_layers(network, random_inputs(network, 1, 1), count)


def test_images_stay_images_where_only_the_input_is_heard():
    network = next(n for n in map(random_network, range(50)) if not any(c.delay for c in n.connections))
    images = random_inputs(network, 3, 0, static=True)
    part, shown = first_layers(replace(network), images, 1)
    assert shown is images
    assert reference.run(part, shown).outputs.shape[0] == 3
