"""fused_norm: a norm as one autograd function of Triton kernels, for GPUs, and what fused_lif.py shares with it.

What it returns, and its gradients, are those of compiled/fused_norm.py; sums are added in another order.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snn_deploy.train.gpu import norm_kernels
from snn_deploy.train.gpu.triton_language import UNFUSED, triton
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.norm_graph import NormGraph, norm_graph

TILE = 1024  # values that a program takes at once: 8 for each thread of its 4 warps
_MOST_CHANNELS = 64  # of a tile: enough neighbours for whole memory transactions
_TILES = 16  # one after the other in a program that sums, so that few partial sums are left


def normed(currents: Tensor, norm: ChannelNormModule) -> Tensor:
    """Return the normalized currents; both (steps or 1, batch, *shape), float32."""
    parameters = [p for p in norm.parameters() if p.requires_grad]
    result: Tensor = _FusedNorm.apply(currents, norm, *parameters)
    return result


class _FusedNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, currents: Tensor, norm: ChannelNormModule, *parameters: Tensor) -> Tensor:
        currents = dense(currents.detach())
        lines = Lines(currents)
        graph = graph_of(norm, currents)
        result = torch.empty_like(currents)
        norm_kernels.normalize[lines.grid()](currents, *graph.in_float32, result, *lines.shape, **lines.tile, **UNFUSED)
        ctx.currents, ctx.graph, ctx.parameters = currents, graph, parameters
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        currents, graph = ctx.currents, ctx.graph
        arriving = torch.empty_like(currents).copy_(gradients[0])  # as the currents lie
        sums = channel_sums(arriving, currents)
        by_currents, by_parameters = back_through_norm(currents, graph, ctx.parameters, sums, arriving)
        return by_currents, None, *by_parameters


@dataclass(frozen=True)
class Lines:
    """How the kernels of norm_kernels.py see `currents`, which are `dense`."""

    currents: Tensor

    @property
    def channels(self) -> int:
        return int(self.currents.shape[2])

    @property
    def inner(self) -> int:
        """The pixels that lie side by side: 1 with channels innermost."""
        return 1 if has_innermost_channels(self.currents) else self.currents[0, 0, 0].numel()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, channels and pixels, as the kernels' arguments."""
        return self.currents.numel() // self.channels, self.channels, self.inner

    @property
    def tile(self) -> dict[str, int]:
        channels = channels_of_tile(self.currents)
        return {"ROWS": TILE // channels, "CHANNELS": channels}

    def grid(self, tiles: int = 1) -> tuple[int, int]:
        """Return the programs along the rows, `tiles` tiles each, and along the channels."""
        rows, channels, _ = self.shape
        return triton.cdiv(rows, self.tile["ROWS"] * tiles), triton.cdiv(channels, self.tile["CHANNELS"])


def dense(currents: Tensor) -> Tensor:
    """Return `currents`, (steps, batch, channels, ...), in planes or with channels innermost and nothing between."""
    return currents if has_innermost_channels(currents) else currents.contiguous()


def has_innermost_channels(currents: Tensor) -> bool:
    """Whether the channels of a pixel lie side by side; a dense layer is one pixel."""
    if currents.ndim == 3:
        return currents.is_contiguous()
    is_last = currents.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    return is_last and not currents.is_contiguous()  # both where there is one channel, or one pixel


def channels_of_tile(currents: Tensor) -> int:
    """Return how many channels a tile has: one where a channel's pixels lie together."""
    if not has_innermost_channels(currents):
        return 1
    return min(_MOST_CHANNELS, int(triton.next_power_of_2(currents.shape[2])))


def graph_of(norm: ChannelNormModule, currents: Tensor) -> NormGraph:
    """Return the graph of `norm` for a batch of `currents`, which are dense."""
    count = currents.numel() // currents.shape[2]
    return norm_graph(norm, currents.shape[2], lambda: channel_sums(currents, currents) / count, currents.device)


def channel_sums(values: Tensor, others: Tensor) -> Tensor:
    """Return each channel's sum of `values` and of values * others, (2, channels), double; both lie alike."""
    lines = Lines(values)
    grid = lines.grid(_TILES)
    partial = values.new_empty(2, grid[0], lines.channels)
    norm_kernels.channel_sums[grid](
        values, others, partial[0], partial[1], *lines.shape, _TILES, **lines.tile, **UNFUSED
    )
    return partial.sum(1, dtype=torch.float64)


def back_through_norm(
    currents: Tensor, graph: NormGraph, parameters: tuple[Tensor, ...], sums: Tensor, by_normalized: Tensor
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """Return the gradients with respect to the raw currents and to the norm's parameters.

    by_normalized: with respect to the normalized currents; overwritten. sums: as channel_sums(by_normalized, currents).
    """
    lines = Lines(currents)
    by_moments, by_parameters = graph.backward(sums, parameters, lines.shape[0])
    by_mean, by_mean_square = (v.float() for v in by_moments)
    norm_kernels.through_norm[lines.grid()](
        currents, graph.in_float32[0], by_mean, by_mean_square, by_normalized, by_normalized,
        *lines.shape, **lines.tile, **UNFUSED,
    )  # fmt: skip
    return by_normalized, by_parameters
