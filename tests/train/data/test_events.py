"""Events become frames, counted by hand; files in the formats that cameras and data sets leave."""

import io
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.event_file import read_events
from snn_deploy.train.data.events import Events
from snn_deploy.train.datasets import event_folder, moving_shapes

X, Y, T, P = (np.array(v) for v in ([0, 3, 3, 1], [0, 1, 1, 2], [100, 149, 150, 200], [1, 0, 0, 1]))
STRUCTURED = np.array(list(zip(T, X, Y, P, strict=True)), [("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "u1")])


def test_frames_are_equal_parts_of_the_duration():
    frames = Events(X, Y, T, P).frames(2, (3, 4), (3, 4), "counts", "here")
    expected = np.zeros((2, 2, 3, 4), np.uint8)
    expected[0, 1, 0, 0] = expected[0, 0, 1, 3] = 1  # t 100 and 149: the first half of 100..200
    expected[1, 0, 1, 3] = expected[1, 1, 2, 1] = 1
    np.testing.assert_array_equal(frames, expected)
    smaller = Events(X, Y, T, P).frames(1, (3, 4), (1, 2), "counts", "here")
    assert smaller[0].tolist() == [[[0, 2]], [[2, 0]]]
    assert Events(X, Y, T, P).frames(1, (3, 4), (1, 2), "binary", "here").max() == 1


def test_events_outside_of_the_sensor_are_refused():
    with pytest.raises(UserError, match="here: x from 0 to 3; allowed is 0 to 2"):
        Events(X, Y, T, P).frames(2, (3, 3), (3, 3), "counts", "here")


def written(folder, kind):
    path = folder / kind
    if kind == "structured.npy":
        np.save(path, STRUCTURED)
    elif kind == "plain.npy":
        np.save(path, np.stack([X, Y, T, P], axis=1))
    elif kind == "arrays.npz":
        np.savez(path, x=X, y=Y, t=T, p=P)
    else:
        with h5py.File(path, "w") as file:
            if kind == "dsec.h5":
                for name, values in (("x", X), ("y", Y), ("t", T), ("p", P)):
                    file[f"events/{name}"] = values
            elif kind == "prophesee.hdf5":
                file["CD/events"] = STRUCTURED
            else:
                file["events"] = STRUCTURED
    return path


KINDS = ("structured.npy", "plain.npy", "arrays.npz", "dsec.h5", "prophesee.hdf5", "tonic.h5")


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_same_events(tmp_path, kind):
    found = read_events(written(tmp_path, kind))
    for values, expected in zip((found.x, found.y, found.t, found.polarity), (X, Y, T, P), strict=True):
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_one_line(tmp_path, kind):
    path = written(tmp_path, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=kind):
        read_events(path)


MOVING_DOT = Path(__file__).with_name("moving_dot.aedat4")


def test_what_are_no_events_is_refused_with_the_reason(tmp_path):
    def saved(array):
        np.save(tmp_path / "bad.npy", array)
        return tmp_path / "bad.npy"

    unsorted = STRUCTURED[[0, 2, 1, 3]]
    with pytest.raises(UserError, match=r"event 2 is earlier than the one before it. Sort"):
        read_events(saved(unsorted))
    with pytest.raises(UserError, match="allowed is \\(events, 4\\)"):
        read_events(saved(np.zeros((3, 5))))
    with pytest.raises(UserError, match="finite"):
        read_events(saved(np.array([[0, 0, np.nan, 1]])))
    np.savez(tmp_path / "bad.npz", x=X, y=Y, t=T)
    with pytest.raises(UserError, match="no array 'p' among x, y, t"):
        read_events(tmp_path / "bad.npz")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UserError, match=r"allowed endings are .npy"):
        read_events(tmp_path / "a.txt")
    (tmp_path / "a.aedat4").write_bytes(b"#!AER-DAT4.0\r\nnot flatbuffers")
    with pytest.raises(UserError, match=r"a.aedat4"):
        read_events(tmp_path / "a.aedat4")


def test_a_file_of_a_camera_is_read(tmp_path):
    """moving_dot.aedat4 was written by iniVation's own dv-processing 2.0.4: 60 events, one every 250 us, 16 x 12."""
    events = read_events(MOVING_DOT)
    i = np.arange(60)
    np.testing.assert_array_equal(events.x, i % 16)
    np.testing.assert_array_equal(events.y, i * 5 % 12)
    np.testing.assert_array_equal(events.t - events.t[0], 250 * i)
    np.testing.assert_array_equal(events.polarity, i % 3 == 0)


def test_a_folder_of_recordings_is_a_data_set(tmp_path):
    shapes = moving_shapes.Dataset(samples=80)
    rng = np.random.default_rng(0)
    for label, name in ((0, "bars"), (1, "discs")):
        (tmp_path / name).mkdir()
        for i in range(10):
            e = shapes.events(label, rng)
            np.save(tmp_path / name / f"{i}.npy", np.stack([e.x, e.y, e.t, e.polarity], axis=1))
    dataset = event_folder.Dataset(str(tmp_path), 16, 16, 8, 5)
    training, test = dataset.load("train"), dataset.load("test")
    assert training.inputs.shape == (16, 5, 2, 8, 8)
    assert test.shown.shape == (5, 4, 2, 8, 8)
    assert (training.shape, training.steps, training.classes, training.largest_value) == ((2, 8, 8), 5, 2, 1)
    assert sorted(test.labels.tolist()) == [0, 0, 1, 1]
    assert training.first(3).shown.shape == (5, 3, 2, 8, 8)


def test_moving_shapes_are_the_same_for_a_seed_and_move():
    dataset = moving_shapes.Dataset(samples=40)
    one, again = dataset.load("train"), dataset.load("train")
    np.testing.assert_array_equal(one.inputs, again.inputs)
    assert not np.array_equal(one.inputs[:8], dataset.load("test").inputs)
    columns = np.arange(16)
    right = one.inputs[one.labels == 1].sum(axis=(0, 2, 3))  # discs to the right: (steps, columns)
    centres = (right * columns).sum(axis=1) / right.sum(axis=1)
    assert (np.diff(centres) > 0).all()


def refused(path, message):
    tracemalloc.start()
    with pytest.raises(UserError, match=message) as error:
        read_events(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
    assert peak < 20e6


@pytest.mark.parametrize("link", ["external", "soft"])
@pytest.mark.parametrize("at", ["events", "events/x", "elsewhere"])
def test_links_in_an_hdf5_file_are_not_followed(tmp_path, at, link):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"], file["events/x"] = X, X
    path = written(tmp_path, "dsec.h5")
    with h5py.File(path, "r+") as file:
        if at in file:
            del file[at]
        file[at] = h5py.ExternalLink("other.h5", at) if link == "external" else h5py.SoftLink("/events/y")
    refused(path, "is a link to another place")


def test_values_from_another_file_are_not_read(tmp_path):
    path = written(tmp_path, "dsec.h5")
    with h5py.File(path, "r+") as file:
        del file["events/x"]
        file.create_dataset("events/x", (4,), "i8", external=[("/etc/hostname", 0, 32)])
    refused(path, "takes its values from another file")


def test_arrays_that_claim_more_than_is_stored_are_not_read(tmp_path):
    path = written(tmp_path, "dsec.h5")
    with h5py.File(path, "r+") as file:
        for name in "xytp":
            del file[f"events/{name}"]
            file.create_dataset(f"events/{name}", (2**33,), "u1", chunks=(2**20,))
    refused(path, "claims the shape")
    with h5py.File(path, "w") as file:  # a small array in a large chunk
        file.create_dataset("events/x", (1,), "u1", maxshape=(None,), chunks=(2**31,), compression="gzip")
    refused(path, "claims the shape")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (4 * 10**8, 4)})
    (tmp_path / "large.npy").write_bytes(header.getvalue() + bytes(1000))
    refused(tmp_path / "large.npy", "claims 12800000000 bytes and has 1000")


def test_times_that_are_true_and_false_are_refused(tmp_path):
    np.savez(tmp_path / "bool.npz", x=X, y=Y, t=T > 149, p=P)
    refused(tmp_path / "bool.npz", "t of type bool")


@pytest.mark.parametrize(
    "t",
    [
        np.array([-128, 0, 127], np.int8),
        np.array([-(2**63), -1, 2**63 - 1], np.int64),
        np.array([0, 2**63 - 1, 2**64 - 1], np.uint64),
        np.array([-6e4, 0, 6e4], np.float16),
    ],
)
def test_times_of_the_whole_range_of_their_type_are_divided_equally(t):
    frames = Events(X[:3], Y[:3], t, P[:3]).frames(3, (3, 4), (3, 4), "counts", "here")
    assert frames.sum(axis=(1, 2, 3)).tolist() == [1, 1, 1]


def test_times_that_are_too_far_apart_are_refused():
    events = Events(X[:2], Y[:2], np.array([-1e308, 1.5e308]), P[:2])
    with pytest.raises(UserError, match=r"here: times from -1e\+308 to 1.5e\+308, which are too far apart"):
        events.frames(2, (3, 4), (3, 4), "counts", "here")
