"""sMAPE and mean squared error: by hand, and as NeuroBench counts them."""

import numpy as np
import pytest

from snn_deploy.network.value_errors import value_errors


def test_they_are_those_worked_out_by_hand_and_only_where_a_value_is_asked_for():
    wanted = np.array([[1.0, np.nan, 3.0], [-1.0, 0.0, np.nan]])
    found = value_errors(np.array([[1.5, 7.0, 3.0], [1.0, 0.0, 7.0]]), wanted)
    assert found.count == 4
    assert found.smape == pytest.approx(200 * (0.5 / 2.5 + 0 + 2 / 2 + 0) / 4)  # 0 for 0 is exact
    assert found.mse == pytest.approx((0.25 + 0 + 4 + 0) / 4)


def test_the_smape_is_neurobenchs():
    torch = pytest.importorskip("torch")
    workload = pytest.importorskip("neurobench.metrics.workload", reason="the group neurobench has it")
    predicted, wanted = np.random.default_rng(0).normal(size=(2, 40, 1)) + 1
    theirs = workload.SMAPE()(None, torch.from_numpy(predicted), (None, torch.from_numpy(wanted)))
    assert value_errors(predicted, wanted).smape == pytest.approx(theirs)
