"""The netx file: the fields that lava-dl reads, the same bytes every time, and refusals by name."""

import time
from dataclasses import replace

import h5py
import numpy as np
import pytest

from snn_deploy.export.targets.loihi import netx_layers
from snn_deploy.export.targets.loihi import write as write_netx
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError


def population(name, shape, threshold=50, voltage_keep=1024, current_keep=0, bias=0, fires=True):
    return IntegerPopulation(name, shape, threshold, voltage_keep, current_keep, bias, fires)


@pytest.fixture
def network():
    """A convolution with an exponent, a pooled dense layer, a silent output."""
    rng = np.random.default_rng(50)
    return IntegerNetwork(
        IntegerInput("image", (2, 6, 6)),
        (population("map", (3, 5, 4)), population("hidden", (4,)), population("out", (2,), fires=False)),
        (
            IntegerConnection("conv", "image", "map", rng.integers(-60, 61, (3, 2, 2, 3)), 1),
            IntegerConnection("dense", "map", "hidden", rng.integers(-128, 128, (4, 12)), pool=(2, 2)),
            IntegerConnection("last", "hidden", "out", rng.integers(-128, 128, (2, 4))),
        ),
        steps=4,
    )


def with_connection(network, index, **changes):
    connections = list(network.connections)
    connections[index] = replace(connections[index], **changes)
    return replace(network, connections=tuple(connections))


def with_population(network, index, **changes):
    populations = list(network.populations)
    populations[index] = replace(populations[index], **changes)
    return replace(network, populations=tuple(populations))


def test_the_file_holds_what_lava_dl_reads(network, tmp_path):
    network = with_population(network, 1, bias=np.full(4, 640))
    write_netx(network, tmp_path / "network.net")

    with h5py.File(tmp_path / "network.net") as file:
        layers = file["layer"]
        types = [layers[f"{i}/type"][()].decode() for i in range(len(layers))]
        assert types == ["input", "conv", "flatten", "dense", "dense"]
        assert set(layers["1"]) == {"type", "shape", "weight", "stride", "padding", "dilation", "groups", "neuron"}
        assert set(layers["3"]) == {"type", "shape", "weight", "neuron", "bias"}
        assert set(layers["4/neuron"]) == {"type", "iDecay", "vDecay", "vThMant"}
        assert layers["0/shape"][()].tolist() == [2, 6, 6]
        np.testing.assert_array_equal(layers["1/weight"], network.connections[0].weights * 2)
        assert layers["3/weight"].shape == (4, 60)  # the columns of each window repeated, and zeros at the end
        assert layers["3/bias"][()].tolist() == [10] * 4
        assert (layers["1/neuron/iDecay"][()], layers["1/neuron/vDecay"][()]) == (4096, 3072)
        assert (layers["1/neuron/vThMant"][()], layers["4/neuron/vThMant"][()]) == (50, 2**17)
        assert file.attrs["network_sha256"] == network.digest


def test_one_network_gives_the_same_bytes_at_any_time(network, tmp_path):
    write_netx(network, tmp_path / "first.net")
    time.sleep(1.1)  # HDF5 keeps times in seconds
    write_netx(network, tmp_path / "second.net")
    assert (tmp_path / "first.net").read_bytes() == (tmp_path / "second.net").read_bytes()


def test_what_netx_cannot_hold_is_refused_by_name(network, tmp_path):
    skip = IntegerConnection("skip", "map", "out", np.ones((2, 60)))
    loop = IntegerConnection("loop", "hidden", "hidden", np.ones((4, 4)), delay=1)
    add = network.connections
    refused = {
        "connection 'skip' from 'map' to 'out', which makes": replace(network, connections=(*add, skip)),
        "connection 'loop' with a delay of 1 steps": replace(network, connections=(*add, loop)),
        "connection 'last' with a delay of 2 steps": with_connection(network, 2, delay=2),
        "population 'map' with a threshold for every channel": with_population(network, 0, threshold=np.arange(3)),
        "population 'map' with a voltage_keep for every": with_population(network, 0, voltage_keep=np.arange(3)),
        "population 'hidden' with the bias 1..1 ": with_population(network, 1, bias=np.ones(4)),
        "population 'hidden' with the bias 262144": with_population(network, 1, bias=np.full(4, 2**18)),
        "population 'hidden' with a soft reset": with_population(network, 1, reset="subtract"),
        "population 'map' with a reset value other than 0": with_population(
            network, 0, reset_value=np.array([0, 0, 1])
        ),
        "population 'out' with an initial value": with_population(network, 2, initial_value=np.array([0, -1])),
        r"connection 'last' with weights -\d+..\d+ ": with_connection(network, 2, exponent=7),
        "connection 'last', whose weights 0..0 lava-dl's": with_connection(network, 2, weights=np.zeros((2, 4))),
        "connection 'last', whose weights -64..0 lava-dl's": with_connection(
            network, 2, weights=np.full((2, 4), [0, 0, 0, -64])
        ),
        "connection 'conv', whose padding reaches where": replace(
            network,
            populations=(population("map", (3, 4, 3)), *network.populations[1:]),
            connections=(
                replace(add[0], pool=(4, 4), padding=(2, 2), exponent=0),
                replace(add[1], weights=np.ones((4, 6))),
                add[2],
            ),
        ),
    }
    for message, refusal in refused.items():
        with pytest.raises(UserError, match=f"netx cannot hold {message}.*--backend lava"):
            write_netx(refusal, tmp_path / "network.net")
    assert list(tmp_path.iterdir()) == []


def test_dense_weights_of_one_sign_are_kept_where_lava_dl_keeps_them(network):
    for weights in (np.full((2, 4), 127), np.full((2, 4), [0, 0, 0, 64]), np.full((2, 4), -127)):
        held = netx_layers(with_connection(network, 2, weights=weights))[-1]["weight"]
        np.testing.assert_array_equal(held, weights)
