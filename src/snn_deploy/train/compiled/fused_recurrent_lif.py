"""fused_recurrent_lif: the neurons of a layer that feeds itself as one compiled autograd function, for CPUs.

A step's currents depend on earlier spikes, so a kernel runs step by step, and the product with the recurrent weights,
or the convolution, stands between. Its spikes are those of the plain path (SpikingNetwork's loop), every one; its
gradients are the same to rounding.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn_deploy.train.compiled import recurrent_lif_kernels
from snn_deploy.train.compiled.fused_lif import gradients_of_sums, least_firing
from snn_deploy.train.compiled.lif_kernels import STATISTICS, Slope, slopes_kernel
from snn_deploy.train.layers.loop_synapses import LoopSynapses
from snn_deploy.train.neurons.lif import Neuron


@dataclass(frozen=True)
class FusedRecurrentLayer:
    """What a layer does besides the weights that reach it from others.

    synapses: to itself. slope: the surrogate's derivative for one neuron, compilable.
    """

    neuron: Neuron
    slope: Slope
    sharpness: float
    steps: int
    synapses: LoopSynapses

    def run(self, currents: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the spikes, (steps, batch, *shape), and the statistics, (4,), as of FusedLayer.run.

        currents: (steps, batch, *shape), or (1, batch, *shape) where every step is the same. weights: recurrent ones,
        as LoopSynapses takes them.
        """
        spikes, statistics = _FusedRecurrentLif.apply(currents, weights, self)
        return spikes, statistics


class _FusedRecurrentLif(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, currents: Tensor, weights: Tensor, layer: FusedRecurrentLayer) -> tuple[Tensor, Tensor]:
        given, delay = len(currents), layer.synapses.delay
        arriving, spikes = currents.contiguous().flatten(2).numpy(), torch.empty(layer.steps, *currents.shape[1:])
        potentials = np.empty((layer.steps, *arriving.shape[1:]), np.float32)
        left = np.zeros(arriving.shape[1:], np.float32)
        keep, least = np.float32(layer.neuron.voltage_keep), least_firing(layer.neuron)
        sums, nothing = np.zeros(STATISTICS), np.empty((0, 0), np.float32)
        for t, (sent, reached) in enumerate(zip(spikes.flatten(2).numpy(), potentials, strict=True)):
            feedback = nothing if t < delay else _rows(layer.synapses.currents(spikes[t - delay], weights))
            recurrent_lif_kernels.step(arriving[min(t, given - 1)], feedback, keep, least, left, reached, sent, sums)
        ctx.save_for_backward(spikes, weights)
        ctx.layer, ctx.potentials, ctx.given = layer, potentials, given
        return spikes, torch.from_numpy(sums / potentials.size).to(currents.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, (spikes, weights) = ctx.layer, ctx.saved_tensors
        by_spikes, by_statistics = gradients
        by_sums = gradients_of_sums(by_statistics, ctx.potentials.size)
        constants = (np.float32(layer.neuron.voltage_keep), np.float32(layer.neuron.threshold))
        surrogate, delay = (slopes_kernel(layer.slope), np.float32(layer.sharpness)), layer.synapses.delay
        total = torch.empty(spikes.shape)
        sent, results = spikes.flatten(2).numpy(), total.flatten(2).numpy()
        later = np.zeros(sent.shape[1:], np.float32)
        for t in range(layer.steps - 1, -1, -1):
            arriving = by_spikes[t]
            if t + delay < layer.steps:
                arriving = arriving + layer.synapses.by_spikes(total[t + delay], weights)
            recurrent_lif_kernels.back(
                ctx.potentials[t], sent[t], *constants, *surrogate, _rows(arriving), *by_sums, later, results[t]
            )
        fed = max(layer.steps - delay, 0)  # steps that earlier spikes arrive in
        heard, by_heard = spikes[:fed].flatten(0, 1), total[layer.steps - fed :].flatten(0, 1)
        by_weights = layer.synapses.by_weights(heard, by_heard, weights)
        return (total if ctx.given > 1 else total.sum(0, keepdim=True)), by_weights, None


def _rows(values: Tensor) -> np.ndarray:
    """Return `values`, (batch, *shape), as the kernels take them, (batch, neurons)."""
    return values.contiguous().flatten(1).numpy()
