"""fused_norm: a norm as one compiled autograd function, for CPUs, and what fused_lif.py shares with it.

Where the currents of several connections meet, each is normed by itself before they are added. What it returns, and
its gradients, are those of ChannelNormModule.forward to rounding.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn_deploy.train.compiled import lif_kernels
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.processes.across_processes import mean_over_processes


def normed(currents: Tensor, norm: ChannelNormModule) -> Tensor:
    """Return the normalized currents; both (steps or 1, batch, *shape), float32, on the CPU."""
    parameters = [p for p in norm.parameters() if p.requires_grad]
    result: Tensor = _FusedNorm.apply(currents, norm, *parameters)
    return result


class _FusedNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, currents: Tensor, norm: ChannelNormModule, *parameters: Tensor) -> Tensor:
        maps = Maps(currents)
        graph = norm_graph(norm, maps)
        factor, offset = (v.detach().float().numpy() for v in graph.factor_and_offset)
        result = np.empty_like(maps.array)
        over_samples(
            maps, 1, lambda a, b, _: lif_kernels.normalize(maps.array, factor, offset, maps.along_row, a, b, result)
        )
        ctx.maps, ctx.graph, ctx.parameters = maps, graph, parameters
        return torch.from_numpy(result).reshape(maps.tensor_shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        maps, graph = ctx.maps, ctx.graph
        # A copy: the kernel works in place, and autograd may hand the same tensor to another reader.
        result = gradients[0].contiguous().numpy().reshape(maps.array.shape).copy()
        sums = over_samples(
            maps,
            (2, maps.channels),
            lambda a, b, out: lif_kernels.products(result, maps.array, maps.along_row, a, b, out[0], out[1]),
        )
        by_currents, by_parameters = back_through_norm(maps, graph, ctx.parameters, sums, result)
        return by_currents, None, *by_parameters


class Maps:
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


def back_through_norm(
    maps: "Maps", graph: "NormGraph", parameters: tuple[Tensor, ...], sums: np.ndarray, result: np.ndarray
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """Return the gradients with respect to the raw currents and to the norm's parameters.

    result: the gradient with respect to the normalized currents; overwritten. sums: per channel, the sum of it, and of
    it times the raw currents.
    """
    by_moments, by_parameters = graph.backward(sums, parameters, maps.count)
    factor = graph.factor_and_offset[0].detach().float().numpy()
    by_mean, by_mean_square = (v.astype(np.float32) for v in by_moments)
    over_samples(
        maps,
        1,
        lambda a, b, _: lif_kernels.through_norm(
            maps.array, factor, by_mean, by_mean_square, maps.along_row, a, b, result
        ),
    )
    return torch.from_numpy(result).reshape(maps.tensor_shape), by_parameters


@dataclass(frozen=True)
class NormGraph:
    """The few per-channel numbers between the moments and the factors, as an autograd graph of their own."""

    moments: tuple[Tensor, Tensor] | None
    factor_and_offset: tuple[Tensor, Tensor]

    def backward(
        self, sums: np.ndarray, parameters: tuple[Tensor, ...], count: int
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[Tensor | None, ...]]:
        """Return what each raw current adds (constant, per unit of current), and the parameters' gradients.

        sums: per channel, of the gradient with respect to the normalized current, alone and times the raw current.
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


def norm_graph(norm: ChannelNormModule, maps: Maps) -> NormGraph:
    if norm.training and norm.needs_moments:
        sums = over_samples(
            maps,
            (2, maps.channels),
            lambda a, b, out: lif_kernels.moments(maps.array, maps.along_row, a, b, out[0], out[1]),
        )
        mean, mean_square = mean_over_processes(torch.from_numpy(sums / maps.count))
        norm.observe(mean, mean_square)
        with torch.enable_grad():
            moments = mean.clone().requires_grad_(), mean_square.clone().requires_grad_()
            return NormGraph(moments, norm.from_moments(*moments))
    with torch.enable_grad():
        fixed = norm.from_running_statistics()
    if fixed is None:
        fixed = torch.ones(maps.channels), torch.zeros(maps.channels)
    return NormGraph(None, fixed)


def over_samples(maps: Maps, sums: int | tuple[int, ...], work: Callable[[int, int, np.ndarray], None]) -> np.ndarray:
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
