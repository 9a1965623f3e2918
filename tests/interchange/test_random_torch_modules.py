"""Random modules of four frameworks, as their users write them: they run, they fire, and from_torch takes them."""

import numpy as np
import pytest
import torch
from helpers.double_precision import in_double
from helpers.random_torch_modules import RandomModule, firing, random_module

from snn_deploy.interchange.from_torch import from_torch
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.float_semantics import run
from snn_deploy.support.user_error import UserError

FRAMEWORKS = ["snntorch", "spikingjelly", "norse", "sinabs"]
SEEDS, FEW = 30, 3


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    """Each framework that is installed."""
    pytest.importorskip(request.param, reason=f"{request.param} is not installed (the group dev has it)")
    return request.param


def test_random_modules_fire_in_every_layer(framework):
    lively = 0
    for seed in range(SEEDS):
        random = random_module(framework, seed)
        rates = [layer.rate for layer in firing(random, random.frames(1)).values()]
        assert rates, random.description
        lively += all(0.03 <= rate <= 0.6 for rate in rates)
    assert lively >= 0.7 * SEEDS


def test_random_modules_are_taken_spike_for_spike_or_refused(framework):
    refused, compared = {}, 0
    for seed in range(SEEDS):
        random = random_module(framework, seed)
        try:
            network = from_torch(
                random.module, random.input_shape, random.steps, largest_value=random.largest_value, check=2
            )
        except UserError as error:
            refused[random.description] = None if random.expected_refusal else str(error)
            continue
        assert not random.expected_refusal, f"{random.description} is taken"
        compared += spikes_of_both(random, network)
    unexpected = {made: error for made, error in refused.items() if error}
    assert compared > 1000
    assert len(unexpected) <= FEW, unexpected


def spikes_of_both(random: RandomModule, network: FloatNetwork) -> int:
    """Return how many spikes the module sends on new inputs, in layers of which the network sends the same."""
    in_double(random.module)
    frames = random.frames(3)
    ours, sent = run(network, frames.reshape(*frames.shape[:2], *network.input.shape)).spikes, 0
    for name, layer in firing(random, frames, torch.float64).items():
        theirs = layer.spikes(random.steps)
        np.testing.assert_array_equal(ours[name].reshape(theirs.shape), theirs, f"{random.description}: {name}")
        sent += int(theirs.sum())
    return sent
