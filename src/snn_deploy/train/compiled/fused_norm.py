"""fused_norm: a norm as one compiled autograd function, for CPUs, and what fused_lif.py shares with it.

Where the currents of several connections meet, each is normed by itself before they are added. What it returns, and
its gradients, are those of ChannelNormModule.forward to rounding.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn_deploy.train.compiled import norm_kernels
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.norm_graph import NormGraph, norm_graph

LAST = torch.channels_last


def normed(currents: Tensor, norm: ChannelNormModule) -> Tensor:
    """Return the normalized currents; both (steps or 1, batch, *shape), float32, on the CPU."""
    parameters = [p for p in norm.parameters() if p.requires_grad]
    result: Tensor = _FusedNorm.apply(currents, norm, *parameters)
    return result


class _FusedNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, currents: Tensor, norm: ChannelNormModule, *parameters: Tensor) -> Tensor:
        maps = Maps(currents)
        graph = graph_of(norm, maps)
        factor, offset = (v.numpy() for v in graph.in_float32)
        result = np.empty_like(maps.array)
        over_samples(
            maps, 1, lambda a, b, _: norm_kernels.normalize(maps.array, factor, offset, maps.innermost, a, b, result)
        )
        ctx.maps, ctx.graph, ctx.parameters = maps, graph, parameters
        return maps.tensor(result)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        maps, graph = ctx.maps, ctx.graph
        # A copy: the kernel works in place, and autograd may hand the same tensor to another reader.
        result = maps.split(gradients[0]).copy()
        sums = over_samples(
            maps,
            (2, maps.channels),
            lambda a, b, out: norm_kernels.products(result, maps.array, maps.innermost, a, b, out[0], out[1]),
        )
        by_currents, by_parameters = back_through_norm(maps, graph, ctx.parameters, sums, result)
        return by_currents, None, *by_parameters


class Maps:
    """Currents as (steps, batch, parts, size), in the layout in memory that they come in; see norm_kernels.py.

    pool: the side of the windows that they are to be pooled over. innermost: the channels where they lie innermost,
    else 0; a dense layer is one pixel whose channels are its neurons.
    """

    def __init__(self, currents: Tensor, pool: int = 1) -> None:
        self.tensor_shape = tuple(currents.shape)
        self.channels = self.tensor_shape[2]
        self.width = 1 if currents.ndim == 3 else self.tensor_shape[-1]
        self._rows = 1 if currents.ndim == 3 else self.tensor_shape[-2]
        self.innermost = self.channels if currents.ndim == 3 or self._has_innermost_channels(currents, pool) else 0
        self._parts = self._rows // pool if self.innermost else self.channels
        self.array = self.split(currents.detach())
        self.count = self.array.size // self.channels

    def _has_innermost_channels(self, currents: Tensor, pool: int) -> bool:
        """Whether the channels of a pixel lie side by side, and the rows are whole rows of windows."""
        in_planes = currents.is_contiguous()  # both where there is one channel, or one pixel
        return not in_planes and self._rows % pool == 0 and currents.flatten(0, 1).is_contiguous(memory_format=LAST)

    def split(self, values: Tensor) -> np.ndarray:
        """Return `values`, (steps, batch, *shape) of this or the pooled shape, as (steps, batch, parts, size)."""
        if self.innermost and values.ndim == 5:
            values = values.movedim(2, -1)
        return values.contiguous().numpy().reshape(*values.shape[:2], self._parts, -1)

    def tensor(self, parts: np.ndarray, pool: int = 1) -> Tensor:
        """Return the tensor that `split` would give as `parts`. pool: of what values are pooled over."""
        shape = (len(parts), *self.tensor_shape[1:3], *(length // pool for length in self.tensor_shape[3:]))
        if self.innermost and len(shape) == 5:
            return torch.from_numpy(parts).reshape(*shape[:2], *shape[3:], shape[2]).movedim(-1, 2)
        return torch.from_numpy(parts).reshape(shape)

    def empty_pooled(self, steps: int, pool: int) -> np.ndarray:
        """Return room for the pooled spikes, (steps, batch, parts, pooled size)."""
        pooled = self.channels * (self._rows // pool) * (self.width // pool)
        return np.empty((steps, self.tensor_shape[1], self._parts, pooled // self._parts), np.float32)


def back_through_norm(
    maps: Maps, graph: NormGraph, parameters: tuple[Tensor, ...], sums: np.ndarray, result: np.ndarray
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """Return the gradients with respect to the raw currents and to the norm's parameters.

    result: the gradient with respect to the normalized currents; overwritten. sums: per channel, the sum of it, and of
    it times the raw currents.
    """
    by_moments, by_parameters = graph.backward(torch.from_numpy(sums), parameters, maps.count)
    factor = graph.in_float32[0].numpy()
    by_mean, by_mean_square = (v.float().numpy() for v in by_moments)
    over_samples(
        maps,
        1,
        lambda a, b, _: norm_kernels.through_norm(
            maps.array, factor, by_mean, by_mean_square, maps.innermost, a, b, result
        ),
    )
    return maps.tensor(result), by_parameters


def moments(maps: Maps) -> Tensor:
    """Return each channel's mean and mean square in this process, (2, channels), double."""
    sums = over_samples(
        maps,
        (2, maps.channels),
        lambda a, b, out: norm_kernels.moments(maps.array, maps.innermost, a, b, out[0], out[1]),
    )
    return torch.from_numpy(sums / maps.count)


def graph_of(norm: ChannelNormModule, maps: Maps) -> NormGraph:
    """Return the graph of `norm` for a batch of `maps`."""
    return norm_graph(norm, maps.channels, lambda: moments(maps), torch.device("cpu"))


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
