"""fused_lif: norm, neuron and average pooling of one layer as one compiled autograd function, for CPUs.

What it returns, and its gradients, are those of the plain path (ChannelNormModule, Neuron.run, avg_pool2d) to
rounding; it reads the currents three times instead of writing a dozen arrays of their size.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn_deploy.train.across_processes import mean_over_processes, process_count
from snn_deploy.train.channel_norm_module import ChannelNormModule
from snn_deploy.train.kernels import lif_kernels
from snn_deploy.train.neurons.lif import Neuron

Slope = Callable[[float, float, float], float]


@dataclass(frozen=True)
class FusedLayer:
    """What a layer does besides its weights. slope: the surrogate's derivative for one neuron, compilable."""

    norm: ChannelNormModule
    neuron: Neuron
    slope: Slope
    sharpness: float
    steps: int
    pool: int = 1

    def run(self, currents: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pooled spikes (steps, batch, *pooled shape) and the statistics, (4,).

        currents: (steps, batch, *shape), or (1, batch, *shape) where every step is the same.
        statistics: means over all neurons, samples (of this process) and steps of the potential before the reset, of
        |spike - potential|, of its square, and of the spikes; the first three have gradients.
        """
        parameters = [p for p in self.norm.parameters() if p.requires_grad]
        pooled, statistics = _FusedLif.apply(currents, self, *parameters)
        return pooled, statistics


class _FusedLif(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, currents: Tensor, layer: FusedLayer, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        maps = _Maps(currents)
        norm_graph = _norm_graph(layer.norm, maps)
        factor, offset = (v.detach().float().numpy() for v in norm_graph.factor_and_offset)
        pooled = np.empty((layer.steps, *maps.array.shape[1:3], maps.pooled_size(layer.pool)), np.float32)
        keep, least = np.float32(layer.neuron.voltage_keep), _least_firing(layer.neuron)
        sums = _over_samples(
            maps,
            lif_kernels.STATISTICS,
            lambda a, b, out: lif_kernels.forward(
                maps.array, factor, offset, maps.along_row, keep, least, maps.width, layer.pool, a, b, pooled, out
            ),
        )
        ctx.layer, ctx.maps, ctx.norm_graph, ctx.parameters = layer, maps, norm_graph, parameters
        ctx.elements = maps.array[0].size * layer.steps
        statistics = torch.from_numpy(sums / ctx.elements).to(currents.dtype)
        return torch.from_numpy(pooled).reshape(layer.steps, *maps.pooled_shape(layer.pool)), statistics

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, maps, graph = ctx.layer, ctx.maps, ctx.norm_graph
        by_pooled, by_statistics = gradients
        arriving = by_pooled.contiguous().numpy()
        arriving = arriving.reshape(layer.steps, *maps.array.shape[1:3], maps.pooled_size(layer.pool))
        by_potential, by_error, by_square = (np.float32(g) for g in (by_statistics[:3] / ctx.elements).tolist())
        factor, offset = (v.detach().float().numpy() for v in graph.factor_and_offset)
        kernel = lif_kernels.backward_kernel(layer.slope)
        result = np.empty_like(maps.array)
        constants = (np.float32(layer.neuron.voltage_keep), np.float32(layer.neuron.threshold))
        least, sharpness = _least_firing(layer.neuron), np.float32(layer.sharpness)

        def run(first: int, last: int, sums: np.ndarray) -> None:
            kernel(
                maps.array, factor, offset, maps.along_row, *constants, least, maps.width, layer.pool,
                sharpness, first, last,
                arriving, by_potential, by_error, np.float32(2) * by_square, result, sums[0], sums[1],
            )  # fmt: skip

        sums = _over_samples(maps, (2, len(factor)), run)
        by_moments, by_parameters = graph.backward(sums, ctx.parameters, maps.count)
        by_mean, by_mean_square = (v.astype(np.float32) for v in by_moments)
        _over_samples(
            maps,
            1,
            lambda a, b, _: lif_kernels.through_norm(
                maps.array, factor, by_mean, by_mean_square, maps.along_row, a, b, result
            ),
        )
        return torch.from_numpy(result).reshape(maps.tensor_shape), None, *by_parameters


class _Maps:
    """Currents as (steps, batch, channels, size). A dense layer is one channel with a norm per neuron."""

    def __init__(self, currents: Tensor) -> None:
        self.tensor_shape = tuple(currents.shape)
        self.along_row = currents.ndim == 3
        steps, batch = self.tensor_shape[:2]
        channels = 1 if self.along_row else self.tensor_shape[2]
        self.array = currents.detach().contiguous().numpy().reshape(steps, batch, channels, -1)
        self.width = self.tensor_shape[-1]
        self.channels = self.tensor_shape[2]
        self.count = self.array.size // self.channels

    def pooled_shape(self, pool: int) -> tuple[int, ...]:
        """Return the shape of one step's pooled spikes."""
        if self.along_row:
            return self.tensor_shape[1:]
        return (*self.tensor_shape[1:3], *(length // pool for length in self.tensor_shape[3:]))

    def pooled_size(self, pool: int) -> int:
        """Return the pooled neurons of one channel."""
        return math.prod(self.pooled_shape(pool)) // (self.array.shape[1] * self.array.shape[2])


@dataclass(frozen=True)
class _NormGraph:
    """The few per-channel numbers between the moments and the factors, as an autograd graph of their own."""

    moments: tuple[Tensor, Tensor] | None
    factor_and_offset: tuple[Tensor, Tensor]

    def backward(
        self, sums: np.ndarray, parameters: tuple[Tensor, ...], count: int
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[Tensor | None, ...]]:
        """Return what each raw current adds (constant, per unit of current), and the parameters' gradients.

        sums: per channel, the derivative by the normalized current summed, alone and times the raw current.
        """
        nothing = np.zeros(sums.shape[1])
        if not any(value.requires_grad for value in self.factor_and_offset):
            return (nothing, nothing), tuple(None for _ in parameters)
        outputs = [v for v in self.factor_and_offset if v.requires_grad]
        by_offset, by_factor = torch.from_numpy(sums)
        given = {id(self.factor_and_offset[0]): by_factor, id(self.factor_and_offset[1]): by_offset}
        inputs = [*(self.moments or ()), *parameters]
        found = torch.autograd.grad(outputs, inputs, [given[id(v)].to(v.dtype) for v in outputs], allow_unused=True)
        if self.moments is None:
            return (nothing, nothing), found
        by_both = [torch.from_numpy(nothing) if g is None else g for g in found[:2]]
        by_mean, by_square = mean_over_processes(torch.stack(by_both)).numpy()
        return (by_mean / count, 2 * by_square / count), found[2:]


def _norm_graph(norm: ChannelNormModule, maps: _Maps) -> _NormGraph:
    if norm.training and norm.needs_moments:
        sums = _over_samples(
            maps,
            (2, maps.channels),
            lambda a, b, out: lif_kernels.moments(maps.array, maps.along_row, a, b, out[0], out[1]),
        )
        mean, mean_square = mean_over_processes(torch.from_numpy(sums / maps.count))
        norm.observe(mean, mean_square, process_count() * maps.count)
        with torch.enable_grad():
            moments = mean.clone().requires_grad_(), mean_square.clone().requires_grad_()
            return _NormGraph(moments, norm.from_moments(*moments))
    with torch.enable_grad():
        fixed = norm.fixed()
    if fixed is None:
        fixed = torch.ones(maps.channels), torch.zeros(maps.channels)
    return _NormGraph(None, fixed)


def _least_firing(neuron: Neuron) -> np.float32:
    """Return the smallest potential that fires."""
    threshold = np.float32(neuron.threshold)
    return threshold if neuron.fires_at_threshold else np.nextafter(threshold, np.float32(np.inf))


def _over_samples(maps: _Maps, sums: int | tuple[int, ...], work: Callable[[int, int, np.ndarray], None]) -> np.ndarray:
    """Run work(first, last, out) over slices of the samples, one per thread; return the sum of the outs (double)."""
    samples, threads = maps.array.shape[1], torch.get_num_threads()
    edges = np.linspace(0, samples, min(threads, samples) + 1).astype(int)
    parts = [np.zeros(sums) for _ in edges[1:]]
    if len(parts) == 1:
        work(0, samples, parts[0])
    else:
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(work, edges[:-1].tolist(), edges[1:].tolist(), parts))
    return np.sum(parts, axis=0)
