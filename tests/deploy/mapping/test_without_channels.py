"""Channels that are taken out, and what that changes: nothing, where they never fire."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.mapping.without_channels import without_channels
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network import integer_semantics
from snn_deploy.network.state_units import LARGEST_THRESHOLD
from snn_deploy.support.user_error import UserError

_PLAIN = Features(groups=False, firing_output=False, extremes=False, most_populations=4)


@pytest.mark.parametrize("seed", range(40))
def test_taking_channels_that_never_fire_changes_no_other_spike_and_no_output(seed):
    network = random_network(seed, _PLAIN)
    rng = np.random.default_rng(seed)
    removed, populations = {}, []
    for p in network.populations:
        silent = rng.random(p.shape[0]) < 0.5
        silent[0] = False
        if p.name == network.output.name:
            populations.append(p)
            continue
        removed[p.name] = silent
        # A threshold that hardly a potential passes, and nothing to start from.
        threshold = np.where(silent, LARGEST_THRESHOLD, p.threshold)
        populations.append(replace(p, threshold=threshold, initial_value=np.where(silent, 0, p.initial_value)))
    whole = replace(network, populations=tuple(populations))
    frames = random_inputs(whole, 3, seed, static=False)
    before = integer_semantics.run(whole, frames)
    removed = {  # whatever they were given, those that fired stay
        n: silent & (np.moveaxis(before.spikes[n], 2, 0).reshape(len(silent), -1).sum(axis=1) == 0)
        for n, silent in removed.items()
    }
    after = integer_semantics.run(without_channels(whole, removed), frames)
    for p in whole.populations:
        kept = ~removed.get(p.name, np.zeros(p.shape[0], bool))
        np.testing.assert_array_equal(after.spikes[p.name], before.spikes[p.name][:, :, kept])
        np.testing.assert_array_equal(after.potentials[p.name], before.potentials[p.name][:, :, kept])


def test_the_output_the_last_channel_and_groups_stay():
    network = one_neuron(steps=1)
    with pytest.raises(UserError, match="all of the output's channels stay"):
        without_channels(network, {"out": np.array([False])})
    seeds = (random_network(s, replace(_PLAIN, groups=True)) for s in range(200))
    grouped, c = next((n, c) for n in seeds for c in n.connections if c.groups > 1 and c.target != n.output.name)
    with pytest.raises(UserError, match=f"connection '{c.name}' has groups"):
        without_channels(grouped, {c.target: np.arange(len(c.weights)) == 0})
    with pytest.raises(UserError, match="and one of every other"):
        without_channels(grouped, {c.target: np.ones(len(c.weights), bool)})
