"""Signals in 8 bits, and the frames or maps that a network is shown: nothing follows the end of a sample."""

import numpy as np
import pytest

from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.encoded_signals import encoded
from snn_deploy.train.data.input_coding import coded
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.signals import SignalRange, Signals, padded, quantized, range_of

SPAN = SignalRange(np.array([-1.0, 0.0]), np.array([0.0, 25.5]), np.array([1.0, 51.0]))


def of(series, columns=0, span=SPAN):
    values, lengths = padded([np.asarray(sample, float) for sample in series], "test")
    return Signals(values, lengths, np.arange(len(series)), len(series), span, columns)


def current(**options):
    return load_plugin("train.encoders", "current").Encoder(**options)


def test_the_range_is_that_of_each_channel_up_to_the_end_of_each_sample():
    span = range_of(*padded([np.array([[1.0, 3.0], [5.0, 5.0]]), np.array([[2.0], [8.0]])], "test"))
    assert (span.least.tolist(), span.mean.tolist(), span.most.tolist()) == ([1, 5], [2, 6], [3, 8])


def test_a_value_becomes_the_nearest_of_256_levels_and_what_lies_outside_is_counted():
    found = quantized(of([[[-1, 0, 1, 1.5], [0, 0.09, 0.11, -3]]]))
    assert found.values.tolist() == [[[0, 128, 255, 255], [0, 0, 1, 0]]]
    assert (found.middles.tolist(), found.clipped) == ([128, 128], 2)


def test_a_channel_that_never_changes_is_no_division_by_zero():
    still = np.ones((1, 3))
    assert quantized(of([still], span=range_of(*padded([still], "test")))).values.tolist() == [[[0, 0, 0]]]


def test_each_value_is_a_step_and_steps_after_the_end_show_nothing():
    found = encoded(of([[[1, -1], [51, 51]], [[1], [0]]]), current(signed=False, frames=2), 7)
    assert (found.shape, found.steps, found.largest_value, found.note) == ((1, 2, 1), 7, 255, "")
    frames = found.inputs[..., 0, :, 0]  # (samples, steps, channels)
    assert frames[0].tolist() == [[255, 255]] * 2 + [[0, 255]] * 2 + [[0, 0]] * 3
    assert frames[1].tolist() == [[255, 0]] * 2 + [[0, 0]] * 5


def test_the_middle_of_a_range_is_no_input_after_the_end_of_a_delta_modulated_sample():
    delta = load_plugin("train.encoders", "delta").Encoder(threshold=20)
    found = encoded(of([[[1, 1], [51, 51]]]), delta, 5).inputs[0, ..., 0]  # (steps, kinds, channels)
    assert found[:2, 1].tolist() == [[1, 1], [1, 1]] and not found[2:].any() and not found[:, 0].any()


def test_with_columns_a_sample_is_one_map_along_the_time():
    found = encoded(of([[[1, -1], [51, 51]], [[1], [0]]], columns=3), current(), 4)
    assert (found.shape, found.is_sequence, found.steps) == ((4, 1, 3), False, None)
    assert found.inputs[0, :, 0].tolist() == [[0, 128, 0], [0, 0, 0], [127, 0, 0], [127, 127, 0]]  # below, above
    latency = load_plugin("train.encoders", "latency").Encoder(frames=4)
    timed = encoded(of([[[1, -1], [51, 51]]], columns=3), latency, 4)
    assert (timed.shape, timed.is_sequence, timed.steps) == ((4, 1, 3), True, 4)


def test_what_has_no_room_is_refused_with_what_to_set():
    long = of([np.zeros((2, 9))])
    with pytest.raises(UserError, match=r"a sample of 9 values, and there is room for 4: .* Set steps to 18"):
        encoded(long, current(frames=2), 8)
    with pytest.raises(UserError, match=r"makes 2 maps of a sample.* Set encoder\.frames to 1 or 4"):
        encoded(of([np.zeros((2, 9))], columns=9), current(frames=2), 4)
    with pytest.raises(UserError, match=r"room for 8: .* Set data\.columns to 9 or more"):
        encoded(of([np.zeros((2, 9))], columns=8), current(), 4)


def test_values_outside_of_the_range_are_a_note():
    found = encoded(of([[[5, 0, 0], [0, 0, 99]]]), current(), 3)
    assert found.note == "2 of 6 values lie outside of the range of the training samples and were clipped to it"


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ([], "no samples"),
        ([np.zeros((1, 2)), np.zeros((2, 2))], "samples of 1 and of 2 channels"),
        ([np.zeros((1, 0))], "is of shape"),
        ([np.array([[0.0, np.nan]])], "missing or infinite"),
        ([np.array([[np.inf]])], "missing or infinite"),
    ],
)
def test_series_that_cannot_be_meant_are_one_line(series, expected):
    with pytest.raises(UserError, match=f"^mine.ts: .*{expected}"):
        padded(series, "mine.ts")


def test_signals_need_an_encoder_and_images_take_none():
    images = Samples(np.zeros((1, 1, 2, 2), np.uint8), np.zeros(1, np.int64), 2)
    with pytest.raises(UserError, match="integers already"):
        coded(images, "direct", 4, current())
    with pytest.raises(UserError, match="Choose one"):
        coded(of([np.zeros((2, 1))]), "direct", 4)
