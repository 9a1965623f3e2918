"""lava-dl's files come in: spike for spike what lava-dl itself does with them, and what our exporter wrote."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from helpers.equal_networks import first_difference
from helpers.pilotnet import LAYERS, NETWORK, needs_pilotnet, trace
from helpers.random_net import random_net

from snn_deploy.deploy.backends import cpu, lava, netx
from snn_deploy.deploy.verification.random_network import random_inputs
from snn_deploy.export.targets.loihi import write
from snn_deploy.interchange.lava_dl.reading import NetReading
from snn_deploy.interchange.read_net import read_net
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

STEPS = 12


def blocks():
    """Return lava-dl's blocks of CUBA neurons, after the import that needs opencv."""
    pytest.importorskip("cv2", reason="lava-dl's slayer needs opencv")
    slayer = pytest.importorskip("lava.lib.dl.slayer", reason="lava-dl is not installed")
    return slayer.block.cuba


def neuron(**options):
    # lava-dl fires at the threshold while it trains, and above it in its files: an odd one is not met by even weights.
    return {"threshold": 63 / 64, "current_decay": 1.0, "voltage_decay": 0.25, "requires_grad": False} | options


def layers_of(name):
    """Return a chain of lava-dl's layers that a test is about; inputs have two channels of 8 x 8 spikes."""
    b = blocks()

    def no_shift(scale=3.0):
        return {"weight_scale": scale, "delay_shift": False}

    if name == "maps":
        return [
            b.Conv(neuron(), 2, 4, 3, padding=1, **no_shift()),
            b.Pool(neuron(), 2, delay_shift=False),
            b.Conv(neuron(), 4, 6, 3, stride=2, groups=2, **no_shift()),
            b.Flatten(),
            b.Dense(neuron(), 6, 10, **no_shift(6)),
            b.Dense(neuron(), 10, 5, **no_shift(8)),
        ]
    if name == "currents that are remembered":
        slow = neuron(current_decay=0.5, voltage_decay=0.1)
        return [
            b.Conv(slow, 2, 4, (3, 1), stride=(2, 1), padding=(1, 0), dilation=(1, 2), **no_shift()),
            b.Flatten(),
            b.Dense(slow, 128, 6, **no_shift()),
        ]
    if name == "recurrent":
        return [
            b.Flatten(),
            b.Recurrent(neuron(), 128, 8, **no_shift(8)),
            b.Dense(neuron(), 8, 4, **no_shift(8)),
        ]
    if name == "delays":
        delayed = b.Dense(neuron(), 128, 6, delay=True, **no_shift(8))
        return [b.Flatten(), delayed, b.Dense(neuron(), 6, 4, **no_shift(8))]
    raise AssertionError(name)


def written(layers, path):
    """Write the file of `layers` behind an input without neurons."""
    with h5py.File(path, "w") as file:
        first = file.create_group("layer/0")
        first.create_dataset("type", (1,), "S10", [b"input"])
        first.create_dataset("shape", data=[2, 8, 8])
        for i, layer in enumerate(layers, start=1):
            layer.export_hdf5(file.create_group(f"layer/{i}"))
    return path


def spikes_of(layers, x):
    """Return what lava-dl's layers make of x, (2, 8, 8, steps): of each with neurons, (steps, neurons)."""
    found, y = [], torch.from_numpy(x)[None]
    for layer in layers:
        y = layer(y)
        if hasattr(layer, "neuron"):
            found.append(y.detach().numpy()[0].reshape(-1, STEPS).T)
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["maps", "currents that are remembered", "recurrent", "delays"])
def test_every_spike_is_that_of_lava_dls_own_layers(name, seed, tmp_path):
    torch.manual_seed(seed)
    layers = layers_of(name)
    rng = np.random.default_rng(seed)
    x = (rng.random((2, 8, 8, STEPS)) < 0.3).astype(np.float32)
    theirs = spikes_of(layers, x)  # the first call: recurrent layers remember their last spikes
    if name == "delays":
        layers[1].delay.delay.data = torch.from_numpy(rng.integers(0, 4, 6).astype(np.float32))
        theirs = spikes_of(layers, x)
    network = read_net(written(layers, tmp_path / "lava.net"), NetReading(steps=STEPS))
    ours = integer_semantics.run(network, np.moveaxis(x, -1, 0)[:, None].astype(np.uint8))
    assert len(theirs) == len(network.populations)
    for population, expected in zip(network.populations, theirs, strict=True):
        np.testing.assert_array_equal(ours.spikes[population.name].reshape(STEPS, -1), expected)
    assert sum(s.sum() for s in theirs[:-1]) > 4


