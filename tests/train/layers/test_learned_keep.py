import pytest
import torch

from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.layers.learned_keep import keep_logit, whole_keep
from snn_deploy.train.neurons.lif import Neuron


class _Flat:
    """A surrogate that pretends nothing, so that the derivative is that of the potentials between two spikes."""

    def gradient(self, potentials, threshold, sharpness):
        return torch.zeros_like(potentials)


def _problem():
    generator = torch.Generator().manual_seed(3)
    currents = torch.randn(6, 5, 7, generator=generator, dtype=torch.float64) * 0.6 + 0.2
    return currents, torch.randn(6, 5, 7, generator=generator, dtype=torch.float64)


def test_the_derivative_by_the_leak_is_that_of_finite_differences():
    currents, by_potential = _problem()

    def value(keep):
        spikes, potentials = Neuron().run(currents, _Flat(), 1.0, keep)
        return (potentials * by_potential).sum(), spikes.detach()

    keep = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    loss, spikes = value(keep)
    loss.backward()
    step = 1e-6
    (above, spikes_above), (below, spikes_below) = value(keep.detach() + step), value(keep.detach() - step)
    assert 10 < spikes.sum() < spikes.numel() / 2
    assert torch.equal(spikes, spikes_above) and torch.equal(spikes, spikes_below)
    torch.testing.assert_close(keep.grad, (above - below) / (2 * step), rtol=1e-7, atol=0)


def test_a_leak_starts_where_it_is_told_to_and_is_a_whole_number_of_4096ths_with_the_gradient_of_its_share():
    for start in (0.25, 0.3, 1e-6, 0.999999):
        logit = keep_logit(start)
        keep = whole_keep(logit)
        assert keep.item() == max(1, round(start * 4096)) / 4096  # none would be a neuron without memory
        keep.backward()
        assert float(logit.grad) == pytest.approx(start * (1 - start), rel=0.05)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_leak_that_no_step_can_move_is_refused(start):
    with pytest.raises(UserError, match="must start between 0 and 1"):
        resolved_config(
            {
                "data": {"name": "digits"},
                "model": {"layers": "8C3-10"},
                "neuron": {"voltage_keep": start, "learns_voltage_keep": True},
            },
            "my.toml",
        )
