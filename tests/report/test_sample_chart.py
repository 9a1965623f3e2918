"""The picture of one sample says what the network did with it, whatever the network."""

import base64

import numpy as np
import pytest
from helpers.random_net import random_net

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.report.sample_chart import sample_chart


def shown(network, seed, samples=3, steps=None):
    rng = np.random.default_rng(seed)
    shape = (*(() if steps is None else (steps,)), samples, *network.input.shape)
    return rng.integers(0, network.input.largest_value + 1, shape)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_of_the_first_sample_and_the_same_again(seed):
    network = random_net(seed)
    inputs = shown(network, seed, steps=network.steps if seed % 2 else None)
    first = inputs[:, :1] if seed % 2 else inputs[:1]
    chart = sample_chart(network, inputs, 0)
    ran = load_backend("reference").run(network, first, record=True)
    hidden = [p.name for p in network.populations if p.fires and p.name != network.output.name]
    assert f"is taken for class {ran.classes[0]}. " in chart.words
    assert f"It takes {sum(int(ran.spikes[name].sum()) for name in hidden):,} spikes" in chart.words
    assert base64.b64decode(chart.address.split(",")[1]).startswith(b"<?xml")
    assert sample_chart(network, inputs, 0) == chart


def test_a_silent_sample_has_a_picture():
    network = random_net(3)
    chart = sample_chart(network, np.zeros((1, *network.input.shape), np.int64), 1)
    assert "of class 1" in chart.words
