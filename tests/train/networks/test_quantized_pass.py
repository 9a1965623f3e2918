"""What quantization-aware training computes is what the exporter writes, spike for spike."""

import numpy as np
import pytest
import torch

from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.network import integer_semantics
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled import int8_synapses
from snn_deploy.train.compiled.arithmetic import EVERY_ARITHMETIC
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.models.layer_string import Model
from snn_deploy.train.models.resnet20 import Model as ResNet20
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.quantized_pass import Quantization, _QuantizedLif
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.neurons.lif import Neuron

BIAS_FREE = ("none", "scale_tdbn", "centered_tdbn", "orthogonal_tdbn", "weight_standardization")


def _network(norm, *, model=None, neuron=None, seed=0, shape=(2, 8, 8)):
    """A network whose norms have seen data, so that their statistics are not those of the start."""
    generator = torch.Generator().manual_seed(seed)
    no_norm = load_plugin("train.norms", "none").Norm()
    # Standardized weights have no statistics that would make up for a small network's few spikes.
    options = load_plugin("train.norms", norm).Norm(**({"scale": 2.5} if norm == "weight_standardization" else {}))
    plan = (model or Model("6C3-P2-8C3-P2-12-10")).plan(shape, 10)
    network = SpikingNetwork(plan, neuron or Neuron(), options, no_norm, generator)
    with torch.no_grad():
        for weights in network.weights.values():
            weights.mul_(3)
    for _ in range(60):
        network(torch.rand(16, *shape, generator=generator), 2, _pass(None))
    return network


def _pass(limits, *, compiled=True, synapses="float32"):
    surrogate = load_plugin("train.surrogates", "dspike")
    quantization = None if limits is None else Quantization(limits, 1 / 255, 255)
    slope = surrogate.slope if compiled else None
    return ForwardOptions(surrogate.Surrogate(), 3.0, slope, quantization=quantization, synapses=synapses)


# What the plain path and the compiled one compute in; without VNNI or AMX training never calls int8.
ARITHMETICS = EVERY_ARITHMETIC if int8_synapses.works_here() else EVERY_ARITHMETIC[:1]


def _assert_same_as_exported(network, limits, steps, *, shape=(2, 8, 8)):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (12, *shape), dtype=np.uint8)
    network.eval()
    inputs = torch.from_numpy(images.astype(np.float32)) * (1 / 255)
    with torch.no_grad():
        recording = network(inputs, steps, _pass(limits, compiled=False))
        compiled = [network(inputs, steps, _pass(limits, synapses=synapses)) for synapses in ARITHMETICS]
    samples = Samples(images, np.zeros(12, np.int64), 10)
    export = to_integer_network(to_float_network(network, samples, steps, {}), limits)
    trace = integer_semantics.run(export.network, np.broadcast_to(images, (steps, *images.shape)))
    for layer in recording.layers:
        np.testing.assert_array_equal(layer.spikes.numpy(), trace.spikes[layer.name])
        assert 0 < layer.spikes.mean() < 1
    for fast in compiled:
        assert torch.equal(fast.logits, recording.logits)  # every spike counts in them
        for layer, found in zip(recording.layers, fast.layers, strict=True):
            assert found.spikes is None and found.neurons == layer.neurons
            assert round(found.spike_rate.item() * found.neurons) == layer.spikes.sum()
    outputs = trace.potentials[export.network.output.name][-1] / 64 * export.fits[export.network.output.name].units
    np.testing.assert_allclose(recording.logits.numpy(), outputs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", BIAS_FREE)
@pytest.mark.parametrize("bits", [8, 6, 4, 3])
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_quantized_pass_fires_exactly_the_exported_networks_spikes(norm, bits, per_channel):
    _assert_same_as_exported(_network(norm), Limits(bits, per_channel), 4)


def test_spikes_are_the_same_where_decays_have_to_round():
    _assert_same_as_exported(_network("centered_tdbn"), Limits(), 12)
    _assert_same_as_exported(_network("scale_tdbn", neuron=Neuron(0.8125, 0.7, fires_at_threshold=False)), Limits(), 9)


def test_spikes_are_the_same_where_every_layer_has_learned_its_leak():
    network = _network("centered_tdbn", neuron=Neuron(learns_voltage_keep=True))
    with torch.no_grad():
        for logit, value in zip(network.keep_logits.values(), (-2.0, 0.3, 1.7), strict=True):
            logit.fill_(value)
    assert len({network.neuron_of(p).voltage_keep for p in network.plan.populations}) == 4
    _assert_same_as_exported(network, Limits(), 9)


def test_a_residual_network_fires_exactly_the_exported_networks_spikes():
    network = _network("centered_tdbn", model=ResNet20(), shape=(3, 16, 16))
    _assert_same_as_exported(network, Limits(8), 3, shape=(3, 16, 16))


def test_gradients_reach_weights_and_gains_and_are_near_those_of_the_floats():
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (128, 2, 8, 8), generator=generator).float() / 255
    gradients = []
    for limits in (None, Limits()):
        network = _network("centered_tdbn").eval()  # with running statistics both ways
        recording = network(images, 4, _pass(limits))
        torch.nn.functional.cross_entropy(recording.logits, torch.arange(128) % 10).backward()
        gradients.append({n: p.grad for n, p in network.named_parameters()})
    for name, found in gradients[1].items():
        expected = gradients[0][name]
        similarity = torch.cosine_similarity(found.flatten(), expected.flatten(), dim=0)
        assert similarity > 0.9, (name, similarity)
        assert 0.7 < found.norm() / expected.norm() < 1.4, name


