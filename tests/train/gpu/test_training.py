"""A training in Triton's kernels leaves the network that one in numba's leaves, to rounding, and it is exported.

Both compute the same spikes from the same currents; a batch's moments are summed in another order, so weights differ
in their last bits, and with them later batches.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import snn_deploy as sd
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.datasets.digits import Dataset
from snn_deploy.train.gpu import fused_lif, fused_norm, int8_synapses, kernel_choice
from snn_deploy.train.run.checkpoint import read_network_state, read_origin
from snn_deploy.train.run.evaluation import accuracy
from snn_deploy.train.run.loop import Watcher, train
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import build_network

TABLE = {
    "seed": 5,
    "steps": 2,
    "data": {"name": "npz_file", "validation": 0},
    "model": {"layers": "3C3-P2-4C3-P2-10"},
    "training": {"epochs": 1, "batch_size": 32, "samples": 96, "threads": 1, "measured_samples": 0}
    | {"norm_samples": 64, "synapses": "float32"},
    "losses": {"cross_entropy": {}, "im_loss": {"weight": 0.05}},
}


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module", autouse=True)
def few_digits(tmp_path_factory):
    """Let every training see 40 test samples: the interpreter takes as long for each as for a training sample."""
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    train, test = Dataset().load("train").first(96), Dataset().load("test").first(40)
    np.savez(path, x_train=train.inputs, y_train=train.labels, x_test=test.inputs, y_test=test.labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TABLE, "data", TABLE["data"] | {"file": str(path)})
        yield


def _config(**training):
    return resolved_config({**TABLE, "training": TABLE["training"] | training}, "test")


def _trained(folder, config, *, last_batch=None, resume=False):
    """Return the folder, the network and the losses of a training, which may be stopped after a batch."""
    losses = []

    def batch(epoch, number, batches, means):
        losses.append(means["loss/cross_entropy"])
        if number == last_batch:
            raise StoppedError

    network = None
    try:
        network = train(config, folder, Watcher(batch=batch), resume=resume)
    except StoppedError:
        assert last_batch
    return SimpleNamespace(files=RunFolder(folder), network=network, losses=losses)


@pytest.fixture(scope="module")
def by_numba(tmp_path_factory):
    """Return a training on the CPU."""
    return _trained(tmp_path_factory.mktemp("numba"), _config(device="cpu"))


@pytest.fixture(scope="module")
def in_triton():
    """Let the Triton kernels take every device, the CPU too, and list the layers that they run.

    Tiles are large: the interpreter takes as long for a large one as for a small one.
    """
    layers = []
    run = fused_lif.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_choice, "uses_triton", lambda device: True)
        patch.setattr(fused_lif, "run", lambda layer, currents: layers.append(layer) or run(layer, currents))
        if not torch.cuda.is_available():
            for module in (fused_norm, fused_lif):
                patch.setattr(module, "TILE", 2**15)
            patch.setattr(int8_synapses, "_PIXELS", 2**13)
        yield layers


@pytest.fixture(scope="module")
def by_triton(tmp_path_factory, by_numba, in_triton, place):
    """Return a training in the Triton kernels."""
    before = len(in_triton)
    found = _trained(tmp_path_factory.mktemp("triton"), _config(device=place))
    assert len(in_triton) - before >= 2 * len(found.losses)  # two layers in every batch, or nothing was tested
    return found


def test_training_gives_the_same_network_to_rounding(by_numba, by_triton, place):
    assert len(by_triton.losses) == 3
    np.testing.assert_allclose(by_triton.losses, by_numba.losses, rtol=1e-5)
    for mine, theirs in zip(by_triton.network.connections, by_numba.network.connections, strict=True):
        np.testing.assert_allclose(mine.weights, theirs.weights, rtol=1e-4, atol=1e-6)
        assert (mine.norm is None) == (theirs.norm is None)
        if mine.norm is not None:
            np.testing.assert_allclose(mine.norm.variance, theirs.norm.variance, rtol=1e-4)
    accuracies = [run.network.provenance["float_accuracy"] for run in (by_triton, by_numba)]
    assert accuracies[0] == accuracies[1]
    assert read_origin(by_triton.files.checkpoint)[0].device == place


def test_the_network_is_exported_as_one_of_the_cpu_is(by_numba, by_triton):
    mine, theirs = (sd.export(run.network).network for run in (by_triton, by_numba))
    for a, b in zip(mine.connections, theirs.connections, strict=True):
        difference = np.abs(a.weights.astype(int) - b.weights)
        assert difference.max() <= 1  # of 127: a weight that lies between two whole ones
        assert (difference > 0).mean() < 0.01


def test_the_cpu_evaluates_the_checkpoint_as_the_gpu_did(by_triton, monkeypatch):
    monkeypatch.setattr(kernel_choice, "uses_triton", lambda device: False)
    config = _config()
    test = config.data.options.load("test")
    network = build_network(config, test, torch.Generator().manual_seed(0))
    read_network_state(by_triton.files.checkpoint, network)
    assert accuracy(network, test, config.steps) == by_triton.network.provenance["float_accuracy"]


def test_training_in_int8_is_near_that_in_float32_and_goes_on_where_it_was_stopped(
    tmp_path, by_numba, in_triton, place
):
    config = _config(device=place, synapses="int8-bfloat16", checkpoint_every=1)
    whole = _trained(tmp_path / "whole", config)
    np.testing.assert_allclose(whole.losses, by_numba.losses, rtol=0.02)
    assert whole.losses != by_numba.losses
    assert read_origin(whole.files.checkpoint)[0].synapses == "int8-bfloat16"
    assert sd.export(whole.network).network.connections
    stopped = _trained(tmp_path / "stopped", config, last_batch=2)
    assert stopped.network is None
    _trained(tmp_path / "stopped", config, resume=True)
    assert stopped.files.checkpoint.read_bytes() == whole.files.checkpoint.read_bytes()
