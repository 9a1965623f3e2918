"""fused_recurrent_lif: the neurons of a dense layer that feeds itself as one compiled autograd function, for CPUs.

A step's currents depend on earlier spikes, so a kernel runs step by step, and the product with the recurrent weights
stands between. Its spikes are those of the plain path (SpikingNetwork's loop), every one; its gradients are the same
to rounding.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn_deploy.train.compiled import recurrent_lif_kernels
from snn_deploy.train.compiled.fused_lif import gradients_of_sums, least_firing
from snn_deploy.train.compiled.lif_kernels import STATISTICS, Slope, slopes_kernel
from snn_deploy.train.neurons.lif import Neuron


@dataclass(frozen=True)
class FusedRecurrentLayer:
    """What a layer does besides the weights that reach it from others.

    delay: of its spikes to itself, in steps, at least 1. slope: the surrogate's derivative for one neuron, compilable.
    """

    neuron: Neuron
    slope: Slope
    sharpness: float
    steps: int
    delay: int

    def run(self, currents: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the spikes, (steps, batch, neurons), and the statistics, (4,), as of FusedLayer.run.

        currents: (steps, batch, neurons), or (1, batch, neurons) where every step is the same. weights: recurrent ones,
        (neurons, neurons), the targets first.
        """
        spikes, statistics = _FusedRecurrentLif.apply(currents, weights, self)
        return spikes, statistics


class _FusedRecurrentLif(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, currents: Tensor, weights: Tensor, layer: FusedRecurrentLayer) -> tuple[Tensor, Tensor]:
        given, batch, neurons = currents.shape
        arriving = currents.contiguous().numpy()
        spikes = torch.empty(layer.steps, batch, neurons)
        potentials = np.empty(spikes.shape, np.float32)
        feedback, left = torch.empty(batch, neurons), np.zeros((batch, neurons), np.float32)
        keep, least = np.float32(layer.neuron.voltage_keep), least_firing(layer.neuron)
        sums, nothing = np.zeros(STATISTICS), np.empty((0, 0), np.float32)
        for t, (sent, reached) in enumerate(zip(spikes.numpy(), potentials, strict=True)):
            is_fed = t >= layer.delay
            if is_fed:
                torch.mm(spikes[t - layer.delay], weights.T, out=feedback)
            recurrent_lif_kernels.step(
                arriving[min(t, given - 1)], feedback.numpy() if is_fed else nothing, keep, least, left, reached, sent,
                sums,
            )  # fmt: skip
        ctx.save_for_backward(spikes, weights)
        ctx.layer, ctx.potentials, ctx.given = layer, potentials, given
        return spikes, torch.from_numpy(sums / potentials.size).to(currents.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, (spikes, weights) = ctx.layer, ctx.saved_tensors
        by_spikes, by_statistics = gradients
        by_sums = gradients_of_sums(by_statistics, ctx.potentials.size)
        constants = (np.float32(layer.neuron.voltage_keep), np.float32(layer.neuron.threshold))
        surrogate, delay = (slopes_kernel(layer.slope), np.float32(layer.sharpness)), layer.delay
        total = torch.empty(spikes.shape)
        later = np.zeros(spikes.shape[1:], np.float32)
        sent, results = spikes.numpy(), total.numpy()
        for t in range(layer.steps - 1, -1, -1):
            arriving = by_spikes[t]
            if t + delay < layer.steps:
                arriving = torch.addmm(arriving, total[t + delay], weights)
            recurrent_lif_kernels.back(
                ctx.potentials[t], sent[t], *constants, *surrogate, arriving.contiguous().numpy(), *by_sums, later,
                results[t],
            )  # fmt: skip
        fed = max(layer.steps - delay, 0)  # steps that earlier spikes arrive in
        by_weights = total[layer.steps - fed :].flatten(0, 1).T @ spikes[:fed].flatten(0, 1)
        return (total if ctx.given > 1 else total.sum(0, keepdim=True)), by_weights, None
