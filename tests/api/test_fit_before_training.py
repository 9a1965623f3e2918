"""What a config alone says of a chip is what the mapping says after training."""

import subprocess
import sys

import numpy as np
import pytest

import snn_deploy as sd
from snn_deploy.support.user_error import UserError

SHORT = ["training.epochs=1", "training.samples=200", "training.measured_samples=20", "data.validation=0.1"]
NETWORKS = [
    ("loihi2", "8C3-P2-12C3-P2-10", []),
    ("loihi2", "40C3-64C3-P2-24-10", []),
    ("loihi2", "24C3S2-200-100-10", ["quantization.epochs=1", "quantization.weight_bits=6"]),
    ("loihi1", "8C3-P2-12C3-P2-10", ["coding=ttfs"]),
    ("loihi1", "24C3-48C3S2-500-10", ["coding=ttfs"]),
    ("loihi1", "20C5S2-300-10", ["coding=ttfs", "quantization.epochs=1", "quantization.weight_bits=4"]),
]


@pytest.mark.parametrize(("chip", "layers", "changes"), NETWORKS, ids=lambda value: str(value)[:24])
def test_it_says_what_the_mapping_says_after_training(chip, layers, changes, config, tmp_path):
    said = [*changes, f"model.layers={layers}", *SHORT]
    run = sd.train(config, out=tmp_path / "run", changes=said)
    network = sd.export(run.folder, chip=chip).network
    weights = np.concatenate([c.weights.ravel() for c in network.connections])
    density = 1.0 if (weights != 0).mean() > 0.6 else float((weights != 0).mean())
    placed = sd.place(network, chip=chip)

    planned = sd.fit_before_training(config, chip=chip, changes=said, density=density)

    assert planned.fits
    assert (planned.measures.cores, planned.measures.chips) == (placed.cores, placed.chips)
    assert planned.to_dict()["populations"] == placed.to_dict()["populations"]


def test_a_layer_that_loses_bits_to_its_bounds_takes_no_more_than_was_said(config, tmp_path):
    said = ["coding=ttfs", "model.layers=16C3-64C3-P2-300-10", *SHORT]
    exported = sd.export(sd.train(config, out=tmp_path / "run", changes=said).folder, chip="loihi1")
    assert max(layer.bits_lost_to_bounds for layer in exported.layers) > 1
    planned = sd.fit_before_training(config, chip="loihi1", changes=said)
    assert planned.measures.cores >= sd.place(exported.network).cores


def test_a_network_that_breaks_a_limit_breaks_the_same_one_after_training(config, tmp_path):
    said = ["model.layers=400C3-10", *SHORT]
    network = sd.export(sd.train(config, out=tmp_path / "run", changes=said).folder, chip="loihi2").network
    placed = sd.place(network, chip="loihi2")

    planned = sd.fit_before_training(config, chip="loihi2", changes=said)

    assert not planned.fits
    assert planned.measures.violations == placed.violations != ()
    assert planned.changes


def test_every_change_that_it_names_fits(config):
    planned = sd.fit_before_training(config, chip="loihi2", cores=5, changes=["model.layers=40C3-64C3-P2-24-10"])
    assert not planned.fits
    assert planned.changes
    for change in planned.changes:
        again = sd.fit_before_training(config, chip="loihi2", cores=5, changes=[planned.words[change.what]])
        assert again.fits
        assert again.measures == change.measures
    kept = [change.kept for change in planned.changes]
    assert kept == sorted(kept, reverse=True)


def test_the_data_need_not_be_there(config):
    said = ["data.name=cifar10", "model.name=vgg11", "model.width=8"]
    planned = sd.fit_before_training(config, changes=said, input_shape=(3, 32, 32), classes=10)
    assert planned.fits
    assert planned.layers[0].neurons == 8 * 32 * 32


def test_an_input_that_the_chip_cannot_be_shown_is_said(config):
    planned = sd.fit_before_training(config, chip="loihi1")
    assert not planned.fits
    assert "an input is 0 or 1" in planned.headline()


def test_half_of_what_the_data_would_give_is_refused(config):
    with pytest.raises(UserError, match="belong together"):
        sd.fit_before_training(config, classes=10)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cores": 0}, "--cores 0; allowed is a number above 0"),
        ({"weight_bits": 9}, "--weight-bits 9; allowed are 2 to 8"),
        ({"weight_bits": 0}, "weights of 0 bits"),
        ({"chip": "cmos45"}, "not a chip. Choose loihi1 or loihi2"),
        ({"changes": ["model.layer=8C3-10"]}, "no key 'layer'"),
        ({"changes": ["modal.layers=8C3-10"]}, "no key 'modal'"),
        ({"input_shape": (1, 0, 8), "classes": 10}, "--input-shape 1,0,8"),
    ],
)
def test_what_makes_no_sense_is_refused(given, said, config):
    with pytest.raises(UserError, match=said):
        sd.fit_before_training(config, **given)


def test_torch_is_not_loaded(config):
    code = (
        f"import sys, snn_deploy as sd; sd.fit_before_training({str(config)!r}, cores=1, input_shape=(1, 8, 8), "
        "classes=10); print(sorted({'torch', 'numba', 'sklearn', 'lava'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