def test_delays_become_one_connection_each(tmp_path):
    torch.manual_seed(0)
    layers = layers_of("delays")
    spikes_of(layers, np.zeros((2, 8, 8, STEPS), np.float32))
    layers[1].delay.delay.data = torch.tensor([0.0, 2.0, 2.7, 0.0, 5.0, 2.0])
    network = read_net(written(layers, tmp_path / "lava.net"), NetReading(steps=STEPS))
    assert [c.delay for c in network.connections] == [0, 2, 5, 0]


@pytest.mark.skipif(netx.why_unavailable() is not None, reason=str(netx.why_unavailable()))
def test_lava_dls_reader_does_with_its_file_what_we_do(tmp_path):
    torch.manual_seed(1)
    b = blocks()
    layers = [
        b.Conv(neuron(), 2, 4, 3, padding=1, weight_scale=3),
        b.Flatten(),
        b.Dense(neuron(), 256, 6, weight_scale=3),
    ]
    spikes_of(layers, np.zeros((2, 8, 8, STEPS), np.float32))
    path = written(layers, tmp_path / "lava.net")
    network = read_net(path, NetReading(steps=4))
    inputs = (np.random.default_rng(0).random((4, 3, 2, 8, 8)) < 0.3).astype(np.uint8)

    def provide(files):
        shutil.copyfile(path, files.exchange)

    theirs = lava.run_job(netx._TASK, network, inputs, provide, record=True, progress=None, timeout=600)
    ours = cpu.run(network, inputs, record=True)
    for population in network.populations:
        np.testing.assert_array_equal(theirs.spikes[population.name], ours.spikes[population.name])


def test_input_neurons_turn_whole_numbers_into_spikes(tmp_path):
    b = blocks()
    torch.manual_seed(2)
    entry = b.Input(neuron(), weight=1.0, bias=0.0, delay_shift=False)
    dense = b.Dense(neuron(), 128, 6, weight_scale=3, delay_shift=False)
    layers = [entry, b.Flatten(), dense]
    values = 2 * np.random.default_rng(2).integers(0, 50, (2, 8, 8)).astype(np.float32)  # lava-dl rounds to even ones
    x = np.repeat(values[..., None], STEPS, axis=-1) / 64  # lava-dl counts 64 as 1
    theirs = spikes_of(layers, x)
    with h5py.File(tmp_path / "lava.net", "w") as file:
        for i, layer in enumerate(layers):
            layer.export_hdf5(file.create_group(f"layer/{i}"))
    network = read_net(tmp_path / "lava.net", NetReading(steps=STEPS))
    assert (network.input.largest_value, [p.name for p in network.populations]) == (255, ["input_neurons", "dense1"])
    ours = integer_semantics.run(network, np.broadcast_to(values.astype(np.uint8), (STEPS, 1, 2, 8, 8)))
    for population, expected in zip(network.populations, theirs, strict=True):
        np.testing.assert_array_equal(ours.spikes[population.name].reshape(STEPS, -1), expected)
    without = read_net(tmp_path / "lava.net", NetReading(steps=STEPS, input_neurons=False))
    assert (without.input.largest_value, [p.name for p in without.populations]) == (1, ["dense1"])


@needs_pilotnet
def test_pilotnet_does_what_intels_software_did_with_it():
    network = read_net(NETWORK)
    assert network.steps == 16
    steps, frame = 17, trace("image")[None].astype(np.uint8)  # a sample lasts 17 steps in the traces
    ours = integer_semantics.run(replace(network, steps=steps), np.broadcast_to(frame, (steps, *frame.shape)))
    compared = 0
    for lag, (name, population) in enumerate(zip(LAYERS, network.populations[:-1], strict=True)):
        spikes = trace(name)[lag:steps]
        pairs = [(ours.spikes[population.name], spikes, np.ones(spikes.shape, bool))]
        if lag >= 2:  # the first two have no traces of their states
            pairs.append((ours.currents[population.name], trace(f"{name}-u")[lag:steps], np.ones(spikes.shape, bool)))
            # Of a neuron that fired, the trace holds a counter.
            pairs.append((ours.left[population.name], trace(f"{name}-v")[lag:steps], spikes == 0))
        for mine, theirs, counts in pairs:
            assert ((mine[: steps - lag, 0] == theirs) | ~counts).all(), (name, lag)
            compared += int(counts.sum())
    assert compared > 2_849_976


