"""The spike response neuron against its equations, evaluated directly: sums over spikes, no traces, no kernels."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.timed_layer import layer_of

from snn_deploy.support.user_error import UserError
from snn_deploy.train.networks.spike_time_layer import fire
from snn_deploy.train.neurons.spike_response import Neuron

NEURON = Neuron(membrane_time=5.0, synapse_time=3.0, threshold=1.0, steepest=1e9)


def epsilon(neuron: Neuron, lag: int) -> float:
    """TB below Eq. 2, at `lag` + 1 steps, of the rounded time constants."""
    tau_m, tau_s = -1 / math.log(neuron.voltage_keep), -1 / math.log(neuron.current_keep)
    t = lag + 1
    return tau_m / (tau_m - tau_s) * (math.exp(-t / tau_m) - math.exp(-t / tau_s))


def slope_of_epsilon(neuron: Neuron, lag: int) -> float:
    """Its derivative, by hand."""
    tau_m, tau_s = -1 / math.log(neuron.voltage_keep), -1 / math.log(neuron.current_keep)
    t = lag + 1
    return tau_m / (tau_m - tau_s) * (-math.exp(-t / tau_m) / tau_m + math.exp(-t / tau_s) / tau_s)


def responded(neuron: Neuron, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (potentials, spikes) of one neuron, (steps,): Eq. 1 as the sum over all inputs since the last spike."""
    steps = len(currents)
    potentials, spikes, last = np.zeros(steps), np.zeros(steps), -1
    for t in range(steps):
        potentials[t] = sum(currents[m] * epsilon(neuron, t - m) for m in range(last + 1, t + 1))
        if potentials[t] >= neuron.threshold:
            spikes[t], last = 1, t
    return potentials, spikes


@pytest.mark.parametrize("is_compiled", [False, True])
def test_potentials_and_spikes_are_those_of_equations_1_and_2(is_compiled):
    rng = np.random.default_rng(0)
    values = torch.from_numpy(rng.normal(0.6, 1.0, (12, 7, 1)).astype(np.float32))
    layer = layer_of(NEURON, (1, 1), 12, is_compiled=is_compiled)
    spikes, potentials, _ = fire(layer, torch.ones(1), [values], [torch.ones(1, 1)])
    assert 0 < spikes.mean() < 1
    for b in range(7):
        expected = responded(NEURON, values[:, b, 0].numpy())
        np.testing.assert_allclose(potentials[:, b, 0], expected[0], atol=1e-5)
        np.testing.assert_array_equal(spikes[:, b, 0], expected[1])


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_gradients_are_those_of_equations_3_to_5(is_compiled, seed):
    """By weights and by spike times, as the double sums of the paper over output spikes k and input spikes m."""
    rng = np.random.default_rng(seed)
    steps, inputs, outputs = 14, 6, 3
    sent = torch.from_numpy((rng.random((steps, 1, inputs)) < 0.4).astype(np.float32)).requires_grad_()
    weights = torch.from_numpy(rng.normal(0.5, 0.6, (outputs, inputs)).astype(np.float32)).requires_grad_()
    layer = layer_of(NEURON, weights.shape, steps, is_compiled=is_compiled)
    spikes, *_ = fire(layer, torch.ones(outputs), [sent], [weights])
    by_times = torch.from_numpy(rng.normal(0, 1, (steps, 1, outputs)).astype(np.float32))
    spikes.backward(by_times)
    w, s, o = weights.detach().double().numpy(), sent.detach()[:, 0].numpy(), spikes.detach()[:, 0].numpy()
    by_weights, by_inputs = np.zeros((outputs, inputs)), np.zeros((steps, inputs))
    for i in range(outputs):
        last = -1
        for k in np.flatnonzero(o[:, i]):
            since = [(m, j) for m in range(last + 1, k + 1) for j in range(inputs) if s[m, j]]
            slope = sum(w[i, j] * slope_of_epsilon(NEURON, k - m) for m, j in since)
            by_potential = float(by_times[k, 0, i]) * -1 / max(slope, 1e-9)
            for m, j in since:
                by_weights[i, j] += by_potential * epsilon(NEURON, k - m)
                by_inputs[m, j] += by_potential * w[i, j] * -slope_of_epsilon(NEURON, k - m)
            last = k
    assert o.sum() > 3
    scale = np.abs(by_weights).max()
    np.testing.assert_allclose(weights.grad, by_weights, atol=1e-4 * scale)
    np.testing.assert_allclose(sent.grad[:, 0].numpy() * s, by_inputs, atol=1e-4 * np.abs(by_inputs).max())


@pytest.mark.parametrize("forgets", ["everything", "potential"])
def test_the_sum_of_time_gradients_is_the_same_in_every_layer(forgets):
    """Equation 6, through three layers with pooling between them."""
    torch.manual_seed(0)
    neuron = Neuron(forgets=forgets, steepest=1e9)
    steps = 10
    x = (torch.rand(steps, 4, 2, 8, 8) < 0.5).float().requires_grad_()
    shapes = [(6, 2, 3, 3), (5, 6, 3, 3), (4, 5 * 4 * 4)]
    layers = [layer_of(neuron, shape, steps) for shape in shapes]
    value, sums, sent = x, [], [x]
    for i, (layer, shape) in enumerate(zip(layers, shapes, strict=True)):
        if i == 2:
            value = torch.nn.functional.avg_pool2d(value.flatten(0, 1), 2).unflatten(0, (steps, 4))
        weights = torch.rand(shape) * 2 / np.prod(shape[1:]) ** 0.5 + 0.1
        value, *_ = fire(layer, torch.full(shape[:1], 1.5), [value], [weights])
        value.retain_grad()
        sent.append(value)
    by_times = torch.randn_like(value)
    value.backward(by_times)
    sums = [float((s.grad * s).sum().detach()) for s in sent[:-1]] + [float((by_times * value).sum().detach())]
    if forgets == "everything":
        np.testing.assert_allclose(sums, sums[-1], rtol=2e-3)
    assert all(np.isfinite(sums))


