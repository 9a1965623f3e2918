"""Passes run in a legal order only, and each does what it says."""

from itertools import permutations

import numpy as np
import pytest
from helpers.random_float_network import random_float_network, random_pixels

from snn_deploy.export.passes.absorb_average_pool import ABSORB_AVERAGE_POOL
from snn_deploy.export.passes.absorb_input_scale import ABSORB_INPUT_SCALE
from snn_deploy.export.passes.even_thresholds import EVEN_OUT_THRESHOLDS
from snn_deploy.export.passes.fold_td_batch_norm import FOLD_TD_BATCH_NORM
from snn_deploy.export.passes.graph_pass import (
    NO_NORMS,
    SUM_POOLING,
    WHOLE_INPUT,
    GraphPass,
    PassOrderError,
    apply,
    require,
)
from snn_deploy.export.passes.place_shift import PLACE_SHIFT
from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork, FloatPopulation

FOLDING = (FOLD_TD_BATCH_NORM, ABSORB_AVERAGE_POOL, ABSORB_INPUT_SCALE)


def shifted() -> FloatNetwork:
    """Two channels with a norm that has a shift, and a leak."""
    norm = ChannelNorm(np.zeros(2), np.ones(2), np.ones(2), np.array([0.01, 0.02]), 0.0)
    neurons = FloatPopulation("a", (2,), np.ones(2), np.full(2, 0.5), np.zeros(2))
    connection = FloatConnection("w", "in", "a", np.full((2, 3), 0.3), norm=norm)
    return FloatNetwork(FloatInput("in", (3,)), (neurons,), (connection,), 4)


def test_a_pass_that_runs_before_what_it_needs_is_named():
    for early in (PLACE_SHIFT, EVEN_OUT_THRESHOLDS):
        with pytest.raises(PassOrderError, match=f"{early.name} needs a network that has no norms"):
            apply((early, FOLD_TD_BATCH_NORM), shifted())


def test_a_pass_that_undoes_another_is_named():
    with pytest.raises(PassOrderError, match="place_shift undoes what even_thresholds did: the network no longer has"):
        apply((FOLD_TD_BATCH_NORM, EVEN_OUT_THRESHOLDS, PLACE_SHIFT), shifted())
    apply((FOLD_TD_BATCH_NORM, PLACE_SHIFT, EVEN_OUT_THRESHOLDS), shifted())


def test_a_pass_that_does_not_do_what_it_says_is_named():
    lazy = GraphPass(lambda network: network, establishes=(NO_NORMS,))
    with pytest.raises(PassOrderError, match="does not do what it says"):
        apply((lazy,), shifted())


def test_the_integers_are_made_of_a_folded_network_only():
    with pytest.raises(PassOrderError, match="quantize needs a network that has no norms"):
        require(shifted(), (NO_NORMS,), "quantize")


@pytest.mark.parametrize("seed", range(10))
def test_passes_that_need_nothing_of_each_other_give_the_same_network_in_every_order(seed):
    rng = np.random.default_rng(seed)
    network = random_float_network(rng, shifted=True)
    frames = random_pixels(rng, network)
    expected = float_semantics.run(network, frames)
    for order in permutations(FOLDING):
        folded = apply(order, network)
        assert all(claim.holds(folded) for claim in (NO_NORMS, SUM_POOLING, WHOLE_INPUT))
        found = float_semantics.run(folded, frames)
        for p in network.populations:
            np.testing.assert_allclose(found.potentials[p.name], expected.potentials[p.name], atol=1e-9)