@pytest.mark.parametrize("seed", range(60))
def test_our_own_file_comes_back_as_the_same_network(seed, tmp_path):
    network = random_net(seed)
    write(network, tmp_path / "network.net")
    back = read_net(tmp_path / "network.net")
    assert first_difference(replace(back, provenance=network.provenance), network) is None
    assert replace(back, provenance=network.provenance).digest == network.digest


@pytest.mark.parametrize("seed", range(12))
def test_without_the_statement_our_own_file_does_the_same(seed, tmp_path):
    """What lava-dl's reader sees is the network, but for the largest input value and where the output integrates."""
    network = random_net(seed)
    write(network, tmp_path / "network.net")
    with h5py.File(tmp_path / "network.net", "a") as file:
        del file["snn_deploy"]
    back = read_net(tmp_path / "network.net", NetReading(network.steps, network.input.largest_value))
    inputs = random_inputs(network, 3, seed)
    expected, found = (cpu.run(n, inputs, record=True) for n in (network, back))
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    for mine, theirs in zip(back.populations, network.populations, strict=True):
        np.testing.assert_array_equal(found.spikes[mine.name], expected.spikes[theirs.name])


@pytest.fixture
def stated(tmp_path):
    """Return a function that writes a file of ours whose statement `change` has changed: fields -> None."""

    def make(change):
        network = IntegerNetwork(
            IntegerInput("in", (1, 4, 4), 1),
            (
                IntegerPopulation("map", (1, 2, 2), 3, 100, 0, 0),
                IntegerPopulation("out", (2,), 3, 100, 0, 0, fires=False),
            ),
            (
                IntegerConnection("a", "in", "map", [[[[4]]]], 1, pool=(2, 2)),
                IntegerConnection("b", "map", "out", [[1, 2, 3, -4]] * 2),
            ),
            steps=2,
        )
        path = tmp_path / "ours.net"
        write(network, path)
        with h5py.File(path, "a") as file:
            fields = json.loads(file["snn_deploy/statement"][()])
            change(fields)
            del file["snn_deploy/statement"]
            file["snn_deploy/statement"] = json.dumps(fields).encode()
        return path

    return make


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f["populations"].pop(), "names for 1 layers, and there are 2"),
        (lambda f: f["populations"][0].update(fires=False), "map fires in the file"),
        (lambda f: f["populations"][0].update(without_effect={"threshold": [9]}), "map has a second threshold"),
        (lambda f: f["populations"][0].update(without_effect={"bias": [9]}), "map with bias"),
        (lambda f: f["populations"][0].update(without_effect={"reset": "subtract"}), "map with a reset"),
        (lambda f: f["populations"][1].update(without_effect={"initial_value": [1, 0]}), "out with a reset or an init"),
        (lambda f: f["populations"][1].update(without_effect={"threshold": ["x"]}), "threshold"),
        (lambda f: f["connections"][0].update(exponent=7), "a with weights or a geometry"),
        (lambda f: f["connections"][0].update(exponent=-1), "exponent"),
        (lambda f: f["connections"][0].update(pool=[0, 2]), "a with pooling"),
        (lambda f: f["connections"][0].update(pool=[10**9, 2]), "a with pooling"),
        (lambda f: f["connections"][0].update(pool=[2]), "not enough values"),
        (lambda f: f["connections"][0].update(dilation=[0, 1]), "slice step cannot be zero"),
        (lambda f: f["connections"][1].update(source="in"), "no layer from input to dense1"),
        (lambda f: f["connections"][1].update(source="nowhere"), "nowhere"),
        (lambda f: f["connections"].pop(), "1 connections more in the file"),
    ],
)
def test_a_statement_that_is_not_of_its_layers_is_refused(stated, change, reason):
    path = stated(change)
    with pytest.raises(UserError, match=f"ours.net: a damaged statement of snn-deploy .*{reason}") as refused:
        read_net(path)
    assert "\n" not in str(refused.value)


