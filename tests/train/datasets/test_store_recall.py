import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.datasets import store_recall


def test_the_value_stored_last_is_the_class_and_each_store_has_the_other_value():
    samples = store_recall.Dataset(frames=6, width=2, stores=3, samples=60).load("train")
    assert samples.inputs.shape == (60, 12, 4)
    np.testing.assert_array_equal(samples.inputs[:, ::2], samples.inputs[:, 1::2])  # a frame lasts two steps
    frames = samples.inputs[:, ::2]
    assert (frames[:, -1] == [0, 0, 0, 1]).all() and not frames[:, :-1, 3].any()
    assert (frames[:, :-1, :2].sum(axis=2) == 1).all()
    for frame, label in zip(frames, samples.labels, strict=True):
        stored = frame[frame[:, 2] == 1, 1]
        assert stored.tolist() == [label, 1 - label, label]
    with pytest.raises(UserError, match=r"data.stores 3 with data.frames 3: .* Set data.frames to 4 or more"):
        store_recall.Dataset(frames=3, stores=3).load("train")
