"""norm_graph: the few per-channel numbers between a norm's moments and its factors, as an autograd graph of their own.

The fused layers compute the moments and everything that has the currents' size in kernels; what lies between is a
norm's own formula in plain torch, on the device of its parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.processes.across_processes import mean_over_processes


@dataclass(frozen=True)
class NormGraph:
    """moments: (mean, mean square) where the factors depend on the batch. factor_and_offset: (channels,) each."""

    moments: tuple[Tensor, Tensor] | None
    factor_and_offset: tuple[Tensor, Tensor]

    @property
    def in_float32(self) -> tuple[Tensor, Tensor]:
        """Factor and offset as the kernels take them."""
        factor, offset = (v.detach().float() for v in self.factor_and_offset)
        return factor, offset

    def backward(
        self, sums: Tensor, parameters: tuple[Tensor, ...], count: int
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor | None, ...]]:
        """Return what each raw current adds (constant, per unit of current), and the parameters' gradients.

        sums: per channel, of the gradient with respect to the normalized current, alone and times the raw current;
        double. count: the values of a channel in this process.
        """
        nothing = torch.zeros_like(sums[0])
        if not any(value.requires_grad for value in self.factor_and_offset):
            return (nothing, nothing), tuple(None for _ in parameters)
        outputs = [v for v in self.factor_and_offset if v.requires_grad]
        by_offset, by_factor = sums
        given = {id(self.factor_and_offset[0]): by_factor, id(self.factor_and_offset[1]): by_offset}
        inputs = [*(self.moments or ()), *parameters]
        found = torch.autograd.grad(outputs, inputs, [given[id(v)].to(v.dtype) for v in outputs], allow_unused=True)
        if self.moments is None:
            return (nothing, nothing), found
        by_both = [nothing if g is None else g for g in found[:2]]
        by_mean, by_square = mean_over_processes(torch.stack(by_both))
        return (by_mean / count, 2 * by_square / count), found[2:]


def norm_graph(
    norm: ChannelNormModule, channels: int, moments: Callable[[], Tensor], device: torch.device
) -> NormGraph:
    """Return the graph for a batch. moments: returns its (mean, mean square), (2, channels), double, if they matter."""
    if norm.training and norm.needs_moments:
        mean, mean_square = mean_over_processes(moments())
        norm.observe(mean, mean_square)
        with torch.enable_grad():
            leaves = mean.clone().requires_grad_(), mean_square.clone().requires_grad_()
            return NormGraph(leaves, norm.from_moments(*leaves))
    with torch.enable_grad():
        fixed = norm.from_running_statistics()
    if fixed is None:
        fixed = torch.ones(channels, device=device), torch.zeros(channels, device=device)
    return NormGraph(None, fixed)
