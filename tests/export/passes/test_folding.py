import numpy as np
import pytest
from helpers.random_float_network import random_float_network, random_pixels
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.export.passes.absorb_average_pool import absorb_average_pool
from snn_deploy.export.passes.absorb_input_scale import absorb_input_scale
from snn_deploy.export.passes.fold_td_batch_norm import fold_td_batch_norm
from snn_deploy.export.to_integer_network import fold
from snn_deploy.network import float_semantics
from snn_deploy.support.user_error import UserError

seeds = st.integers(0, 2**32 - 1)


def _compare(network, changed, frames):
    before, after = float_semantics.run(network, frames), float_semantics.run(changed, frames)
    for population in network.populations:
        # Potentials agree to rounding; a spike may differ only where a potential stands at its threshold.
        np.testing.assert_allclose(after.potentials[population.name], before.potentials[population.name], atol=1e-9)
        np.testing.assert_array_equal(after.spikes[population.name], before.spikes[population.name])


@pytest.mark.parametrize("one_pass", [fold_td_batch_norm, absorb_average_pool, absorb_input_scale, fold])
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_each_pass_keeps_potentials_and_spikes(one_pass, seed):
    rng = np.random.default_rng(seed)
    network = random_float_network(rng, rich=bool(rng.integers(2)))
    _compare(network, one_pass(network), random_pixels(rng, network))


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_folding_leaves_nothing_to_fold_and_the_original_as_it_was(seed):
    network = random_float_network(np.random.default_rng(seed))
    weights = [c.weights.copy() for c in network.connections]
    folded = fold(network)
    assert all(c.norm is None and c.pool_mode == "sum" for c in folded.connections)
    assert folded.input.scale == 1.0
    assert any(c.norm for c in network.connections)
    assert all((c.weights == w).all() for c, w in zip(network.connections, weights, strict=True))


def test_a_norm_with_a_shift_is_refused_with_the_reason_and_the_way_out():
    network = random_float_network(np.random.default_rng(0), shifted=True)
    with pytest.raises(UserError, match=r"shifts \d+ of \d+ channels.*bias-free.*centered_tdbn"):
        fold(network)
