import sys

import numpy as np
from sklearn.datasets import load_digits

from snn_deploy.train.datasets import digits


def test_the_file_that_is_read_holds_what_scikit_learn_loads():
    for found, expected in zip(digits._digits(), load_digits(return_X_y=True), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_without_that_file_scikit_learn_loads_them(monkeypatch):
    read = digits.Dataset().load("test")
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    loaded = digits.Dataset().load("test")
    assert "sklearn.datasets" in sys.modules
    np.testing.assert_array_equal(read.inputs, loaded.inputs)
    np.testing.assert_array_equal(read.labels, loaded.labels)
    assert (loaded.inputs.dtype, loaded.labels.dtype) == (read.inputs.dtype, read.labels.dtype)
