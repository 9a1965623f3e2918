"""fused_lif: norm, neuron and average pooling of one layer as one autograd function of Triton kernels, for GPUs.

What it returns, and its gradients, are those of compiled/fused_lif.py: the same spikes, and sums over neurons that are
added in another order. It reads the currents three times: for their moments, forward and backward.
"""

from typing import Any

import torch
from torch import Tensor

from snn_deploy.train.compiled.fused_lif import FusedLayer, least_firing
from snn_deploy.train.gpu import lif_kernels
from snn_deploy.train.gpu.fused_norm import TILE, back_through_norm, channels_of_tile, dense, graph_of
from snn_deploy.train.gpu.slopes import triton_slope
from snn_deploy.train.gpu.triton_language import UNFUSED, triton


def run(layer: FusedLayer, currents: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `layer.run(currents)` does."""
    parameters = [p for p in layer.norm.parameters() if p.requires_grad]
    pooled, statistics = _FusedLif.apply(currents, layer, layer.learned_keep, *parameters)
    return pooled, statistics


class _FusedLif(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, layer: FusedLayer, learned_keep: Tensor | None, *parameters: Tensor
    ) -> tuple[Tensor, Tensor]:
        assert len(currents) in (1, layer.steps)  # the kernels would write beyond the last step
        currents = dense(currents.detach())
        graph = graph_of(layer.norm, currents)
        neuron = layer.neuron if learned_keep is None else layer.neuron.with_voltage_keep(learned_keep)
        pooled = _empty_pooled(currents, layer)
        grid, tile = _programs(currents, layer.pool)
        partial = currents.new_empty(grid[0] * grid[1], lif_kernels.STATISTICS)
        lif_kernels.forward[grid](
            currents, *graph.in_float32, pooled, partial, neuron.voltage_keep, float(least_firing(neuron)),
            layer.steps, len(currents), *_extent(currents, layer.pool), *_strides(currents), *_strides(pooled),
            **tile, **UNFUSED,
        )  # fmt: skip
        ctx.currents, ctx.layer, ctx.neuron, ctx.graph, ctx.parameters = currents, layer, neuron, graph, parameters
        ctx.elements = currents[0].numel() * layer.steps
        return pooled, (partial.sum(0, dtype=torch.float64) / ctx.elements).to(currents.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        currents, layer, neuron, graph = ctx.currents, ctx.layer, ctx.neuron, ctx.graph
        learns = ctx.needs_input_grad[2]
        by_pooled, by_statistics = gradients
        result = torch.empty_like(currents)
        kept = result
        if len(currents) == 1:
            kept = currents.new_empty(layer.steps, currents.numel())
        grid, tile = _programs(currents, layer.pool)
        partial = currents.new_empty(2, grid[0], currents.shape[2])
        by_keep = currents.new_empty(grid[0] * grid[1])
        lif_kernels.backward[grid](
            currents, *graph.in_float32, by_pooled, by_statistics / ctx.elements, kept, result, partial[0], partial[1],
            by_keep, neuron.voltage_keep, neuron.threshold, float(least_firing(neuron)), layer.sharpness,
            layer.steps, len(currents), *_extent(currents, layer.pool),
            currents.stride(0), kept.stride(0), *_strides(currents)[1:], *_strides(by_pooled),
            SLOPE=triton_slope(layer.slope), LEARNS=learns, **tile, **UNFUSED,
        )  # fmt: skip
        sums = partial.sum(1, dtype=torch.float64)
        by_currents, by_parameters = back_through_norm(currents, graph, ctx.parameters, sums, result)
        by_leak = by_keep.sum(dtype=torch.float64).to(currents.dtype) if learns else None
        return by_currents, None, by_leak, *by_parameters


def _empty_pooled(currents: Tensor, layer: FusedLayer) -> Tensor:
    """Return room for the pooled spikes, (steps, batch, *pooled shape), which lie as the currents do."""
    _, batch, channels, *lengths = currents.shape
    shape = (batch * layer.steps, channels, *(length // layer.pool for length in lengths))
    is_last = channels_of_tile(currents) > 1 and len(shape) == 4
    layout = torch.channels_last if is_last else torch.contiguous_format
    return torch.empty(shape, dtype=currents.dtype, device=currents.device, memory_format=layout).unflatten(
        0, (layer.steps, batch)
    )


def _extent(currents: Tensor, pool: int) -> tuple[int, int, int, int]:
    """Return places, channels, height and width, as the kernels' arguments."""
    _, batch, channels, *lengths = currents.shape
    height, width = lengths or (1, 1)
    return batch * triton.cdiv(height, pool) * triton.cdiv(width, pool), channels, height, width


def _strides(values: Tensor) -> tuple[int, ...]:
    """Return the strides of step, sample, channel, row and column, in elements."""
    return (*values.stride(), 0, 0)[:5]


def _programs(currents: Tensor, pool: int) -> tuple[tuple[int, int], dict[str, int]]:
    """Return the programs along places and channels, and their tile."""
    places, channels, _, _ = _extent(currents, pool)
    width = channels_of_tile(currents)
    window = int(triton.next_power_of_2(pool * pool))
    height = max(1, TILE // (width * window))
    grid = triton.cdiv(places, height), triton.cdiv(channels, width)
    return grid, {"PLACES": height, "CHANNELS": width, "POOL": pool, "WINDOW": window}
