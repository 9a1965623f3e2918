import numpy as np
import pytest
import torch

from snn_deploy.support.plugin import load_plugin, plugin_names

NORMS = plugin_names("train.norms")


def _norm(name, channels=3, threshold=0.5):
    return load_plugin("train.norms", name).Norm().build(channels, threshold)


def test_tdbn_of_0_2_4_6_gives_the_numbers_of_equation_6():
    currents = torch.tensor([0.0, 2.0, 4.0, 6.0]).reshape(4, 1)
    expected = torch.tensor([-0.67082, -0.223607, 0.223607, 0.67082]).reshape(4, 1)
    torch.testing.assert_close(_norm("tdbn", 1)(currents), expected, atol=2e-6, rtol=0)


def test_scale_tdbn_divides_by_the_root_mean_square():
    currents = torch.tensor([0.0, 2.0, 4.0, 6.0]).reshape(4, 1)
    expected = 0.5 * currents / np.sqrt(14)
    torch.testing.assert_close(_norm("scale_tdbn", 1)(currents), expected, atol=1e-5, rtol=0)


def test_centered_weights_sum_to_zero_per_output_channel():
    weights = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    shaped = _norm("centered_tdbn", 4).effective_weights(weights)
    torch.testing.assert_close(shaped.sum(dim=(1, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(shaped[0] - shaped[0].mean(), weights[0] - weights[0].mean())


@pytest.mark.parametrize("name", NORMS)
def test_synapses_that_are_not_there_count_for_nothing(name):
    generator = torch.Generator().manual_seed(2)
    weights, there = torch.randn(3, 12, generator=generator), torch.arange(12) % 3 > 0
    pruned, small = _norm(name), _norm(name)
    pruned.prepare_for((3, 12))
    small.prepare_for((3, 8))
    kept = there.expand(3, 12)
    shaped = pruned.effective_weights(weights * kept, kept)[:, there]
    expected = small.effective_weights(weights[:, there])
    expected *= shaped.norm() / expected.norm()  # where it is counted in the fan-in, that is of all of them
    torch.testing.assert_close(shaped, expected)


@pytest.mark.parametrize("name", NORMS)
def test_channels_with_one_synapse_or_none_have_weights_that_are_finite(name):
    norm = _norm(name)
    norm.prepare_for((3, 4))
    kept = torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.bool)
    shaped = norm.effective_weights(torch.full((3, 4), 0.5) * kept, kept) * kept
    assert shaped.isfinite().all()
    if name == "centered_tdbn":
        assert shaped[0, 0] == 0.5


@pytest.mark.parametrize("name", NORMS)
def test_in_inference_every_norm_is_what_its_channel_norm_says(name):
    generator = torch.Generator().manual_seed(1)
    norm = _norm(name)
    for _ in range(3):
        norm(torch.randn(64, 3, 4, 4, generator=generator) * 2 + 1)
    norm.eval()
    currents = torch.randn(8, 3, 4, 4, generator=generator)
    found = norm(currents).detach().numpy()
    channel_norm = norm.channel_norm()
    if channel_norm is None:
        np.testing.assert_array_equal(found, currents)
        return
    factor, offset = channel_norm.factor.reshape(3, 1, 1), channel_norm.offset.reshape(3, 1, 1)
    np.testing.assert_allclose(found, currents.numpy() * factor + offset, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(NORMS) - {"tdbn"}))
def test_bias_free_norms_shift_nothing(name):
    norm = _norm(name)
    norm(torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(2)) + 3)
    channel_norm = norm.channel_norm()
    assert channel_norm is None or not channel_norm.offset.any()


def test_standardized_weights_have_mean_zero_and_deviation_one_before_scale_and_shift():
    weights = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)) * 5 + 2
    norm = _norm("weight_standardization", 4)
    shaped = norm.effective_weights(weights) * np.sqrt(27)
    torch.testing.assert_close(shaped.mean(dim=(1, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(shaped.std(dim=(1, 2, 3), correction=0), torch.ones(4), atol=1e-4, rtol=0)
    with torch.no_grad():
        norm.gain.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        norm.shift.copy_(torch.tensor([0.0, 0.5, 0.0, -1.0]))
    changed = norm.effective_weights(weights) * np.sqrt(27)
    torch.testing.assert_close(changed, shaped * norm.gain.reshape(4, 1, 1, 1) + norm.shift.reshape(4, 1, 1, 1))
