import pytest
import torch

from snn_deploy.train.layers.lif_module import LIF, reset
from snn_deploy.train.neurons.lif import Neuron
from snn_deploy.train.surrogates.dspike import Surrogate


def _textbook(currents, neuron, surrogate, sharpness):
    """Eq. 1-3 of RMP-Loss step by step, with autograd doing every derivative."""
    potential = spike = torch.zeros_like(currents[0])
    potentials, spikes = [], []
    for current in currents:
        potential = neuron.voltage_keep * potential * (1 - spike) + current
        hard = neuron.fires(potential).to(potential.dtype)
        slope = surrogate.gradient(potential.detach(), neuron.threshold, sharpness)
        spike = hard + slope * (potential - potential.detach())  # the value of `hard`, the gradient of `slope`
        potentials.append(potential)
        spikes.append(spike)
    return torch.stack(spikes), torch.stack(potentials)


def test_four_steps_give_the_numbers_computed_by_hand():
    currents = torch.tensor([0.4, 0.4, 0.4, 0.6]).reshape(4, 1, 1)
    spikes, potentials = Neuron().run(currents, Surrogate(), 3.0)
    torch.testing.assert_close(potentials.flatten(), torch.tensor([0.4, 0.5, 0.4, 0.7]))
    assert spikes.flatten().tolist() == [0, 1, 0, 1]


def test_a_potential_at_the_threshold_fires_unless_the_neuron_is_strict():
    currents = torch.full((1, 1, 1), 0.5)
    assert Neuron().run(currents, Surrogate(), 3.0)[0].item() == 1
    assert Neuron(fires_at_threshold=False).run(currents, Surrogate(), 3.0)[0].item() == 0


def test_gradients_equal_those_of_autograd_through_the_textbook_equations():
    generator = torch.Generator().manual_seed(3)
    currents = torch.randn(6, 5, 7, generator=generator, dtype=torch.float64) * 0.6 + 0.2
    by_spike, by_potential = torch.randn(2, 6, 5, 7, generator=generator, dtype=torch.float64)
    neuron, surrogate = Neuron(), Surrogate()
    gradients = []
    for run in (neuron.run, lambda c, s, k: _textbook(c, neuron, s, k)):
        leaf = currents.clone().requires_grad_()
        spikes, potentials = run(leaf, surrogate, 2.0)
        ((spikes * by_spike).sum() + (potentials * by_potential).sum()).backward()
        gradients.append(leaf.grad)
    assert spikes.detach().sum() > 10
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)


def _stepped(neuron, currents, surrogate, sharpness, learned_keep):
    carried = torch.zeros_like(currents[0])
    spikes, potentials = [], []
    for current in currents:
        spike, potential, carried = neuron.step(current, carried, surrogate, sharpness, learned_keep)
        spikes.append(spike)
        potentials.append(potential)
    return torch.stack(spikes), torch.stack(potentials)


@pytest.mark.parametrize("neuron", [Neuron(), Neuron(0.7, 0.4, fires_at_threshold=False)], ids=["at", "above"])
@pytest.mark.parametrize("learns", [False, True])
def test_steps_one_by_one_equal_a_run_in_spikes_potentials_and_gradients(neuron, learns):
    generator = torch.Generator().manual_seed(5)
    currents = torch.randn(6, 5, 7, generator=generator, dtype=torch.float64) * 0.6 + 0.2
    by_spike, by_potential = torch.randn(2, 6, 5, 7, generator=generator, dtype=torch.float64)
    results, gradients = [], []
    for run in (neuron.run, lambda *a: _stepped(neuron, *a)):
        leaf = currents.clone().requires_grad_()
        keep = torch.tensor(0.75, dtype=torch.float64, requires_grad=True) if learns else None
        spikes, potentials = run(leaf, Surrogate(), 2.0, keep)
        ((spikes * by_spike).sum() + (potentials * by_potential).sum()).backward()
        results.append((spikes, potentials))
        gradients.append([leaf.grad, *([keep.grad] if learns else [])])
    assert spikes.detach().sum() > 10
    for ran, stepped in zip(*results, strict=True):
        assert torch.equal(ran, stepped)
    for ran, stepped in zip(*gradients, strict=True):
        torch.testing.assert_close(ran, stepped, rtol=1e-12, atol=1e-12)


def test_the_module_called_step_by_step_equals_a_run_and_begins_anew_after_a_reset():
    currents = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(6)) + 0.2
    module = LIF(0.7, 0.5, surrogate="dspike")
    expected, _ = module.neuron.run(currents, module.surrogate, 3.0)
    for _ in range(2):
        assert torch.equal(torch.stack([module(current) for current in currents]), expected)
        reset(module)
