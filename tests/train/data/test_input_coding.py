"""Time to first spike: one spike a pixel, the brighter the earlier, and every verb shows it so."""

import json

import numpy as np
import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.input_coding import coded
from snn_deploy.train.data.samples import Samples


def test_brighter_pixels_spike_earlier_and_black_ones_never():
    pixels = np.array([[[[255, 192, 191, 128, 127, 64, 63, 1, 0]]]], np.uint8)
    found = coded(Samples(pixels, np.zeros(1, np.int64), 2), "ttfs", 4)
    assert (found.inputs.shape, found.largest_value, found.scale, found.steps) == ((1, 4, 1, 1, 9), 1, 1.0, 4)
    assert [int(np.argmax(found.inputs[0, :, 0, 0, i])) for i in range(8)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert found.inputs[0, :, 0, 0].sum(axis=0).tolist() == [1] * 8 + [0]


def test_sequences_are_refused_and_direct_coding_changes_nothing():
    images = Samples(np.zeros((1, 1, 2, 2), np.uint8), np.zeros(1, np.int64), 2)
    assert coded(images, "direct", 4) is images
    with pytest.raises(UserError, match="sequences already"):
        coded(coded(images, "ttfs", 4), "ttfs", 4)


def test_it_trains_exports_and_verifies(tmp_path):
    (tmp_path / "ttfs.toml").write_text(
        'coding = "ttfs"\nsteps = 6\n[data]\nname = "digits"\n[model]\nlayers = "8C3-P2-10"\n'
        "[neuron]\nvoltage_keep = 0.75\n[training]\nepochs = 3\nthreads = 1\n"
    )
    done = snn_deploy("train", tmp_path / "ttfs.toml", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    trained = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["test_accuracy"]
    assert trained > 0.7
    assert snn_deploy("export", tmp_path / "run").exit_code == 0
    found = json.loads(snn_deploy("run", tmp_path / "run" / "loihi", "--json").stdout)
    assert abs(found["accuracy"] - trained) < 0.03
    verified = snn_deploy("verify", tmp_path / "run" / "loihi", "--samples", 10, "--backends", "reference,cpu,onnx")
    assert verified.exit_code == 0, verified.stderr
