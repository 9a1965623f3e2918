"""Other frameworks run the NIR files that are written, and files that they write mean what they simulate.

Weights are multiples of 1/8 and decays of 1/4, so that float32 makes no rounding error and every spike must be equal.
"""

import math

import nir
import numpy as np
import pytest
import torch

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.interchange.write_nir import write_nir
from snn_deploy.network import integer_semantics
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.float_semantics import run
from snn_deploy.rounding.limits import Limits

STEPS = 8


@pytest.fixture
def snntorch():
    pytest.importorskip("nirtorch", reason="nirtorch is not installed (the group dev has it)")
    return pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")


@pytest.fixture
def spikingjelly():
    pytest.importorskip("nirtorch", reason="nirtorch is not installed (the group dev has it)")
    return pytest.importorskip("spikingjelly.activation_based", reason="spikingjelly is not installed (needs 3.11)")


def eighths(rng, *shape):
    return rng.integers(-8, 11, shape) / 8


def image_network(rng, *, current_keep, at_threshold, sums):
    """A convolution, average pooling, a dense layer and an output that fires, or only sums."""
    entry = FloatInput("image", (1, 8, 8), 1, 1.0)
    output = {"threshold": 1.0, "voltage_keep": 0.5, "current_keep": 0.0, "fires_at_threshold": at_threshold}
    output |= {"voltage_keep": 1.0, "fires": False} if sums else {}
    populations = (
        FloatPopulation("conv", (4, 8, 8), 1.0, 0.5, 0.0, fires_at_threshold=at_threshold, bias=0.125),
        FloatPopulation("fc", (20,), 1.0, 0.75, current_keep, fires_at_threshold=at_threshold),
        FloatPopulation("out", (5,), **output),
    )
    connections = (
        FloatConnection("image-conv", "image", "conv", eighths(rng, 4, 1, 3, 3), padding=(1, 1)),
        FloatConnection("conv-fc", "conv", "fc", eighths(rng, 20, 64), pool=(2, 2), pool_mode="average"),
        FloatConnection("fc-out", "fc", "out", eighths(rng, 5, 20)),
    )
    return FloatNetwork(entry, populations, connections, STEPS)


def expected_output(network, frames):
    """What the Output of the file shows in each step."""
    trace = run(network, frames)
    if network.output.fires:
        return trace.spikes[network.output.name]
    return np.diff(trace.potentials[network.output.name], axis=0, prepend=0)


def stepped(module, frames, dtype):
    """Return what a module that takes and gives a state puts out, step by step."""
    state, outputs = None, []
    for frame in frames:
        output, state = module(torch.tensor(frame, dtype=dtype), state)
        outputs.append(output.detach().numpy().reshape(len(frame), -1))
    return np.stack(outputs)


@pytest.mark.parametrize(("current_keep", "sums"), [(0.0, False), (0.5, False), (0.0, True)])
def test_snntorch_runs_the_written_file_spike_for_spike(snntorch, tmp_path, current_keep, sums):
    rng = np.random.default_rng(11)
    network = image_network(rng, current_keep=current_keep, at_threshold=False, sums=sums)
    write_nir(network, tmp_path / "network.nir")
    from snntorch.import_nir import import_from_nir  # noqa: PLC0415

    for _ in range(3):  # one sample at a time: its Flatten takes the axis of the batch too
        frames = rng.integers(0, 2, (STEPS, 1, 1, 8, 8))
        module = import_from_nir(nir.read(tmp_path / "network.nir"))
        expected = expected_output(network, frames)
        assert expected.any()
        np.testing.assert_array_equal(stepped(module, frames, torch.float32), expected)