def test_the_compiled_kernels_are_the_plain_loops():
    rng = np.random.default_rng(1)
    for forgets in ("everything", "potential"):
        neuron = Neuron(forgets=forgets)
        shape = (4, 2, 3, 3)
        weights = torch.from_numpy(rng.normal(0.2, 0.5, shape).astype(np.float32))
        x = torch.from_numpy((rng.random((8, 3, 2, 6, 6)) < 0.5).astype(np.float32))
        thresholds = torch.tensor([0.5, 1.0, 1.5, 2.0])
        found = []
        for is_compiled in (False, True):
            w, sent = weights.clone().requires_grad_(), x.clone().requires_grad_()
            layer = layer_of(neuron, shape, 8, is_compiled=is_compiled)
            spikes, potentials, means = fire(layer, thresholds, [sent], [w])
            spikes.backward(torch.ones_like(spikes))
            found.append(
                (spikes.detach(), potentials, means, w.grad, sent.grad, torch.from_numpy(layer.gradients.totals))
            )
        torch.testing.assert_close(found[0][0], found[1][0], rtol=0, atol=0)
        for plain, compiled in zip(found[0][1:], found[1][1:], strict=True):
            torch.testing.assert_close(plain, compiled, rtol=1e-4, atol=1e-4)


def test_scaling_weights_and_threshold_together_changes_no_spike():
    torch.manual_seed(1)
    x, w = (torch.rand(9, 5, 7) < 0.5).float(), torch.randn(4, 7) + 0.5
    layer = layer_of(NEURON, (4, 7), 9)
    one, *_ = fire(layer, torch.ones(4), [x], [w])
    other, *_ = fire(layer, torch.full((4,), 4.0), [x], [4 * w])
    assert torch.equal(one, other)
    assert 0 < one.mean() < 1


def test_time_constants_that_make_no_kernel_are_refused():
    with pytest.raises(UserError, match="the first must be longer"):
        Neuron(membrane_time=3.0, synapse_time=3.0)
    with pytest.raises(UserError, match="nothing is left"):
        Neuron(membrane_time=5.0, synapse_time=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_a_layer_that_feeds_itself_has_the_gradients_of_equations_3_to_5(seed):
    """Its own spikes are inputs one step later, so a spike's time is trained by what it does to the layer itself."""
    rng = np.random.default_rng(seed)
    steps, inputs, outputs = 12, 5, 4
    values = (rng.random((steps, 1, inputs)) < 0.4).astype(np.float32)
    weights = rng.normal(0.5, 0.6, (outputs, inputs)).astype(np.float32)
    own = rng.normal(0.3, 0.6, (outputs, outputs)).astype(np.float32)
    by_times = rng.normal(size=(steps, outputs))
    layer = replace(layer_of(NEURON, (outputs, inputs), steps), loop_delay=1)
    tensors = [torch.from_numpy(a).requires_grad_() for a in (values, weights, own)]
    spikes, _, _ = fire(layer, torch.ones(outputs), tensors[:1], tensors[1:])
    sent = spikes.detach().numpy()[:, 0]
    spikes.backward(torch.from_numpy(by_times[:, None].astype(np.float32)))

    heard = np.concatenate([values[:, 0], np.vstack([np.zeros(outputs), sent[:-1]])], axis=1)
    arriving = np.concatenate([weights, own], axis=1)
    totals, by_arriving, by_values = by_times.copy(), np.zeros_like(arriving), np.zeros((steps, inputs))
    for j in range(outputs):
        np.testing.assert_array_equal(responded(NEURON, heard @ arriving[j])[1], sent[:, j])
    for t in range(steps - 1, -1, -1):
        for j in np.flatnonzero(sent[t]):
            since = range(max((m for m in range(t) if sent[m, j]), default=-1) + 1, t + 1)
            slope = sum(slope_of_epsilon(NEURON, t - m) * heard[m] @ arriving[j] for m in since)
            by_potential = -totals[t, j] / max(slope, 1 / NEURON.steepest)
            for m in since:
                by_arriving[j] += by_potential * epsilon(NEURON, t - m) * heard[m]
                by_arrival = -by_potential * slope_of_epsilon(NEURON, t - m) * arriving[j]
                by_values[m] += by_arrival[:inputs]
                totals[m - 1] += by_arrival[inputs:] * (m > 0)
    assert 0.1 < sent.mean() < 0.9
    for tensor, expected in zip(
        tensors, (by_values[:, None], by_arriving[:, :inputs], by_arriving[:, inputs:]), strict=True
    ):
        size = np.abs(expected).max()
        np.testing.assert_allclose(tensor.grad / size, expected / size, atol=2e-4)


def test_a_loop_that_is_longer_than_the_sample_is_never_heard():
    layer = replace(layer_of(NEURON, (2, 3), 1), loop_delay=1)
    weights, own = torch.ones(2, 3, requires_grad=True), torch.ones(2, 2, requires_grad=True)
    spikes, _, _ = fire(layer, torch.ones(2), [torch.full((1, 1, 3), 2.0)], [weights, own])
    spikes.sum().backward()
    assert spikes.all()
    assert not own.grad.any()
    assert weights.grad.all()
