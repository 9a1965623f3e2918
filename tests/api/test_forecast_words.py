"""What a forecast says of one value and of several."""

import numpy as np

from snn_deploy.api.forecast import Forecast


def test_one_prediction_outside_of_the_range_is_no_plural():
    series = np.array([1.0, 2.0])
    arrays = {"truth": series, "predicted": series, "one_ahead": series}
    for clipped, told in ((1, "1 prediction lay"), (2, "2 predictions lay")):
        blocks = Forecast("cpu", **arrays, mean=1.5, deviation=1.0, clipped=clipped).blocks()
        assert any(str(block).startswith(told) for block in blocks)
