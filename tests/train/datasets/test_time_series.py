"""Data set `time_series`: sets that come with aeon, and files of one's own."""

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.splits import training_and_validation
from snn_deploy.train.datasets.time_series import Dataset

pytest.importorskip("aeon")


@pytest.mark.parametrize(
    ("name", "training", "test", "classes", "lengths"),
    [
        ("JapaneseVowels", (270, 12), (370, 12), 9, (7, 29)),
        ("BasicMotions", (40, 6), (40, 6), 4, (100, 100)),
        ("GunPoint", (50, 1), (150, 1), 2, (150, 150)),
        ("ItalyPowerDemand", (67, 1), (1029, 1), 2, (24, 24)),
        ("PickupGestureWiimoteZ", (50, 1), (50, 1), 10, (29, 361)),
    ],
)
def test_the_sets_inside_aeon_have_their_published_sizes(name, training, test, classes, lengths):
    found = {split: Dataset(name).load(split) for split in ("train", "test")}
    assert (found["train"].values.shape[:2], found["test"].values.shape[:2]) == (training, test)
    assert found["train"].classes == found["test"].classes == classes
    every = np.concatenate([signals.lengths for signals in found.values()])
    assert (every.min(), every.max()) == lengths
    assert set(found["test"].labels.tolist()) == set(range(classes))
    assert len(set(found["test"].labels[: 4 * classes].tolist())) > classes / 2  # the first are of most classes


def test_a_share_of_each_class_is_held_out():
    training, validation = training_and_validation(Dataset("JapaneseVowels"), 0.1)
    assert (len(training.labels), np.bincount(validation.labels).tolist()) == (243, [3] * 9)


def arrays(rng, count):
    signals = rng.normal(size=(count, 2, 5))
    signals[0, :, 3:] = np.nan
    return signals, np.arange(count) % 2


def test_arrays_end_where_nothing_but_nan_follows(tmp_path):
    signals, labels = arrays(np.random.default_rng(0), 10)
    np.savez(tmp_path / "mine.npz", signals=signals, labels=labels)
    found = {split: Dataset(str(tmp_path / "mine.npz")).load(split) for split in ("train", "test")}
    assert (len(found["train"].labels), len(found["test"].labels)) == (8, 2)
    assert sorted(found["train"].lengths.tolist()) == [3] + [5] * 7
    assert found["train"].span.most.tolist() == found["test"].span.most.tolist()
    assert found["test"].span.most.max() < signals[np.isfinite(signals)].max() + 1e-12
    short = int(np.argmin(found["train"].lengths))
    assert np.array_equal(found["train"].values[short, :, :3], signals[0, :, :3])


def test_arrays_may_have_three_splits_and_words_as_labels(tmp_path):
    rng, table = np.random.default_rng(0), {}
    for prefix in ("train", "val", "test"):
        table[f"{prefix}_signals"] = rng.normal(size=(4, 7))
        table[f"{prefix}_labels"] = np.array(["off", "on", "off", "on"])
    np.savez(tmp_path / "mine.npz", **table)
    data = Dataset(str(tmp_path / "mine.npz"))
    assert data.has_validation
    assert data.load("validation").values.shape == (4, 1, 7)
    assert sorted(data.load("test").labels.tolist()) == [0, 0, 1, 1]


def test_a_training_file_has_its_test_file_beside_it(tmp_path):
    head = "@timestamps false\n@classLabel true 2 10\n@equalLength false\n@data\n"
    (tmp_path / "mine_TRAIN.ts").write_text(head + "1,2:10\n3:2\n")
    (tmp_path / "mine_TEST.ts").write_text(head + "5,6,7:10\n")
    data = Dataset(str(tmp_path / "mine_TRAIN.ts"))
    assert sorted(data.load("train").lengths.tolist()) == [1, 2]
    assert (data.load("test").labels.tolist(), data.load("test").classes) == ([1], 2)  # 2 before 10, as numbers
    (tmp_path / "alone.ts").write_text(head + "1,2:10\n3:2\n" * 3)
    assert len(Dataset(str(tmp_path / "alone.ts")).load("test").labels) == 1
    (tmp_path / "mine_TEST.ts").write_text(head + "5,6,7:4\n")
    with pytest.raises(UserError, match="a label '4', the training split not"):
        data.load("test")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"x": np.zeros(3)}, "it needs train_signals"),
        ({"train_signals": np.zeros((3, 4)), "train_labels": np.arange(3)}, "it needs train_signals"),
        ({"signals": np.zeros((5, 1, 2, 2)), "labels": np.arange(5)}, "allowed are numbers"),
        ({"signals": np.zeros((5, 2), "U1"), "labels": np.arange(5)}, "allowed are numbers"),
        ({"signals": np.zeros((5, 2))}, "one whole number or word"),
        ({"signals": np.zeros((5, 2)), "labels": np.zeros(5)}, "one whole number or word"),
        ({"signals": np.zeros((4, 2)), "labels": np.arange(4)}, "4 samples leave none for testing"),
        ({"signals": np.full((5, 2), np.nan), "labels": np.arange(5)}, "missing or infinite"),
        ({"signals": np.array([[1, np.nan, 2]] * 5), "labels": np.arange(5)}, "missing or infinite"),
    ],
)
def test_arrays_that_cannot_be_meant_are_one_line(tmp_path, table, expected):
    np.savez(tmp_path / "mine.npz", **table)
    with pytest.raises(UserError, match=expected):
        Dataset(str(tmp_path / "mine.npz")).load("train")


def test_a_name_that_is_none_lists_those_that_are():
    with pytest.raises(UserError, match="Did you mean 'JapaneseVowels'"):
        Dataset("JapaneseVowel").load("train")


def test_splits_of_different_channels_are_refused(tmp_path):
    table = {"train_signals": np.zeros((2, 3, 4)), "test_signals": np.zeros((2, 2, 4))}
    np.savez(tmp_path / "mine.npz", **table, train_labels=np.arange(2), test_labels=np.arange(2))
    with pytest.raises(UserError, match="3 channels for training and 2 in the test split"):
        Dataset(str(tmp_path / "mine.npz")).load("test")
