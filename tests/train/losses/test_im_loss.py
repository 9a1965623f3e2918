import pytest
import torch

from snn_deploy.train.losses.im_loss import Loss
from snn_deploy.train.networks.recording import Recording, full_record


def _layer(name, potentials, *, inner=False):
    potentials = torch.as_tensor(potentials)
    return full_record(name, potentials, (potentials >= 0.5).float(), 0.5, is_inner_residual=inner)


def _recording(*layers):
    return Recording(layers, torch.zeros(1, 1, 10))


def test_means_of_20_60_and_50_hundredths_cost_the_number_computed_from_equation_11():
    layers = [_layer(f"l{i}", torch.full((2, 3, 4), mean)) for i, mean in enumerate((0.2, 0.6, 0.5))]
    labels = torch.zeros(3, dtype=torch.long)
    assert Loss(weight=1.0)(_recording(*layers), labels).item() == pytest.approx(0.033333, abs=1e-6)
    assert Loss()(_recording(*layers), labels).item() == pytest.approx(0.066667, abs=1e-6)


def test_gradient_is_twice_the_weighted_gap_over_layers_and_elements():
    first = torch.full((2, 2), 0.2, requires_grad=True)
    second = torch.full((3, 4), 0.6, requires_grad=True)
    Loss()(_recording(_layer("a", first), _layer("b", second)), torch.zeros(1)).backward()
    torch.testing.assert_close(first.grad, torch.full((2, 2), 2 * 2 * (0.2 - 0.5) / (2 * 4)))
    torch.testing.assert_close(second.grad, torch.full((3, 4), 2 * 2 * (0.6 - 0.5) / (2 * 12)))


def test_layers_inside_residual_blocks_are_not_constrained():
    outside, inside = _layer("a", torch.full((2, 2), 0.2)), _layer("b", torch.full((2, 2), 9.0), inner=True)
    labels = torch.zeros(1)
    assert Loss()(_recording(outside, inside), labels) == Loss()(_recording(outside), labels)


def test_per_channel_the_mean_of_each_channel_is_pulled_to_the_target():
    potentials = torch.tensor([0.2, 0.8]).view(1, 1, 2, 1, 1).expand(2, 3, 2, 4, 4)  # the layer's mean is the threshold
    recording, labels = _recording(_layer("a", potentials)), torch.zeros(3)
    assert Loss(weight=1.0)(recording, labels).item() == pytest.approx(0.0, abs=1e-9)
    assert Loss(weight=1.0, per_channel=True)(recording, labels).item() == pytest.approx(0.3**2)
    both = (0.2 - 0.25) ** 2 / 2 + (0.8 - 0.25) ** 2 / 2
    assert Loss(weight=1.0, per_channel=True, target=0.5)(recording, labels).item() == pytest.approx(both)


def test_a_layer_without_channels_is_constrained_neuron_by_neuron():
    potentials = torch.tensor([0.2, 0.8]).expand(4, 5, 2)
    recording = _recording(_layer("a", potentials))
    assert Loss(weight=1.0, per_channel=True)(recording, torch.zeros(5)).item() == pytest.approx(0.09)
    assert Loss(per_channel=True).needs_potentials
    assert not Loss().needs_potentials
