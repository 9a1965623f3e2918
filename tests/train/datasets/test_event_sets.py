"""N-MNIST and DVS Gesture from small files in their own formats, read by tonic; nothing is downloaded."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.datasets import cifar10_dvs, dvs_gesture, nmnist

pytest.importorskip("tonic")


def nmnist_bytes(x, y, t, p):
    """Forty bits an event: x, y, polarity and 23 bits of microseconds (Orchard et al. 2015)."""
    rows = [
        [a, b, (c << 7) | (when >> 16), (when >> 8) & 255, when & 255] for a, b, when, c in zip(x, y, t, p, strict=True)
    ]
    return bytes(np.array(rows, np.uint8).ravel())


def test_nmnist(tmp_path):
    for split, count in (("Train", 3), ("Test", 2)):
        for label in range(2):
            folder = tmp_path / "NMNIST" / split / str(label)
            folder.mkdir(parents=True)
            for i in range(count):
                (folder / f"{i:05}.bin").write_bytes(nmnist_bytes([label, 33], [5, 33], [10, 300_000], [1, 0]))
    dataset = nmnist.Dataset(str(tmp_path), steps=4)
    training, test = dataset.load("train"), dataset.load("test")
    assert training.inputs.shape == (6, 4, 2, 34, 34)
    assert sorted(test.labels.tolist()) == [0, 0, 1, 1]
    for frames, label in zip(training.inputs, training.labels, strict=True):
        assert np.argwhere(frames).tolist() == [[0, 1, 5, label], [3, 0, 33, 33]]


def test_dvs_gesture(tmp_path):
    for split in ("ibmGestureTrain", "ibmGestureTest"):
        folder = tmp_path / "DVSGesture" / split / "user01_fluorescent"
        folder.mkdir(parents=True)
        for label in range(3):
            np.save(folder / f"{label}.npy", np.array([[0, 0, 1, 5.0], [127, 64, 0, 50.0], [127, 64, 0, 90.0]]))
    found = dvs_gesture.Dataset(str(tmp_path), steps=2, size=64, values="counts").load("test")
    assert found.inputs.shape == (3, 2, 2, 64, 64)
    assert (found.classes, found.largest_value) == (11, 255)
    assert [[*place, found.inputs[0][tuple(place)]] for place in np.argwhere(found.inputs[0])] == [
        [0, 1, 0, 0, 1],
        [1, 0, 32, 63, 2],
    ]


@pytest.mark.parametrize(
    ("kind", "name"), [(nmnist, "NMNIST"), (dvs_gesture, "DVSGesture"), (cifar10_dvs, "CIFAR10DVS")]
)
def test_what_is_not_there_is_said_with_the_next_step(kind, name, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=f"data {name}: no .* files in .*data.download=true"):
        kind.Dataset(str(tmp_path)).load("train")
    monkeypatch.setitem(sys.modules, "tonic", None)
    with pytest.raises(UserError, match=r"pip install 'snn-deploy\[events\]'"):
        kind.Dataset(str(tmp_path)).load("train")


def test_cifar10_dvs_is_read_from_the_cameras_own_files(tmp_path):
    for label in ("airplane", "cat"):
        (tmp_path / "CIFAR10DVS" / label).mkdir(parents=True)
        for i in range(10):
            shutil.copy(
                Path(__file__).parents[1] / "data" / "moving_dot.aedat4",
                tmp_path / "CIFAR10DVS" / label / f"cifar10_{label}_{i}.aedat4",
            )
    dataset = cifar10_dvs.Dataset(str(tmp_path), steps=5, size=0, values="counts")
    training, test = dataset.load("train"), dataset.load("test")
    assert (len(training.labels), len(test.labels)) == (18, 2)
    assert sorted(set(test.labels.tolist())) == [0, 3]
    assert training.inputs.shape == (18, 5, 2, 128, 128)
    assert training.inputs.reshape(18, -1).sum(axis=1).tolist() == [60] * 18


def test_a_recording_that_is_none_is_named(tmp_path):
    folder = tmp_path / "CIFAR10DVS" / "cat"
    folder.mkdir(parents=True)
    for i in range(10):
        (folder / f"cifar10_cat_{i}.aedat4").write_bytes(b"#!AER-DAT4.0\r\nnot flatbuffers")
    with pytest.raises(UserError, match=r"cifar10_cat_9.aedat4: cannot be read"):
        cifar10_dvs.Dataset(str(tmp_path)).load("test")
