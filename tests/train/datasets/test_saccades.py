"""Images seen by a moved event camera: what a pixel sends follows its formula, and equal options give equal bytes."""

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.moved_camera import DURATION, camera
from snn_deploy.train.datasets.saccades import Dataset

QUIET = {"mismatch": 0.0, "noise": 0.0, "refractory": 0.0, "steps_per_saccade": 2}


@pytest.fixture
def images(tmp_path):
    """An .npz of twelve images of two channels' worth of grey, 6 x 8."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 6, 8), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels, labels=np.arange(12) % 2)
    return tmp_path / "mine.npz"


def seen(image, *, threshold, rng=0, **options):
    """Return the events of one image, without noise unless options say so."""
    stated = {"reach": 4, "mismatch": 0.0, "refractory": 0, "noise": 0.0} | options
    found = camera(image.shape, threshold=threshold, rng=np.random.default_rng(rng), **stated)
    return found, found.events(image, np.random.default_rng(rng))


def brightness(image, camera_, instant):
    """Return the lin-log of what every pixel sees at `instant`, bilinear, in floats."""
    height, width = camera_.sensor
    y = np.clip(np.arange(height) + camera_.path[instant, 0] / 256, 0, image.shape[0] - 1)
    x = np.clip(np.arange(width) + camera_.path[instant, 1] / 256, 0, image.shape[1] - 1)
    row, column = np.minimum(y.astype(int), image.shape[0] - 2), np.minimum(x.astype(int), image.shape[1] - 2)
    v, h = (y - row)[:, None], x - column
    values = image.astype(float)
    upper = values[np.ix_(row, column)] * (1 - h) + values[np.ix_(row, column + 1)] * h
    lower = values[np.ix_(row + 1, column)] * (1 - h) + values[np.ix_(row + 1, column + 1)] * h
    grey = upper * (1 - v) + lower * v
    return np.where(grey < 20, grey * np.log(20) / 20, np.log(np.maximum(grey, 20)))


@pytest.mark.parametrize("threshold", [0.15, 0.4, 1.3])
def test_the_events_of_a_pixel_follow_its_brightness_to_within_the_threshold(threshold):
    image = np.random.default_rng(1).integers(0, 256, (7, 9), dtype=np.uint8)
    camera_, events = seen(image, threshold=threshold)
    signs = 2 * events.polarity.astype(int) - 1
    start = brightness(image, camera_, 0)
    instants = len(camera_.path) - 1
    for instant in range(0, instants + 1, 7):
        until = events.t < DURATION * instant // instants
        told = start.copy()
        np.add.at(told, (events.y[until], events.x[until]), threshold * signs[until])
        assert np.abs(told - brightness(image, camera_, instant)).max() < threshold + 0.01
    assert len(signs) > 0


def test_the_camera_goes_along_a_triangle_and_comes_back():
    camera_, _ = seen(np.zeros((6, 6), np.uint8), threshold=1.0)
    corners = camera_.path[:: (len(camera_.path) - 1) // 3] / 256
    assert corners.tolist() == [[0, -4], [-4, -2], [0, 0], [0, -4]]
    assert camera_.sensor == (10, 10)
    moved = np.hypot(*np.diff(camera_.path, axis=0).T) / 256
    assert moved.max() < 0.3


def test_a_still_picture_of_one_brightness_sends_nothing_but_noise():
    still = np.full((20, 20), 90, np.uint8)
    assert not len(seen(still, threshold=0.1, mismatch=0.03)[1].t)
    counts = [len(seen(still, threshold=0.1, noise=5.0, rng=seed)[1].t) for seed in range(20)]
    expected = 5.0 * 0.3 * 24 * 24
    assert abs(np.mean(counts) - expected) < 4 * np.sqrt(expected / 20)


def test_a_pixel_sends_nothing_in_its_refractory_time_and_loses_track_of_nothing():
    image = np.random.default_rng(1).integers(0, 256, (7, 9), dtype=np.uint8)
    _, every = seen(image, threshold=0.1)
    _, some = seen(image, threshold=0.1, refractory=5000)

    def of(events):
        return set(zip(events.x.tolist(), events.y.tolist(), events.t.tolist(), events.polarity.tolist(), strict=True))

    assert of(some) < of(every)
    for y in range(11):
        for x in range(13):
            times = some.t[(some.y == y) & (some.x == x)]
            assert (np.diff(times) > 5000).all()


def test_thresholds_differ_from_pixel_to_pixel_as_much_as_is_asked_for():
    camera_, _ = seen(np.zeros((60, 60), np.uint8), threshold=0.5, mismatch=0.03)
    in_logarithms = camera_.thresholds / 4096
    assert abs(in_logarithms.mean() - 0.5) < 0.002
    assert abs(in_logarithms.std() - 0.03) < 0.002


def test_equal_options_give_equal_bytes_from_the_cache_or_not(images, tmp_path):
    dataset = Dataset(str(images), "npz_file", cache=str(tmp_path / "cache"), noise=50.0)
    made = dataset.load("test")
    (file,) = (tmp_path / "cache").iterdir()
    content = file.read_bytes()
    again = dataset.load("test")
    without = Dataset(str(images), "npz_file", cache="", noise=50.0).load("test")
    assert made.inputs.bits.tobytes() == again.inputs.bits.tobytes() == without.inputs.bits.tobytes()
    file.write_bytes(content[:-5])  # damaged: made again
    assert dataset.load("test").inputs.bits.tobytes() == made.inputs.bits.tobytes()
    assert file.read_bytes() == content
    other = Dataset(str(images), "npz_file", cache=str(tmp_path / "cache"), noise=50.0, seed=1).load("test")
    assert other.inputs.bits.tobytes() != made.inputs.bits.tobytes()
    assert made.inputs.bits.tobytes() != dataset.load("train").inputs.bits[: len(made.labels)].tobytes()


def test_samples_are_sequences_of_zeros_and_ones_that_unpack_when_they_are_indexed(images):
    dataset = Dataset(str(images), "npz_file", cache="", **QUIET)
    found = dataset.load("train")
    assert (found.shape, found.steps, found.largest_value, found.is_sequence) == ((2, 10, 12), 6, 1, True)
    whole = np.asarray(found.inputs)
    assert set(np.unique(whole)) == {0, 1}
    assert whole.shape == found.inputs.shape == (10, 6, 2, 10, 12)
    np.testing.assert_array_equal(found.inputs[3], whole[3])
    np.testing.assert_array_equal(found.first(4).inputs[1:3], whole[1:3])
    chosen = np.array([7, 2])
    np.testing.assert_array_equal(found.chosen(chosen).inputs[:], whole[chosen])
    np.testing.assert_array_equal(found.shown, np.swapaxes(whole, 0, 1))
    events = dataset.camera((6, 8)).events(np.load(images)["images"][0], np.random.default_rng(0))
    assert whole[0].sum() <= len(events.t)


def test_colours_become_brightness_and_what_are_no_images_is_refused(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 3, 5, 5), dtype=np.uint8)
    np.savez(tmp_path / "colour.npz", images=pixels, labels=np.arange(10) % 2)
    grey = (299 * pixels[:, 0].astype(int) + 587 * pixels[:, 1].astype(int) + 114 * pixels[:, 2]) // 1000
    np.savez(tmp_path / "grey.npz", images=grey.astype(np.uint8), labels=np.arange(10) % 2)
    colour, plain = (Dataset(str(tmp_path / f), "npz_file", cache="", **QUIET) for f in ("colour.npz", "grey.npz"))
    assert colour.load("train").inputs.bits.tobytes() == plain.load("train").inputs.bits.tobytes()
    with pytest.raises(UserError, match=r"data\.images 'moving_shapes': are no images"):
        Dataset(images="moving_shapes", cache="").load("test")
    with pytest.raises(UserError, match="nowhere"):
        Dataset(images="nowhere", cache="").load("test")
