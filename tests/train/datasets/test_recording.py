"""The data set `recording` shows what was recorded, in order, and says what a file lacks."""

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.datasets.recording import Dataset

LABELS = np.array([2, 0, 1])


def saved(path, **arrays):
    np.savez(path, **arrays)
    return Dataset(str(path))


@pytest.mark.parametrize("shape", [(6,), (2, 4, 5)])
def test_frames_and_images_come_in_as_they_were_recorded(tmp_path, shape):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 2, (7, 3, *shape)).astype(np.float32)
    samples = saved(tmp_path / "a.npz", inputs=frames, labels=LABELS, layer=frames).load("test")
    assert samples.is_sequence and samples.shape == shape and samples.steps == 7
    assert (samples.largest_value, samples.classes) == (1, 3)
    np.testing.assert_array_equal(samples.shown, frames)
    images = rng.integers(0, 256, (3, *shape))
    samples = saved(tmp_path / "b.npz", inputs=images, labels=LABELS).load("train")
    assert not samples.is_sequence and samples.largest_value == 255 and samples.scale == 1 / 255
    np.testing.assert_array_equal(samples.shown, images)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": None}, "no array 'labels' among inputs"),
        ({"inputs": None}, "no array 'inputs' among labels"),
        ({"labels": LABELS - 1}, r"labels \(3,\) of int64; allowed are whole numbers from 0"),
        ({"labels": np.arange(4)}, r"inputs of the shape \(7, 3, 6\) for 4 labels"),
        ({"inputs": np.full((7, 3, 6), 0.5)}, "inputs of float64; allowed are whole numbers"),
        ({"inputs": np.full((7, 3, 6), 300)}, "inputs up to 300; allowed are whole numbers"),
    ],
)
def test_what_a_file_lacks_is_named(tmp_path, change, match):
    arrays = {"inputs": np.zeros((7, 3, 6)), "labels": LABELS} | change
    with pytest.raises(UserError, match=match):
        saved(tmp_path / "a.npz", **{n: v for n, v in arrays.items() if v is not None}).load("test")


def test_a_missing_file_says_how_to_give_one(tmp_path):
    with pytest.raises(UserError, match=r"no such file\. Give the \.npz of a recording"):
        Dataset(str(tmp_path / "none.npz")).load("test")
