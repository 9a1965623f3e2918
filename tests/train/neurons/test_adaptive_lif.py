"""A threshold that each spike raises: the equations, their gradient, and the same spikes from the network in floats."""

import numpy as np
import pytest
import torch

from snn_deploy.network import float_semantics
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.neurons import lif
from snn_deploy.train.neurons.adaptive_lif import Neuron
from snn_deploy.train.run.run_start import build_network
from snn_deploy.train.surrogates import rectangle
from snn_deploy.train.surrogates.dspike import Surrogate


def test_five_steps_give_the_numbers_computed_by_hand():
    neuron = Neuron(voltage_keep=0.5, threshold=0.5, threshold_step=1.0, threshold_keep=0.5)
    currents = torch.full((5, 1, 1), 0.6)
    spikes, potentials = neuron.run(currents, Surrogate(), 3.0)
    # Thresholds: 0.5, then 1.0, 0.75, 1.125, 0.8125: the spike of step 2 adds 0.5 to a rise of 0.125.
    torch.testing.assert_close(potentials.flatten(), torch.tensor([0.6, 0.6, 0.9, 0.6, 0.9]))
    assert spikes.flatten().tolist() == [1, 0, 1, 0, 1]


def _textbook(currents, neuron, surrogate, sharpness):
    """The equations step by step, with autograd doing every derivative."""
    added, kept = neuron.rise
    potential = spike = rise = torch.zeros_like(currents[0])
    potentials, spikes = [], []
    for current in currents:
        potential = neuron.voltage_keep * potential * (1 - spike) + current
        above = potential - rise
        slope = surrogate.gradient(above.detach(), neuron.threshold, sharpness)
        spike = (above >= neuron.threshold).to(above.dtype) + slope * (above - above.detach())
        rise = kept * rise + added * spike
        potentials.append(potential)
        spikes.append(spike)
    return torch.stack(spikes), torch.stack(potentials)


def _gradient(run, currents, by_spike, by_potential):
    leaf = currents.clone().requires_grad_()
    spikes, potentials = run(leaf)
    ((spikes * by_spike).sum() + (potentials * by_potential).sum()).backward()
    return spikes.detach(), leaf.grad


def test_the_gradient_goes_from_a_later_threshold_to_the_spike_that_raised_it():
    generator = torch.Generator().manual_seed(3)
    currents = torch.randn(8, 5, 7, generator=generator, dtype=torch.float64) * 0.6 + 0.3
    others = torch.randn(2, 8, 5, 7, generator=generator, dtype=torch.float64)
    neuron, surrogate = Neuron(threshold_step=0.4, threshold_keep=0.75), Surrogate()
    spikes, found = _gradient(lambda c: neuron.run(c, surrogate, 2.0), currents, *others)
    expected = _gradient(lambda c: _textbook(c, neuron, surrogate, 2.0), currents, *others)
    assert spikes.sum() > 10
    torch.testing.assert_close((spikes, found), expected, rtol=1e-12, atol=1e-12)
    _, constant = _gradient(lambda c: lif.Neuron().run(c, surrogate, 2.0), currents, *others)
    assert not torch.allclose(found, constant)


def test_without_a_step_it_is_the_neuron_with_a_constant_threshold():
    generator = torch.Generator().manual_seed(5)
    currents = torch.randn(6, 4, 3, generator=generator, dtype=torch.float64) * 0.6 + 0.2
    others = torch.randn(2, 6, 4, 3, generator=generator, dtype=torch.float64)
    found, expected = (
        _gradient(lambda c, n=n: n.run(c, Surrogate(), 2.0), currents, *others)
        for n in (Neuron(threshold_step=0.0), lif.Neuron())
    )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layers", ["24-2", "24R-2"])
@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_network_in_training_spikes_as_its_network_in_floats(layers, is_compiled):
    data = {"name": "store_recall", "frames": 4, "width": 3, "samples": 40}
    neuron = {"name": "adaptive_lif", "threshold": 0.2, "voltage_keep": 0.5, "threshold_keep": 0.9}
    table = {"steps": 12, "data": data, "model": {"layers": layers}, "norm": {"name": "none"}, "neuron": neuron}
    config = resolved_config(table, "test.toml")
    samples = config.data.options.load("test")
    network = build_network(config, samples, torch.Generator().manual_seed(0)).eval()
    slope = rectangle.slope if is_compiled else None
    frames = np.moveaxis(samples.inputs, 1, 0).astype(np.float32)
    with torch.no_grad():
        recording = network(torch.from_numpy(frames), 12, ForwardOptions(rectangle.Surrogate(), 1.0, slope))
    plain = to_float_network(network, samples, 12, {})
    (hidden, _) = plain.populations
    assert hidden.threshold_step[0] == pytest.approx(0.1) and hidden.threshold_keep[0] == 3686 / 4096
    trace = float_semantics.run(plain, frames)
    (layer,) = recording.layers
    assert 0.02 < layer.spikes.mean() < 0.98
    assert (layer.spikes.numpy() != trace.spikes["dense1"]).mean() < 0.002  # float32 at a threshold
