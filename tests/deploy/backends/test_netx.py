"""The file that is exported for lava-dl, loaded and run by lava-dl itself, against the integer semantics."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.lava_help import assert_identical, needs_lava
from helpers.random_net import chain_with_norms, random_net

import snn_deploy as sd
from snn_deploy.deploy.backends import netx, reference
from snn_deploy.deploy.verification.random_network import random_inputs
from snn_deploy.export.targets.loihi import write as write_netx
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

pytestmark = needs_lava


def convolutional(rng, *, firing_output=False):
    """Return conv - pooled strided conv - dense - output, with a bias and current memory on the way."""

    def population(name, shape, threshold, **options):
        options = {"voltage_keep": 1024, "current_keep": 0, "bias": 0} | options
        return IntegerPopulation(name, shape, threshold, **options)

    return IntegerNetwork(
        IntegerInput("image", (2, 9, 8)),
        (
            population("first", (4, 9, 8), 20_000, bias=64 * 300),
            population("second", (3, 3, 2), 300, current_keep=2048),
            population("third", (6,), 100),
            population("out", (5,), 150, voltage_keep=4096, fires=firing_output),
        ),
        (
            IntegerConnection("a", "image", "first", rng.integers(-128, 128, (4, 2, 3, 3)), padding=(1, 1)),
            IntegerConnection(
                "b", "first", "second", rng.integers(-60, 64, (3, 4, 2, 3)), 1, pool=(2, 2), stride=(1, 1)
            ),
            IntegerConnection("c", "second", "third", rng.integers(-128, 128, (6, 18))),
            IntegerConnection("d", "third", "out", rng.integers(0, 128, (5, 6))),
        ),
        steps=4,
    )


@pytest.mark.parametrize("firing_output", [False, True])
def test_lava_dl_runs_the_exported_file_as_the_reference_does(tmp_path, firing_output):
    rng = np.random.default_rng(30)
    network = convolutional(rng, firing_output=firing_output)
    network = replace(network, connections=(*network.connections,))
    images = rng.integers(0, 256, (5, 2, 9, 8)).astype(np.uint8)
    expected = reference.run(network, images, record=True)
    assert min(expected.spike_counts[name].sum() for name in ("first", "second", "third")) > 0
    write_netx(network, tmp_path / "network.net")

    found = netx.run(network, images, record=True, file=tmp_path / "network.net")

    assert_identical(found, expected)


# Of random_net, they have between them loops, delays, biases, exponents, pooling, soft resets and channels that differ.
@pytest.mark.parametrize("seed", [4, 8, 11, 29, 31])
def test_random_networks_are_identical_through_lava_dl(seed):
    network = random_net(seed)
    inputs = random_inputs(network, 3, seed)
    assert_identical(netx.run(network, inputs, record=True), reference.run(network, inputs, record=True))


def test_a_recurrent_network_with_batch_norms_runs_through_lava_dl():
    network = sd.export(chain_with_norms(2), shift="bias", lava_dl=True).network
    assert sum(p.bias.any() for p in network.populations) == 3
    images = np.random.default_rng(5).integers(0, 256, (3, 1, 6, 6)).astype(np.uint8)
    expected = reference.run(network, images, record=True)
    assert min(expected.spike_counts[p.name].sum() for p in network.populations[:-1]) > 0
    assert_identical(netx.run(network, images, record=True), expected)


def test_a_file_of_another_network_is_refused(tmp_path):
    rng = np.random.default_rng(31)
    network = convolutional(rng)
    other = replace(network, steps=5)
    write_netx(other, tmp_path / "other.net")
    images = np.zeros((1, 2, 9, 8), np.uint8)

    with pytest.raises(UserError, match=f"written from the network {other.digest}, and this is {network.digest}"):
        netx.run(network, images, file=tmp_path / "other.net")
    with pytest.raises(UserError, match="no such file"):
        netx.run(network, images, file=tmp_path / "missing.net")
    (tmp_path / "cut.net").write_bytes((tmp_path / "other.net").read_bytes()[:100])
    with pytest.raises(UserError, match="not a whole HDF5 file"):
        netx.run(network, images, file=tmp_path / "cut.net")
