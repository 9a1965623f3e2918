"""Encoders: integers out of integers, as their definitions say, and what every one of them keeps to."""

import numpy as np
import pytest

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.data.signals import QuantizedSignals

NAMES = plugin_names("train.encoders")


def signals(values, middle):
    found = np.asarray(values, np.uint8)
    return QuantizedSignals(found.reshape(1, 1, -1), np.array([middle], np.uint8), 0)


def encode(name, values, middle=100, **options):
    """Return (kinds, time, frames) of one channel."""
    return load_plugin("train.encoders", name).Encoder(**options)(signals(values, middle))[0, :, 0]


def test_current_shows_how_far_a_value_is_below_and_above_the_mean():
    assert encode("current", [100, 90, 255, 0])[:, :, 0].tolist() == [[0, 10, 0, 100], [0, 0, 155, 0]]
    assert encode("current", [100, 90, 255, 0], signed=False)[:, :, 0].tolist() == [[100, 90, 255, 0]]


def test_current_takes_the_nearest_of_its_levels_and_repeats_it():
    found = encode("current", [0, 42, 43, 127, 128, 255], signed=False, levels=3, frames=2)
    assert found[0].tolist() == [[0, 0], [0, 0], [1, 1], [1, 1], [2, 2], [3, 3]]


def test_delta_spikes_down_and_up_in_steps_of_its_threshold():
    found = encode("delta", [100, 109, 110, 140, 140, 140, 100, 100], threshold=10)[:, :, 0]
    assert found.tolist() == [[0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1, 0, 0]]


def test_delta_follows_a_signal_to_within_its_threshold_where_it_has_the_frames():
    rng = np.random.default_rng(3)
    values = np.clip(128 + np.cumsum(rng.integers(-20, 21, 50)), 0, 255)
    found = encode("delta", values, middle=128, threshold=5, frames=60).astype(int).sum(2)
    followed = 128 + 5 * np.cumsum(found[1] - found[0])
    assert (np.abs(followed - values) < 5).all()


def test_latency_is_one_spike_the_larger_the_earlier_and_none_for_nothing():
    found = encode("latency", [255, 191, 64, 63, 1, 0], signed=False, frames=4)[0]
    assert [row.tolist() for row in found] == [
        [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0],
    ]  # fmt: skip
    sides = encode("latency", [200, 100, 0], frames=4).sum(2)
    assert sides.tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("name", NAMES)
def test_every_encoder_gives_frames_of_small_integers_that_depend_on_nothing_else(name):
    rng = np.random.default_rng(0)
    many = QuantizedSignals(rng.integers(0, 256, (7, 3, 9), dtype=np.uint8), np.array([10, 128, 250], np.uint8), 0)
    encoder = load_plugin("train.encoders", name).Encoder()
    found = encoder(many)
    kinds = found.shape[1]
    assert found.shape == (7, kinds, 3, 9, encoder.frames)
    assert found.dtype == np.uint8 and 1 <= found.max() <= encoder.largest_value <= 255
    alone = QuantizedSignals(many.values[2:3], many.middles, 0)
    assert np.array_equal(encoder(alone)[0], found[2])
    earlier = QuantizedSignals(many.values[:, :, :4], many.middles, 0)
    assert np.array_equal(encoder(earlier), found[:, :, :, :4])  # nothing depends on what comes later