@pytest.mark.parametrize(("current_keep", "sums"), [(0.0, False), (0.5, False), (0.0, True)])
def test_spikingjelly_runs_the_written_file_spike_for_spike(spikingjelly, tmp_path, current_keep, sums):
    rng = np.random.default_rng(12)
    network = image_network(rng, current_keep=current_keep, at_threshold=True, sums=sums)
    write_nir(network, tmp_path / "network.nir")
    from spikingjelly.activation_based.nir_exchange import import_from_nir  # noqa: PLC0415

    frames = rng.integers(0, 2, (STEPS, 5, 1, 8, 8))
    expected = expected_output(network, frames)
    assert expected.any()
    np.testing.assert_array_equal(stepped(import_from_nir(tmp_path / "network.nir"), frames, torch.float32), expected)


@pytest.mark.parametrize("shape", [(12,), (3, 4, 5)], ids=["dense", "map"])
@pytest.mark.parametrize("current_keep", [0.0, 0.5])
def test_spikingjelly_runs_a_written_loop_spike_for_spike(spikingjelly, tmp_path, current_keep, shape):
    rng = np.random.default_rng(13)
    channels, *sides = shape
    entry, kernel = (9, *sides)[: len(shape)], [3] * len(sides)
    padding = {"padding": (1, 1)} if sides else {}
    populations = (
        FloatPopulation("loop", shape, 1.0, 0.5, current_keep),
        FloatPopulation("out", (5,), 1.0, 1.0, 0.0),
    )
    connections = (
        FloatConnection("in-loop", "in", "loop", eighths(rng, channels, 9, *kernel), **padding),
        FloatConnection("loop-loop", "loop", "loop", eighths(rng, channels, channels, *kernel), delay=1, **padding),
        FloatConnection("loop-out", "loop", "out", eighths(rng, 5, math.prod(shape))),
    )
    network = FloatNetwork(FloatInput("in", entry, 1, 1.0), populations, connections, STEPS)
    write_nir(network, tmp_path / "network.nir")
    from spikingjelly.activation_based.nir_exchange import import_from_nir  # noqa: PLC0415

    frames = rng.integers(0, 2, (STEPS, 4, *entry))
    expected = expected_output(network, frames)
    assert expected.any()
    np.testing.assert_array_equal(stepped(import_from_nir(tmp_path / "network.nir"), frames, torch.float32), expected)


