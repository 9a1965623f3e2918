"""Rates, dead and saturated parts of a layer are counted in one way."""

import numpy as np
import pytest

from snn_deploy.network.layer_activity import LayerActivity


def test_rate_dead_and_saturated_are_shares_of_what_could_have_fired():
    found = LayerActivity(np.array([0, 5, 10, 1]), 10)
    assert found.rate == pytest.approx(16 / 40)
    assert found.dead.tolist() == [True, False, False, False]
    assert found.saturated.tolist() == [False, False, True, False]
