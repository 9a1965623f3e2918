"""ONNX Runtime equals the reference: every spike, every output, every count of the exported model."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from helpers.lava_help import assert_identical
from helpers.small_network import frames, one_kernel, one_neuron
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.backends import onnx as backend
from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.export.targets._onnx import synapses
from snn_deploy.export.targets._onnx.neurons import neurons_of
from snn_deploy.export.targets.onnx import onnx_model
from snn_deploy.export.targets.onnx import write as write_onnx
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.largest_values import largest_partial_sum
from snn_deploy.support.user_error import UserError

seeds = st.integers(0, 2**32 - 1)


def require_same(network, inputs, **options):
    found = backend.run(network, inputs, record=True, **options)
    assert_identical(found, reference.run(network, inputs, record=True))


@given(seed=seeds)
@settings(max_examples=150)
def test_every_spike_and_output_of_a_random_network_equals_the_reference(seed):
    network = random_network(seed)
    require_same(network, random_inputs(network, samples=2, seed=seed))


@given(seed=seeds)
@settings(max_examples=40)
def test_connections_whose_sums_need_doubles_equal_the_reference(seed):
    network = random_network(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synapses, "EXACT_IN_FLOAT32", 1)  # as if no sum were small enough
        require_same(network, random_inputs(network, samples=2, seed=seed))


def test_the_random_networks_of_these_tests_use_every_number_type():
    networks = [random_network(seed) for seed in range(200)]
    kinds = [neurons_of(n, p).kind for n in networks for p in n.populations]
    assert {np.int32, np.int64} == set(kinds)


@pytest.mark.parametrize("inputs", [515, 516, 519, 520])
def test_float32_is_taken_as_long_as_it_is_exact(inputs):
    # 255 * 127 * 518.06 = 2^24
    network = one_neuron(127, steps=1, fires=False, inputs=inputs)
    largest = largest_partial_sum(network, network.connections[0])
    assert largest == 255 * 127 * inputs
    assert synapses.exact_type(largest) is (np.float32 if inputs < 519 else np.float64)


@given(seed=seeds, is_dense=st.booleans())
@settings(max_examples=20)
def test_sums_beyond_2_to_the_24_are_exact_to_the_last_bit(seed, is_dense):
    # Two sums beyond 2^24 that all but cancel: what each has lost to rounding is left over, in any order of addition.
    rng = np.random.default_rng(seed)
    excites = rng.integers(100, 127, 800)[None]
    inhibits = -(excites + (rng.random(excites.shape) < 0.02))
    shape, target = ((800,), (1,)) if is_dense else ((800, 1, 1), (1, 1, 1))
    connections = [
        IntegerConnection(name, "input", "out", weights if is_dense else weights[:, :, None, None])
        for name, weights in (("excites", excites), ("inhibits", inhibits))
    ]
    neurons = IntegerPopulation("out", target, 0, 0, 0, 0, fires=False)
    network = IntegerNetwork(IntegerInput("input", shape), (neurons,), tuple(connections), 1)
    images = rng.integers(200, 256, (4, *shape)).astype(np.uint8)
    assert (images.reshape(4, -1) @ excites[0] > 2**24).all()
    require_same(network, images)


def test_a_convolution_beyond_float32_is_exact():
    rng = np.random.default_rng(3)
    kernel = rng.integers(-128, 128, (6, 6))
    network = one_kernel(kernel, 40, pool=(4, 4), padding=(2, 1), stride=(2, 1))
    assert largest_partial_sum(network, network.connections[0]) > 2**24 // 2
    wide = one_kernel(np.sign(kernel) * 127, 64, pool=(5, 5), padding=(1, 2), dilation=(2, 1))
    assert largest_partial_sum(wide, wide.connections[0]) > 2**24
    for each in (network, wide):
        require_same(each, rng.integers(0, 256, (2, *each.input.shape)).astype(np.uint8))


def test_weights_of_nine_bits_are_kept():
    rng = np.random.default_rng(4)
    for sign in (1, -1):
        network = one_kernel(sign * 2 * rng.integers(0, 128, (3, 3)), 6, padding=(1, 1))
        assert network.connections[0].weights.dtype == np.int16
        require_same(network, rng.integers(0, 256, (2, 1, 6, 6)).astype(np.uint8))


@pytest.mark.parametrize("keep", [0, 1, 255, 1000, 1024, 4095, 4096])
@pytest.mark.parametrize("sign", [1, -1])
def test_decays_round_toward_zero_and_currents_wrap(keep, sign):
    network = one_neuron(sign * 64, steps=4, inputs=8, exponent=7, current_keep=keep, voltage_keep=keep)
    narrow = replace(network, input=IntegerInput("input", (8,), 4))
    assert neurons_of(narrow, narrow.output).kind is np.int32
    for each in (narrow, network):
        for values in ([4, 4, 4, 4], [2, 2, 4, 1], [2, 0, 0, 4]):
            require_same(each, frames(values, 8))


def test_an_image_shown_in_every_step_is_the_same_as_its_frames():
    network = next(n for n in map(random_network, range(100)) if n.steps > 2 and n.input.largest_value > 1)
    image = random_inputs(network, samples=3, seed=5, static=True)
    repeated = np.stack([image] * network.steps)
    assert_identical(backend.run(network, repeated, record=True), backend.run(network, image, record=True))


@pytest.mark.parametrize("source", ["output", "batch", "images", "steps", "frames"])
def test_a_layer_may_have_any_legal_name(source):
    network = one_neuron(3, steps=3, loop=(1, 2))
    neurons, entry = replace(network.output, name="input"), replace(network.input, name=source)
    ends = {"input": source, "out": "input"}
    connections = [replace(c, source=ends[c.source], target=ends[c.target]) for c in network.connections]
    renamed = IntegerNetwork(entry, (neurons,), tuple(connections), 3)
    require_same(renamed, frames([1, 0, 2]))


def test_the_exported_file_of_images_takes_images_and_their_frames(tmp_path):
    network = next(n for n in map(random_network, range(100)) if n.steps > 2 and n.input.largest_value > 1)
    write_onnx(network, tmp_path / "network.onnx")
    image = random_inputs(network, samples=3, seed=5, static=True)
    require_same(network, image, file=tmp_path / "network.onnx")
    moving = random_inputs(network, samples=3, seed=5, static=False)
    with pytest.raises(UserError, match="takes images that are shown in every step"):
        backend.run(network, moving, file=tmp_path / "network.onnx")
    write_onnx(network, tmp_path / "frames.onnx", "frames")
    for inputs in (image, moving):
        require_same(network, inputs, file=tmp_path / "frames.onnx")


def test_another_networks_file_a_damaged_and_a_missing_one_are_refused(tmp_path):
    network, other = random_network(1), random_network(2)
    inputs = random_inputs(network, samples=1, seed=1)
    file = tmp_path / "network.onnx"
    with pytest.raises(UserError, match=r"network\.onnx: no such file"):
        backend.run(network, inputs, file=file)
    write_onnx(other, file)
    with pytest.raises(UserError, match=f"was written from the network {other.digest}"):
        backend.run(network, inputs, file=file)
    write_onnx(network, file)
    whole = file.read_bytes()
    for damaged in (b"", b"no model", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=r"network\.onnx: "):
            backend.run(network, inputs, file=file)


def test_more_samples_than_fit_at_a_time_give_the_same_as_one_by_one(monkeypatch):
    network = random_network(8)
    inputs = random_inputs(network, samples=7, seed=8, static=True)
    done: list[int] = []
    monkeypatch.setattr(backend, "_SAMPLES_AT_A_TIME", 3)
    require_same(network, inputs, progress=done.append)
    assert done == [3, 3, 1]
    assert backend.run(network, inputs).spikes is None


@given(seed=seeds)
@settings(max_examples=30)
def test_the_models_own_spike_counts_are_those_of_the_reference(seed):
    network = random_network(seed, Features(most_populations=3))
    image = random_inputs(network, samples=2, seed=seed, static=True)
    session = backend._session(onnx_model(network, "images").SerializeToString())
    counted = [o.name for o in session.get_outputs() if o.name.endswith("/spike_counts")]
    expected = reference.run(network, image)
    assert counted == [f"{p.name}/spike_counts" for p in network.populations if p.fires]
    for name, counts in zip(counted, session.run(counted, {"images": image}) if counted else [], strict=True):
        np.testing.assert_array_equal(counts, expected.spike_counts[name.partition("/")[0]])


def test_what_is_missing_is_said_with_what_to_install(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name))
    with pytest.raises(
        UserError, match=r'onnxruntime not installed. Install it with `pip install "snn-deploy\[onnx\]"'
    ):
        load_backend("onnx")


def test_values_in_another_file_are_not_read(tmp_path, monkeypatch):
    network = one_kernel(np.ones((3, 3)), 6, steps=2, padding=(1, 1))
    model = onnx_model(network, "images")
    tensor = next(t for t in model.graph.initializer if len(t.raw_data) == 9)  # the kernel
    (tmp_path / "beside.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    for key, value in (("location", "beside.bin"), ("offset", "0"), ("length", "9")):
        tensor.external_data.add(key=key, value=value)
    monkeypatch.chdir(tmp_path)  # from where ONNX Runtime would read it
    (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match="takes its values from another file"):
        backend.run(network, np.ones((1, 1, 6, 6), np.uint8), file=tmp_path / "network.onnx")


@pytest.mark.parametrize("damage", ["text", "shape", "claim"])
def test_a_damaged_model_is_one_line_and_nothing_else_reaches_the_terminal(tmp_path, capfd, damage):
    network = one_kernel(np.ones((3, 3)), 6, steps=2, padding=(1, 1))
    model = onnx_model(network, "images")
    content = model.SerializeToString()
    if damage == "text":  # of an operator
        content = content.replace(b"Conv", b"Co\xffv")
    else:
        kernel = next(t for t in model.graph.initializer if len(t.raw_data) == 9)
        kernel.dims[0] = 2 if damage == "shape" else 2**62
        content = model.SerializeToString()
    (tmp_path / "network.onnx").write_bytes(content)
    with pytest.raises(UserError, match="ONNX Runtime cannot run it"):
        backend.run(network, np.ones((1, 1, 6, 6), np.uint8), file=tmp_path / "network.onnx")
    assert capfd.readouterr() == ("", "")
