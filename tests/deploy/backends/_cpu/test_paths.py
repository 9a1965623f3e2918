"""The ways in which the CPU backend adds: which one is taken, and that each is exact where it says so."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.small_network import one_neuron

from snn_deploy.deploy.backends import cpu, reference
from snn_deploy.deploy.backends._cpu import synapses as _cpu_synapses
from snn_deploy.deploy.backends._cpu.paths import int8
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.simulation import Interrupted
from snn_deploy.deploy.verification.verify import verify
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

# Where the self-test of the int8 operators fails, the simulator takes float32, and these tests have nothing to try.
needs_int8 = pytest.mark.skipif(not int8.largest_exact_value(), reason="this torch has no exact int8 operators here")


def convolution(
    shape: tuple[int, int, int], weights: tuple[int, ...], *, largest_value: int = 1, **geometry: tuple[int, int]
) -> IntegerNetwork:
    """Return a random convolution or product of an input of `shape` into neurons that never fire."""
    values = np.random.default_rng(0).integers(-128, 128, weights)
    connection = IntegerConnection("synapse", "input", "out", values, **geometry)
    return with_target(shape, connection, largest_value)


def with_target(shape: tuple[int, ...], connection: IntegerConnection, largest_value: int = 1) -> IntegerNetwork:
    c = connection
    out: tuple[int, ...] = (len(c.weights),)
    if c.weights.ndim == 4:
        out += tuple(
            (shape[1 + i] // c.pool[i] + 2 * c.padding[i] - c.dilation[i] * (c.weights.shape[2 + i] - 1) - 1)
            // c.stride[i]
            + 1
            for i in range(2)
        )
    neurons = IntegerPopulation("out", out, 0, 2048, 0, 0, fires=False)  # type: ignore[arg-type]
    return IntegerNetwork(IntegerInput("input", shape, largest_value), (neurons,), (c,), 3)


def inputs_of(network: IntegerNetwork, samples: int, density: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = (network.steps, samples, *network.input.shape)
    values = rng.integers(0, network.input.largest_value, shape, endpoint=True)
    return np.where(rng.random(shape) < density, values, 0).astype(np.uint8)


SHAPES_THAT_TORCH_GETS_WRONG = {
    "a single input": ((1, 1, 1), (8, 1), {}),
    "strides to a single column": ((3, 8, 2), (10, 3, 3, 2), {"stride": (1, 2)}),
    "both strided and dilated": ((3, 1, 5), (1, 3, 3, 5), {"stride": (2, 1), "padding": (3, 1), "dilation": (2, 1)}),
    "sums of padding alone": ((2, 4, 4), (3, 2, 1, 1), {"padding": (1, 1)}),
    "grouped convolution": ((4, 4, 4), (4, 2, 3, 3), {"groups": 2}),
}


@pytest.mark.parametrize("reason", SHAPES_THAT_TORCH_GETS_WRONG)
@pytest.mark.parametrize("samples", [1, 2, 7])
def test_shapes_that_int8_operators_get_wrong_are_refused_and_exact(reason, samples):
    shape, weights, geometry = SHAPES_THAT_TORCH_GETS_WRONG[reason]
    network = convolution(shape, weights, **geometry)
    inputs = inputs_of(network, samples)
    ready = cpu.prepared(network, "int8")
    np.testing.assert_array_equal(ready.run(inputs).outputs, reference.run(network, inputs).outputs)
    assert f"not int8: {reason}" in ready.explain(inputs)[0]


@pytest.mark.parametrize("shape", [(1, 6, 4), (1, 4, 6), (1, 1, 6), (2, 6, 1), (2, 1, 1)])
@pytest.mark.parametrize("path", ["int8", "float32", "event", "wide"])
def test_maps_with_a_side_of_one_are_exact(shape, path):
    # torch's float32 convolution computed a one-channel map of one column wrongly when it lay channels last.
    padding = (2, 2)
    network = convolution(shape, (1, shape[0], 3, 3), padding=padding, stride=(1, 2))
    inputs = inputs_of(network, 7)
    found = cpu.prepared(network, path).run(inputs).outputs
    np.testing.assert_array_equal(found, reference.run(network, inputs).outputs)


def explained(network: IntegerNetwork, inputs: np.ndarray, path: str | None = None) -> str:
    (line,) = cpu.prepared(network, path).explain(inputs)
    return line


@pytest.mark.parametrize("path", ["float32", "event", "wide"])
def test_a_forced_path_is_the_one_taken(path):
    network = convolution((8, 6, 6), (8, 8, 3, 3))
    assert explained(network, inputs_of(network, 2), path).startswith(f"synapse: {path} (6 frames)")


@needs_int8
def test_spikes_take_int8_and_few_spikes_into_many_channels_take_events():
    network = convolution((64, 8, 8), (64, 64, 3, 3))
    assert explained(network, inputs_of(network, 2)).startswith("synapse: int8 (6 frames), 50.")
    assert explained(network, inputs_of(network, 2, density=0.001)).startswith("synapse: event (6 frames), 0.")


@pytest.mark.parametrize("weight", [127, -128, 255])
@pytest.mark.parametrize("beyond", [0, 1])
def test_the_event_path_leaves_16_bits_just_where_a_sum_could(weight, beyond):
    count = (2**15 - 1) // abs(weight) + beyond  # so many active inputs sum up to 16 bits, or to one weight more
    for shape, geometry in (((count + 9,), {}), ((count + 9, 3, 3), {"padding": (1, 1)})):
        weights = np.full((64, count + 9, *([3, 3] if geometry else [])), weight)
        network = with_target(shape, IntegerConnection("synapse", "input", "out", weights, **geometry))
        inputs = np.zeros((3, 2, *shape), np.uint8)
        if geometry:
            inputs[:, 0, : count // 2, 0, 0] = inputs[:, 0, : count - count // 2, 2, 2] = 1  # meet in the middle
        else:
            inputs[:, 0, 5 : 5 + count] = 1
        found = cpu.prepared(network, "event").run(inputs).outputs
        expected = reference.run(network, inputs).outputs
        assert np.abs(expected).max() > 2**15
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("most", [1, 3, 255])
@pytest.mark.parametrize("density", [0.01, 0.2, 0.9])
def test_values_of_one_position_that_are_added_together_are_added_once(most, density):
    for geometry in ({}, {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2)}):
        network = convolution((13, 7, 6), (67, 13, 3, 3), largest_value=most, **geometry)
        inputs = inputs_of(network, 2, density)
        found = cpu.prepared(network, "event").run(inputs).outputs
        np.testing.assert_array_equal(found, reference.run(network, inputs).outputs)


def test_wider_layers_are_sparse_from_more_spikes_on_and_fewer_where_a_cpu_has_tiles(monkeypatch):
    monkeypatch.setattr(_cpu_synapses, "_has_amx", lambda: False)
    below = [_cpu_synapses.sparse_below("int8", targets) for targets in (63, 64, 128, 1024)]
    assert below[0] == 0 and below == sorted(below) and below[1] < below[2] == below[3]
    monkeypatch.setattr(_cpu_synapses, "_has_amx", lambda: True)
    assert 0 < _cpu_synapses.sparse_below("int8", 128) < below[2]
    assert _cpu_synapses.sparse_below("float32", 128) > below[2]


def test_sums_beyond_2_to_the_24_are_said_to_take_the_wide_path():
    network = one_neuron(127, steps=1, inputs=600)
    line = explained(network, np.full((1, 600), 255, np.uint8))
    assert line.startswith("synapse: wide (1 frames)")
    assert "not int8: sums beyond 2^24; not float32: sums beyond 2^24" in line


def test_weights_of_nine_bits_are_exact_in_float32():
    weights = np.random.default_rng(0).integers(0, 256, (8, 4, 3, 3))
    network = with_target((4, 6, 6), IntegerConnection("synapse", "input", "out", weights))
    inputs = inputs_of(network, 3)
    found = cpu.run(network, inputs)
    np.testing.assert_array_equal(found.outputs, reference.run(network, inputs).outputs)
    assert "float32" in explained(network, inputs) and "not int8: weights of nine bits" in explained(network, inputs)


@needs_int8
def test_a_shape_that_comes_out_wrong_takes_float32_and_says_so(monkeypatch):
    right = int8._convolve
    monkeypatch.setattr(int8, "_convolve", lambda values, *rest: right(values, *rest) + (values.shape[0] == 6))
    network = convolution((4, 6, 6), (4, 4, 3, 3))
    inputs = inputs_of(network, 2)
    np.testing.assert_array_equal(cpu.run(network, inputs).outputs, reference.run(network, inputs).outputs)
    assert "int8 (6 frames) in float32, as torch's int8 operator is wrong for this shape" in explained(network, inputs)


def test_without_the_int8_operators_float32_is_taken_and_said(monkeypatch):
    monkeypatch.setattr(int8, "largest_exact_value", lambda: 0)
    network = convolution((4, 6, 6), (4, 4, 3, 3))
    line = explained(network, inputs_of(network, 2))
    assert line.startswith("synapse: float32") and "values up to 1; this CPU's int8 sums are exact up to 0" in line


_CHILD = """
import json
import torch
from snn_deploy.deploy.backends import cpu, reference
from snn_deploy.deploy.backends._cpu.paths import int8
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.deploy.running.simulation import joined
import numpy as np
lines, wrong = [], []
for seed in range(80):
    network = random_network(seed)
    inputs = random_inputs(network, samples=1 + seed % 8, seed=seed)
    ready = cpu.prepared(network, "int8")
    found, expected = ready.run(inputs, record=True), reference.run(network, inputs, record=True)
    if any(not np.array_equal(found.spikes[n], expected.spikes[n]) for n in expected.spikes):
        wrong.append(seed)
    lines += [str(s) for layer in ready.layers.values() for s in layer.synapses]
