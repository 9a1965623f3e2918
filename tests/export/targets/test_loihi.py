"""The netx file: the fields that lava-dl reads, the same bytes every time, and refusals by name."""

import time
from dataclasses import replace

import h5py
import numpy as np
import pytest
from helpers.random_net import chain_with_norms

import snn_deploy as sd
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
    again = IntegerConnection("again", "map", "map", np.ones((3, 3, 1, 1)), delay=1)
    twice = IntegerConnection("twice", "hidden", "out", np.ones((2, 4)), delay=2)
    add = network.connections
    small = with_connection(network, 1, weights=np.ones((4, 12)))
    refused = {
        "connection 'skip' from 'map' to 'out', which makes": replace(network, connections=(*add, skip)),
        "population 'out', which hears nothing from 'hidden'": replace(
            network, connections=(*add[:2], replace(skip, source="out", weights=np.ones((2, 2)), delay=1))
        ),
        "connection 'again' from 'map' to itself: lava-dl has recurrence of dense layers": replace(
            network, connections=(*add, again)
        ),
        "connection 'loop' from 'hidden' to itself with a delay of 2 steps": replace(
            network, connections=(*add, replace(loop, delay=2))
        ),
        "connection 'loop2' from 'hidden' to itself beside 'loop'": replace(
            network, connections=(*add, loop, replace(loop, name="loop2"))
        ),
        "connection 'loop' from 'hidden' to itself, behind a connection with a delay": replace(
            network, connections=(add[0], replace(add[1], delay=1), add[2], loop)
        ),
        "connection 'dense' and 'loop', whose weights -125..508 ": replace(
            network, connections=(*add, replace(loop, weights=np.full((4, 4), 127), exponent=2))
        ),
        "connection 'conv' with a delay of 2 steps: .* leaves the delays of convolutions out": with_connection(
            network, 0, delay=2
        ),
        "connection 'last' with a delay of 63 steps": with_connection(network, 2, delay=63),
        "connection 'twice' beside 'last', of the same delay": replace(
            network, connections=(*add, replace(twice, delay=0))
        ),
        "connection 'twice', through which neuron 0 hears neuron 0 a second time": replace(
            network, connections=(*add, twice)
        ),
        "population 'hidden' with the bias 1..1: .*Export with --lava-dl, or ": with_population(
            network, 1, bias=np.ones(4)
        ),
        "population 'hidden' with the bias 262144": with_population(network, 1, bias=np.full(4, 2**18)),
        "population 'hidden' with a soft reset": with_population(network, 1, reset="subtract"),
        "population 'map' with a reset value other than 0": with_population(
            network, 0, reset_value=np.array([0, 0, 1])
        ),
        "population 'out' with an initial value": with_population(network, 2, initial_value=np.array([0, -1])),
        r"connection 'last', whose weights -\d+..\d+ lava-dl's .*--lava-dl": with_connection(network, 2, exponent=7),
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
        r"connection 'conv', whose weights can bring sums of \d+ in one step: Lava's Conv holds": with_connection(
            with_population(small, 0, threshold=np.full(3, 9)), 0, weights=np.full((3, 2, 2, 3), 127), exponent=7
        ),
        "connection 'conv', with 128 groups": replace(
            small,
            input=IntegerInput("image", (128, 6, 6)),
            populations=(population("map", (128, 5, 4)), *small.populations[1:]),
            connections=(
                replace(add[0], weights=np.ones((128, 1, 2, 3)), groups=128),
                replace(add[1], weights=np.ones((4, 128 * 4))),
                add[2],
            ),
        ),
        "connection 'first', whose scaled weights can bring sums of": IntegerNetwork(
            IntegerInput("image", (2**16,)),
            (population("out", (1,)),),
            (IntegerConnection("first", "image", "out", np.full((1, 2**16), 3)),),
            steps=1,
        ),
    }
    for message, refusal in refused.items():
        with pytest.raises(UserError, match=f"netx cannot hold {message}.*[rR]un it with --backend lava"):
            write_netx(refusal, tmp_path / "network.net")
    assert list(tmp_path.iterdir()) == []


def test_what_a_spike_does_to_a_potential_that_is_not_kept_has_no_effect_and_is_held(network, tmp_path):
    rng = np.random.default_rng(51)
    forgetful = {"voltage_keep": np.zeros(4), "initial_value": rng.integers(-9, 9, 4)}
    for reset in ({"reset": "subtract"}, {"reset_value": np.arange(4)}):
        held = with_population(network, 1, **forgetful, **reset)
        write_netx(held, tmp_path / "network.net")
        with pytest.raises(UserError, match="population 'hidden' with"):
            write_netx(with_population(held, 1, voltage_keep=np.array([0, 0, 0, 1])), tmp_path / "network.net")


@pytest.mark.parametrize("seed", range(8))
def test_batch_norms_with_a_shift_and_recurrence_reach_the_file_where_the_export_is_for_lava_dl(seed, tmp_path):
    floats = chain_with_norms(seed)
    exported = sd.export(floats, shift="bias", lava_dl=True)
    write_netx(exported.network, tmp_path / "network.net")
    back = sd.read_net(tmp_path / "network.net")
    assert replace(back, provenance=exported.network.provenance).digest == exported.network.digest
    assert any("biases, reset and initial values rounded, by up to" in str(block) for block in exported.blocks())
    with pytest.raises(UserError, match=r"multiples of 64 state units up to 262080\. Export with --lava-dl"):
        write_netx(sd.export(floats, shift="bias").network, tmp_path / "network.net")


def test_a_layer_that_hears_itself_and_one_of_several_delays_are_lava_dls(network):
    loop = IntegerConnection("loop", "hidden", "hidden", np.eye(4), 2, delay=1)
    late = IntegerConnection("late", "hidden", "out", [[0, 9, 0, 0], [0] * 4], delay=5)
    now = IntegerConnection("now", "hidden", "out", [[1, 0, 2, -3], [4, 5, 6, 7]], delay=0)
    layers = netx_layers(replace(network, connections=(*network.connections[:2], loop, late, now)))
    assert [layer["type"] for layer in layers] == ["input", "conv", "flatten", "dense_rec", "dense"]
    np.testing.assert_array_equal(layers[3]["weight_rec"], 4 * np.eye(4))
    np.testing.assert_array_equal(layers[4]["weight"], [[1, 9, 2, -3], [4, 5, 6, 7]])
    np.testing.assert_array_equal(layers[4]["delay"][layers[4]["weight"] != 9], 0)
    assert layers[4]["delay"][0, 1] == 5


def test_what_channels_have_of_their_own_is_written_for_each(network):
    layers = netx_layers(
        with_population(network, 0, threshold=np.array([1, 2, 3]), voltage_keep=np.array([0, 4096, 7]))
    )
    assert layers[1]["neuron/vThMant"].tolist() == [1, 2, 3]
    assert layers[1]["neuron/vDecay"].tolist() == [4096, 0, 4089]
    assert layers[1]["neuron/iDecay"] == 4096


def test_dense_weights_of_one_sign_are_kept_where_lava_dl_keeps_them(network):
    for weights in (np.full((2, 4), 127), np.full((2, 4), [0, 0, 0, 64]), np.full((2, 4), -127)):
        held = netx_layers(with_connection(network, 2, weights=weights))[-1]["weight"]
        np.testing.assert_array_equal(held, weights)
