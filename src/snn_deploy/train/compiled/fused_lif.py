"""fused_lif: norm, neuron and average pooling of one layer as one compiled autograd function, for CPUs.

What it returns, and its gradients, are those of the plain path (ChannelNormModule, Neuron.run, avg_pool2d) to
rounding; it reads the currents three times instead of writing a dozen arrays of their size.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn_deploy.train.compiled import lif_kernels
from snn_deploy.train.compiled.fused_norm import Maps, back_through_norm, graph_of, over_samples
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.neurons.lif import Neuron


@dataclass(frozen=True)
class FusedLayer:
    """What a layer does besides its weights. slope: the surrogate's derivative for one neuron, compilable.

    learned_keep: a scalar that is used in place of the neuron's voltage_keep, and gets a gradient.
    """

    norm: ChannelNormModule
    neuron: Neuron
    slope: lif_kernels.Slope
    sharpness: float
    steps: int
    pool: int = 1
    learned_keep: Tensor | None = None

    def run(self, currents: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pooled spikes (steps, batch, *pooled shape) and the statistics, (4,).

        currents: (steps, batch, *shape), or (1, batch, *shape) where every step is the same.
        statistics: means over all neurons, samples (of this process) and steps of the potential before the reset, of
        |spike - potential|, of its square, and of the spikes, all with gradients.
        """
        parameters = [p for p in self.norm.parameters() if p.requires_grad]
        pooled, statistics = _FusedLif.apply(currents, self, self.learned_keep, *parameters)
        return pooled, statistics


class _FusedLif(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, layer: FusedLayer, learned_keep: Tensor | None, *parameters: Tensor
    ) -> tuple[Tensor, Tensor]:
        maps = Maps(currents, layer.pool)
        graph = graph_of(layer.norm, maps)
        factor, offset = (v.numpy() for v in graph.in_float32)
        pooled = maps.empty_pooled(layer.steps, layer.pool)
        neuron = layer.neuron if learned_keep is None else layer.neuron.with_voltage_keep(learned_keep)
        keep, least = np.float32(neuron.voltage_keep), least_firing(neuron)
        sums = over_samples(
            maps,
            lif_kernels.STATISTICS,
            lambda a, b, out: lif_kernels.forward(
                maps.array, factor, offset, maps.innermost, keep, least, maps.width, layer.pool, a, b, pooled, out
            ),
        )
        ctx.layer, ctx.neuron, ctx.maps, ctx.norm_graph, ctx.parameters = layer, neuron, maps, graph, parameters
        ctx.elements = maps.array[0].size * layer.steps
        statistics = torch.from_numpy(sums / ctx.elements).to(currents.dtype)
        return maps.tensor(pooled, layer.pool), statistics

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, neuron, maps, graph = ctx.layer, ctx.neuron, ctx.maps, ctx.norm_graph
        by_pooled, by_statistics = gradients
        arriving = maps.split(by_pooled)
        by_sums = gradients_of_sums(by_statistics, ctx.elements)
        factor, offset = (v.numpy() for v in graph.in_float32)
        result = np.empty_like(maps.array)
        constants = (np.float32(neuron.voltage_keep), np.float32(neuron.threshold))
        surrogate = lif_kernels.slopes_kernel(layer.slope), np.float32(layer.sharpness)
        least, learns = least_firing(neuron), ctx.needs_input_grad[2]
        channels = maps.channels

        def run(first: int, last: int, sums: np.ndarray) -> None:
            lif_kernels.backward(
                maps.array, factor, offset, maps.innermost, *constants, least, maps.width, layer.pool,
                *surrogate, learns, first, last,
                arriving, *by_sums, result,
                sums[:channels], sums[channels : 2 * channels], sums[2 * channels :],
            )  # fmt: skip

        sums = over_samples(maps, 2 * channels + 1, run)
        by_keep = torch.tensor(sums[-1], dtype=by_pooled.dtype) if learns else None
        by_currents, by_parameters = back_through_norm(
            maps, graph, ctx.parameters, sums[:-1].reshape(2, channels), result
        )
        return by_currents, None, by_keep, *by_parameters


def gradients_of_sums(by_means: Tensor, elements: int) -> tuple[np.float32, ...]:
    """Return what the backward kernels take: the gradients with respect to the sums of lif_kernels.STATISTICS.

    by_means: those with respect to the means over `elements`. That of the squares comes doubled, as their derivative
    has it.
    """
    by_potential, by_error, by_square, by_spike = (np.float32(g) for g in (by_means / elements).tolist())
    return by_potential, by_error, np.float32(2) * by_square, by_spike


def least_firing(neuron: Neuron) -> np.float32:
    """Return the smallest potential that fires."""
    threshold = np.float32(neuron.threshold)
    return threshold if neuron.fires_at_threshold else np.nextafter(threshold, np.float32(np.inf))