print(json.dumps({"largest": int8.largest_exact_value(), "lines": lines, "wrong": wrong}))
"""


@pytest.mark.parametrize("instructions", ["AVX2", "AVX512_CORE"])
def test_older_instruction_sets_are_found_out_and_stay_exact(instructions):
    # oneDNN then multiplies without VNNI, as older CPUs do, and pairs of products saturate at 16 bits.
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": instructions}
    run = subprocess.run([sys.executable, "-c", _CHILD], env=environment, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert found["wrong"] == []
    if platform.machine() in ("x86_64", "AMD64"):
        assert found["largest"] <= 127
        if found["largest"]:
            assert any(": int8" in line for line in found["lines"])
            assert any("this CPU's int8 sums are exact up to" in line for line in found["lines"])


def test_a_callers_autocast_changes_nothing():
    network = convolution((4, 6, 6), (4, 4, 3, 3), largest_value=255)
    inputs = inputs_of(network, 2)
    with torch.autocast("cpu"):
        found = cpu.prepared(network, "float32").run(inputs)
    np.testing.assert_array_equal(found.outputs, reference.run(network, inputs).outputs)


def test_a_path_is_a_variant_of_the_backend_for_every_verb():
    network = convolution((4, 6, 6), (4, 4, 3, 3))
    names = ("reference", "cpu", "cpu:int8", "cpu:float32", "cpu:event", "cpu:wide")
    assert verify(network, inputs_of(network, 2), names).is_identical
    assert [load_backend(n).why_unavailable() for n in names] == [None] * len(names)


@pytest.mark.parametrize(
    ("name", "words"),
    [("cpu:fast", r"no plug-in named 'fast'.* event, float32, int8, wide"), ("reference:x", "variants")],
)
def test_a_variant_that_does_not_exist_is_refused(name, words):
    with pytest.raises(UserError, match=words):
        load_backend(name)


def test_an_interrupt_keeps_the_samples_that_were_done(monkeypatch):
    network = convolution((4, 6, 6), (4, 4, 3, 3))
    inputs = inputs_of(network, 7)
    monkeypatch.setattr(cpu, "_SAMPLES_AT_A_TIME", 3)
    done: list[int] = []

    def stop(count: int) -> None:
        done.append(count)
        if sum(done) == 6:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as interrupt:
        cpu.run(network, inputs, progress=stop)
    kept = interrupt.value.simulation
    assert kept is not None
    np.testing.assert_array_equal(kept.outputs, reference.run(network, inputs).outputs[:6])


def test_spikes_larger_than_the_memory_are_refused_before_the_run(monkeypatch):
    network = convolution((4, 6, 6), (4, 4, 3, 3))
    monkeypatch.setattr("os.sysconf", lambda name: 10)
    with pytest.raises(UserError, match=r"the spikes of 2 samples take .* Take fewer samples"):
        cpu.run(network, inputs_of(network, 2), record=True)


def test_a_memory_that_does_not_do_is_said_with_the_population(monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    network = convolution((4, 6, 6), (4, 4, 3, 3))
    monkeypatch.setattr(_cpu_synapses.Synapses, "deliver", fail)
    with pytest.raises(UserError, match=r"population 'out': 2 samples of 192 neuron-steps did not fit"):
        cpu.run(network, inputs_of(network, 2))