def test_a_statement_where_none_belongs_is_refused(stated):
    path = stated(lambda fields: None)
    with h5py.File(path, "a") as file:
        del file["snn_deploy"]
        file["snn_deploy"] = 3.5
    with pytest.raises(UserError, match="a damaged statement of snn-deploy"):
        read_net(path)


@pytest.fixture
def plain(tmp_path):
    """Return a function that writes a small legal file with changes: path in the file -> value, None deletes."""

    def make(**changes):
        fields = {
            "layer/0/type": b"input",
            "layer/0/shape": [3],
            "layer/1/type": b"dense",
            "layer/1/shape": [2],
            "layer/1/weight": [[1.0, 2, 3], [4, 5, 6]],
            "layer/1/neuron/type": b"CUBA",
            "layer/1/neuron/vThMant": 5,
            "layer/1/neuron/vDecay": 100,
            "layer/1/neuron/iDecay": 4096,
        } | {name.replace("__", "/"): value for name, value in changes.items()}
        with h5py.File(tmp_path / "a.net", "w") as file:
            for name, value in fields.items():
                if value is not None:
                    file[name] = value
        return tmp_path / "a.net"

    return make


ONE = NetReading(steps=1)


def test_fields_are_read_as_lava_dl_reads_them(plain):
    with pytest.raises(UserError, match=r"weights -401\.\.192; taken are"):
        read_net(plain(layer__1__weight=[2, -401, 192, 0, 0, 0]), ONE)
    fields = {"layer__1__bias": [3, -4], "layer__1__neuron__wgtExp": 2, "layer__1__weight": [200, -40, 8] * 2}
    network = read_net(plain(**fields), ONE)
    (neurons,), (synapses,) = network.populations, network.connections
    assert (neurons.bias.tolist(), neurons.threshold.tolist()) == ([192, -256], [5, 5])
    assert (neurons.voltage_keep.tolist(), neurons.current_keep.tolist()) == ([3996, 3996], [0, 0])
    assert (synapses.weights.tolist(), synapses.exponent) == ([[100, -20, 4]] * 2, 3)


def test_a_last_layer_that_cannot_fire_integrates(plain):
    assert not read_net(plain(layer__1__neuron__vThMant=131071, layer__1__neuron__vDecay=0), ONE).output.fires
    assert read_net(plain(layer__1__neuron__vThMant=131071), ONE).output.fires
    assert not read_net(plain(layer__1__neuron__vThMant=131072), ONE).output.fires
    assert not read_net(plain(layer__1__neuron__vThMant=[131072, 2**18 - 1]), ONE).output.fires


