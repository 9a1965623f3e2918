"""The loss that counts synaptic operations: against a count by hand, its gradient, and what training with it does."""

import pytest
import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.losses.synaptic_operations import Loss
from snn_deploy.train.models.layer_string import Model
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.recording import Recording, full_record
from snn_deploy.train.run.run_start import build_network

LABELS = torch.zeros(2, dtype=torch.long)


def test_it_is_the_share_of_all_operations_counted_by_hand():
    """Of 4 neurons with 3 synapses and of 3 with 10: 12 + 30 operations a step if all fire; 3 * 3 + 1 * 10 here."""
    plan = Model("4-3-10").plan((6,), 10)
    first, second = torch.zeros(1, 2, 4), torch.zeros(1, 2, 3)
    first[0, 0, :3] = first[0, 1, :3] = 1.0
    second[0, :, 0] = 1.0
    layers = [full_record(p.name, s, s, 0.5) for p, s in zip(plan.populations, (first, second), strict=False)]
    recording = Recording(tuple(layers), torch.zeros(1, 2, 10), plan=plan)
    assert Loss(weight=2.0)(recording, LABELS).item() == pytest.approx(2 * (9 + 10) / 42)
    assert len(Loss().constrained(plan.populations[:-1])) == 2


@pytest.mark.parametrize("is_compiled", [False, True])
def test_its_gradient_is_that_of_the_spikes_through_the_surrogate(is_compiled):
    config = resolved_config(
        {"data": {"name": "digits"}, "model": {"layers": "3C3-P2-5-10"}, "neuron": {"threshold": 0.2}}, "test.toml"
    )
    samples = config.data.options.load("test").first(8)
    network = build_network(config, samples, torch.Generator().manual_seed(0))
    images = torch.from_numpy(samples.inputs).float() * samples.scale
    surrogate = load_plugin("train.surrogates", "dspike")
    slope = surrogate.slope if is_compiled else None
    recording = network(images, 4, ForwardOptions(surrogate.Surrogate(), 3.0, slope))
    Loss(weight=1.0)(recording, LABELS).backward()
    compiled = {name: w.grad.clone() for name, w in network.weights.items() if w.grad is not None}

    network.zero_grad()
    plain = network(images, 4, ForwardOptions(surrogate.Surrogate(), 3.0))
    conv, dense = plain.layers
    assert 0.01 < conv.spikes.mean() < 0.99
    # 8 x 8 positions x 3 channels, all pooled 2 x 2 into 5 neurons; 5 neurons read by 10.
    expected = (conv.spikes.sum() * 5 + dense.spikes.sum() * 10) / (4 * 8 * (3 * 64 * 5 + 5 * 10))
    expected.backward()
    for name, gradient in compiled.items():
        torch.testing.assert_close(gradient, network.weights[name].grad, rtol=1e-3, atol=1e-6)
    assert set(compiled) == {"input-conv1", "conv1-dense2"}


def test_training_by_spike_times_refuses_it():
    with pytest.raises(UserError, match="acts on potentials"):
        resolved_config(
            {"method": "time-based", "data": {"name": "digits"}, "model": {"layers": "4-10"},
             "losses": {"synaptic_operations": {}}},
            "test.toml",
        )  # fmt: skip