def on_eighths(module, rng):
    """Put the weights of a torch module on multiples of 1/8."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim:
                parameter.copy_(torch.tensor(eighths(rng, *parameter.shape)))
    return module


def verified_in_integers(network, rng):
    """Export to integers, run reference and cpu on spikes, and return the number of spikes, which agree."""
    integers = to_integer_network(network, Limits()).network
    images = rng.integers(0, 2, (6, *integers.input.shape), dtype=np.uint8)
    trace = integer_semantics.run(integers, np.broadcast_to(images, (STEPS, *images.shape)))
    found = load_backend("cpu").run(integers, images, record=True)
    for name, spikes in found.spikes.items():
        np.testing.assert_array_equal(spikes, trace.spikes[name])
    return int(sum(trace.spikes[p.name].sum() for p in integers.populations))


def test_a_network_of_snntorch_comes_in_through_its_own_exporter(snntorch, tmp_path):
    rng = np.random.default_rng(14)

    def leaky(keep, *shape):
        keep, threshold = torch.full(shape, keep), torch.ones(shape)
        return snntorch.Leaky(keep, threshold=threshold, init_hidden=True, reset_mechanism="zero")

    synaptic = snntorch.Synaptic(
        torch.full((10,), 0.5), torch.full((10,), 0.75), threshold=torch.ones(10), init_hidden=True,
        reset_mechanism="zero", reset_delay=False,
    )  # fmt: skip
    weights = [torch.nn.Conv2d(1, 3, 3), torch.nn.Linear(27, 10), torch.nn.Linear(10, 5, bias=False)]
    net = torch.nn.Sequential(
        on_eighths(weights[0], rng), leaky(0.5, 3, 6, 6), torch.nn.AvgPool2d(2), torch.nn.Flatten(),
        on_eighths(weights[1], rng), synaptic, on_eighths(weights[2], rng), leaky(0.25, 5),
    )  # fmt: skip
    from snntorch.export_nir import export_to_nir  # noqa: PLC0415

    nir.write(tmp_path / "a.nir", export_to_nir(net, torch.rand(1, 1, 8, 8), ignore_dims=[0]))

    network = read_nir(tmp_path / "a.nir", NirReading(steps=STEPS, largest_value=1))

    frames = rng.integers(0, 2, (STEPS, 4, 1, 8, 8))
    for neurons in (net[1], net[5], net[7]):
        neurons.reset_mem()
    theirs = np.stack([net(torch.tensor(f, dtype=torch.float32)).detach().numpy() for f in frames])
    ours = run(network, frames).spikes[network.output.name]
    assert 0 < ours.mean() < 1
    np.testing.assert_array_equal(ours, theirs)


def test_a_network_of_spikingjelly_comes_in_through_its_own_exporter_and_goes_out_in_integers(spikingjelly, tmp_path):
    rng = np.random.default_rng(15)
    from spikingjelly.activation_based import functional, layer, neuron  # noqa: PLC0415
    from spikingjelly.activation_based.nir_exchange import export_to_nir  # noqa: PLC0415

    net = torch.nn.Sequential(
        on_eighths(layer.Conv2d(1, 3, 3), rng), neuron.LIFNode(tau=2.0, decay_input=False), layer.AvgPool2d(2),
        layer.Flatten(), on_eighths(layer.Linear(27, 10, bias=False), rng), neuron.LIFNode(tau=4.0, v_reset=-0.5),
        on_eighths(layer.Linear(10, 5, bias=False), rng), neuron.IFNode(),
    )  # fmt: skip
    export_to_nir(net, torch.rand(1, 1, 8, 8), save_path=tmp_path / "a.nir")

    network = read_nir(tmp_path / "a.nir", NirReading(steps=STEPS, largest_value=1, fires_at_threshold=True))

    frames = rng.integers(0, 2, (STEPS, 4, 1, 8, 8))
    functional.reset_net(net)
    theirs = np.stack([net(torch.tensor(f, dtype=torch.float32)).detach().numpy() for f in frames])
    ours = run(network, frames).spikes[network.output.name]
    assert 0 < ours.mean() < 1
    np.testing.assert_array_equal(ours, theirs)


def test_a_file_of_spikingjelly_goes_out_in_integers(spikingjelly, tmp_path):
    rng = np.random.default_rng(16)
    from spikingjelly.activation_based import layer, neuron  # noqa: PLC0415
    from spikingjelly.activation_based.nir_exchange import export_to_nir  # noqa: PLC0415

    net = torch.nn.Sequential(
        on_eighths(layer.Conv2d(1, 3, 3, bias=False), rng), neuron.LIFNode(tau=2.0), layer.AvgPool2d(2),
        layer.Flatten(), on_eighths(layer.Linear(27, 5, bias=False), rng), neuron.IFNode(),
    )  # fmt: skip
    export_to_nir(net, torch.rand(1, 1, 8, 8), save_path=tmp_path / "a.nir")
    network = read_nir(tmp_path / "a.nir", NirReading(steps=STEPS, largest_value=1, fires_at_threshold=True))
    assert verified_in_integers(network, rng) > 100


def test_a_file_of_snntorch_goes_out_in_integers(snntorch, tmp_path):
    rng = np.random.default_rng(17)

    def leaky(*shape):
        return snntorch.Leaky(torch.full(shape, 0.5), threshold=torch.ones(shape), init_hidden=True)

    net = torch.nn.Sequential(on_eighths(torch.nn.Linear(9, 12), rng), leaky(12), torch.nn.Linear(12, 4), leaky(4))
    from snntorch.export_nir import export_to_nir  # noqa: PLC0415

    nir.write(tmp_path / "a.nir", export_to_nir(net, torch.rand(1, 9), ignore_dims=[0]))
    network = read_nir(tmp_path / "a.nir", NirReading(steps=STEPS, largest_value=1))
    assert verified_in_integers(network, rng) > 100