def test_a_layer_without_a_neuron_integrates_in_its_current_and_adds_its_bias_once(plain):
    """lava-dl's reader: iDecay 0, vDecay 4096."""
    fields = {f"layer__1__neuron__{name}": None for name in ("type", "vThMant", "vDecay", "iDecay")}
    network = read_net(plain(layer__1__bias=[10, 0], **fields), NetReading(steps=3))
    found = integer_semantics.run(network, np.ones((3, 1, 3), np.uint8))
    assert (found.potentials["dense1"][-1, 0] // 64).tolist() == [3 * 6 + 10, 3 * 15]


def test_thresholds_and_decays_may_differ_between_channels(plain):
    fields = {"vThMant": [5, 6], "vDecay": [100, 0], "iDecay": [4096, 0]}
    network = read_net(plain(**{f"layer__1__neuron__{name}": value for name, value in fields.items()}), ONE)
    assert network.output.threshold.tolist() == [5, 6]
    assert network.output.voltage_keep.tolist() == [3996, 4096]
    assert network.output.current_keep.tolist() == [0, 4096]


def test_each_input_neuron_of_a_vector_hears_its_own_number(plain):
    fields = {"type": b"CUBA", "vThMant": 4, "vDecay": 0, "iDecay": 4096}
    network = read_net(plain(**{f"layer__0__neuron__{name}": value for name, value in fields.items()}), ONE)
    assert network.input.shape == (3, 1, 1)
    found = integer_semantics.run(network, np.array([4, 5, 0], np.uint8).reshape(1, 1, 3, 1, 1))
    assert found.spikes["input_neurons"].ravel().tolist() == [0, 1, 0]


def test_an_average_sums_groups(plain):
    network = read_net(plain(layer__2__type=b"average", layer__2__shape=[1]), ONE)
    assert network.connections[1].weights.tolist() == [[1, 1]]
    assert not network.output.fires


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer__1__neuron__refDelay": 2}, r"layer 1 \(dense\): neuron/refDelay is 2; taken is 1"),
        ({"layer__1__neuron__type": b"SDNN"}, "neurons of type 'SDNN'; taken are CUBA and LOIHI.*Sigma-delta"),
        ({"layer__1__neuron__type": b"RF_PHASE"}, "neurons of type 'RF_PHASE'"),
        ({"layer__1__neuron__gradedSpike": True}, "neuron/gradedSpike is 1; taken is 0"),
        (
            {"layer__1__neuron__vDecay": [1, 2, 3]},
            "neuron/vDecay has 3 numbers; taken are one, or one for each channel",
        ),
        ({"layer__1__neuron__weight_exp": 1.0}, "neuron/weight_exp is 1; taken is 0.*batch norm"),
        (
            {
                "layer__1__type": b"dense_rec",
                "layer__1__weight_rec": [[1, 2]] * 2,
                "layer__1__delay": [0, 1],
            },
            "delays of a recurrent layer",
        ),
        ({"layer__1__neuron__vThMant": None}, "no neuron/vThMant"),
        ({"layer__1__neuron__iDecay": 5000}, r"a\.net, layer 1 \(dense\): population 'dense1': current_keep"),
        (
            {"layer__0__shape": [1, 2, 3], "layer__1__type": b"conv", "layer__1__weight": [[[[1]]]] * 2}
            | {
                f"layer__1__{n}": v
                for n, v in {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "shape": [2, 2, 2]}.items()
            },
            r"a\.net: connection 'input-conv1': brings shape",
        ),
        ({"layer__1__neuron__wgtExp": -1}, "neuron/wgtExp is -1; taken are 0 to 7"),
        ({"layer__1__type": b"convT"}, "transposed convolutions are not taken; taken are input, conv"),
        ({"layer__1__type": b"kwta"}, "layers of the type 'kwta' are not taken"),
        ({"layer__1__weight": [[1.5, 2, 3], [4, 5, 6]]}, "weight holds numbers that are not whole.*Quantize it"),
        ({"layer__1__weight": [[np.nan, 2, 3], [4, 5, 6]]}, "weight holds numbers that are not whole"),
        ({"layer__1__weight": [1, 2, 3]}, "3 weights from 3 to 2 neurons"),
        ({"layer__1__weight": None, "layer__1__weight__real": [1]}, "complex weights"),
        ({"layer__1__bias": [1, 2, 3]}, "3 biases for 2 channels"),
        ({"layer__1__delay": [1, 70]}, "delays 1..70; taken are 0 to 62"),
        ({"layer__1__delay": [1, 2, 3, 4]}, "4 delays of 3 inputs and 2 neurons"),
        ({"layer__0__shape": [1 << 20, 1 << 20, 4]}, "taken are up to 16777216 neurons"),
        ({"layer__2__type": b"average", "layer__2__shape": [3]}, "an average of 2 neurons in 3 groups"),
        ({"layer__0__type": b"dense"}, "the first layer is no input with a shape"),
        ({"layer__1__type": None}, "layer 1: it says no type"),
        ({"layer__2__type": b"input", "layer__2__shape": [3]}, "a second input"),
        ({"layer__1__type": b"conv"}, "a layer of maps behind .* which is no map"),
        ({"snn_deploy__statement": b"{}"}, "a damaged statement of snn-deploy"),
    ],
)
def test_what_is_not_taken_is_named_with_its_layer(plain, changes, message):
    path = plain(**changes)
    with pytest.raises(UserError, match=message) as refused:
        read_net(path, ONE)
    assert "\n" not in str(refused.value)


def test_steps_are_asked_for(plain):
    with pytest.raises(UserError, match="Give --steps N"):
        read_net(plain())
    assert read_net(plain(simulation__tSample=7)).steps == 7
    assert read_net(plain(simulation__tSample=7), NetReading(steps=3)).steps == 3


def test_what_is_no_such_file_is_one_line(tmp_path):
    for content in (b"", b"\x89HDF\r\n\x1a\n" + bytes(50)):
        (tmp_path / "a.net").write_bytes(content)
        with pytest.raises(UserError, match=r"not a whole file of lava-dl \(.net\)"):
            read_net(tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "w") as file:
        file["node"] = 1
    with pytest.raises(UserError, match="no group 'layer'"):
        read_net(tmp_path / "a.net")