@pytest.mark.parametrize("synapses", ARITHMETICS)
@pytest.mark.parametrize(
    ("limits", "model", "shape"),
    [(Limits(4), None, (2, 8, 8)), (Limits(8, True), None, (2, 8, 8)), (Limits(8), ResNet20(width=4), (3, 8, 8))],
)
def test_the_compiled_path_has_the_plain_ones_outputs_gradients_and_statistics(synapses, limits, model, shape):
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (140, *shape), generator=generator).float() / 255  # more rows than int8 needs
    found = []
    for options in (_pass(limits, synapses=synapses), _pass(limits, compiled=False)):
        neuron = Neuron(learns_voltage_keep=True)
        network = _network("centered_tdbn", neuron=neuron, model=model, shape=shape).train()
        network.zero_grad()
        recording = network(images, 4, options)
        terms = [
            term
            for layer in recording.layers
            for term in (layer.mean_potential, layer.mean_error, layer.mean_squared_error, layer.spike_rate)
        ]
        (torch.nn.functional.cross_entropy(recording.logits, torch.arange(140) % 10) + sum(terms)).backward()
        gradients = {n: p.grad for n, p in network.named_parameters() if not n.startswith("keep_logits")}
        gradients["leaks"] = torch.stack([p.grad for p in network.keep_logits.values()])  # single ones may cancel
        found.append((recording, gradients, dict(network.named_buffers())))
    (compiled, gradients, statistics), (plain, expected, expected_statistics) = found
    assert torch.equal(compiled.logits, plain.logits)
    # Sums in another order; gradients in bfloat16 lose 0.3 % in each layer, and where much cancels in a sum, more.
    allowed = 0.1 if synapses == "int8-bfloat16" else 1e-4
    for name, gradient in gradients.items():
        assert (gradient - expected[name]).norm() <= allowed * expected[name].norm(), name
    for name, values in statistics.items():
        torch.testing.assert_close(values, expected_statistics[name], rtol=1e-6, atol=1e-9)


def test_the_derivative_by_a_learned_leak_is_that_of_the_floats_on_the_same_currents():
    generator = torch.Generator().manual_seed(11)
    whole = torch.randint(-90, 130, (6, 5, 7, 1, 1), generator=generator).float()
    by_spike, by_potential = torch.randn(2, 6, 5, 7, 1, 1, generator=generator)
    surrogate, unit = load_plugin("train.surrogates", "dspike").Surrogate(), 0.005
    units = torch.full((7, 1, 1), unit, dtype=torch.float64)
    found = []
    for is_quantized in (True, False):
        keep = torch.tensor(0.375, requires_grad=True)
        if is_quantized:
            neuron = Neuron().with_voltage_keep(keep)
            spikes, potentials = _QuantizedLif.apply(whole, units, units * 0 + 100, neuron, surrogate, 3.0, keep)
        else:
            neuron = Neuron(fires_at_threshold=False)
            spikes, potentials = neuron.run(whole * unit, surrogate, 3.0, keep)
        ((spikes * by_spike).sum() + (potentials * by_potential).sum()).backward()
        found.append((spikes.detach(), keep.grad))
    assert torch.equal(found[0][0], found[1][0]) and found[0][0].sum() > 20
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-2, atol=0)


def test_in_training_the_running_statistics_follow_the_quantized_currents():
    network = _network("scale_tdbn")
    norms = [norm for norm in network.norms.values() if norm.needs_moments]
    before = [norm.mean_square.clone() for norm in norms]
    generator = torch.Generator().manual_seed(7)
    for _ in range(40):
        network(torch.rand(32, 2, 8, 8, generator=generator), 4, _pass(Limits()))
    quantized = [norm.mean_square.clone() for norm in norms]
    for _ in range(40):
        network(torch.rand(32, 2, 8, 8, generator=generator), 4, _pass(None))
    for first, in_integers, norm in zip(before, quantized, norms, strict=True):
        assert not torch.equal(first, in_integers)
        torch.testing.assert_close(in_integers, norm.mean_square, rtol=0.15, atol=1e-3)


def test_a_norm_with_a_shift_is_refused():
    with pytest.raises(UserError, match=r"quantization: the norm of connection 'input-conv1' has a shift"):
        _network("tdbn")(torch.rand(2, 2, 8, 8), 2, _pass(Limits()))
