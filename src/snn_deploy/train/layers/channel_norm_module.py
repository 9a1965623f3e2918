"""channel_norm_module: what every norm is in training: one factor and one offset per channel, from two moments.

A norm says how the mean and the mean square of a channel's current (over steps, batch and positions) become the
factor and offset of that channel. Everything that touches the currents themselves is shared, and compiled.
A norm's plug-in in train/norms/ has a frozen dataclass `Norm` of its options, with `build` and the class constant
`needs_bias`: whether its offset becomes a bias in every step.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from snn_deploy.network.float_network import ChannelNorm
from snn_deploy.train.processes.across_processes import mean_over_processes


class ChannelNormModule(nn.Module):
    """The base of the norms; by itself it changes neither weights nor currents, and needs no moments."""

    needs_moments = False
    needs_inputs = False

    def prepare_for(self, weights_shape: tuple[int, ...]) -> None:
        """Make ready for the weights that it will shape; called once, before they are trained."""

    def observe_inputs(self, means: Tensor) -> None:
        """Hear the mean of each input channel, or of each input of a dense layer, before a training batch passes.

        Called only where `needs_inputs`.
        """

    def effective_weights(self, weights: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return the weights that the synapses use, in place of the trained ones.

        kept: booleans, of the shape of `weights`: the synapses that there are; the weights of the others are 0, count
        for nothing, and may come back as anything. None: all.
        """
        return weights

    def from_moments(self, mean: Tensor, mean_square: Tensor) -> tuple[Tensor, Tensor]:
        """Return (factor, offset), (channels,) each, for moments of the current batch; differentiable."""
        raise TypeError(f"{type(self).__name__} needs no moments")

    def observe(self, mean: Tensor, mean_square: Tensor) -> None:
        """Update the running statistics with the moments of a training batch."""

    def from_running_statistics(self) -> tuple[Tensor, Tensor] | None:
        """Return (factor, offset) from the running statistics, or None where currents stay as they are."""
        return None

    def channel_norm(self) -> ChannelNorm | None:
        """Return the norm with its running statistics, as inference uses it."""
        return None

    @torch.no_grad()
    def rescale(self, weights: Tensor, *, arriving: float, leaving: float) -> None:
        """Change `weights` or the norm in place: on values `arriving` times as large they give `leaving` times as much.

        Inference does; moments of a training batch know nothing of `arriving`. weights: what `effective_weights` takes.
        """
        weights.mul_(leaving / arriving)

    @torch.no_grad()
    def take_channels(self, other: "ChannelNormModule", outputs: Tensor, inputs: Tensor) -> None:
        """Take over what `other`, the same norm of a larger connection, has learned of some channels.

        outputs: (channels of other,) booleans, those that are left; inputs: the same of the axis of inputs of what
        `effective_weights` takes.
        """
        theirs = other.state_dict()
        # Whatever a norm keeps for each channel has them on its last axis.
        self.load_state_dict({name: t[..., outputs] if t.ndim else t for name, t in theirs.items()})

    def forward(self, currents: Tensor) -> Tensor:
        """Return the normalized currents, (batch, channels, ...), in plain torch."""
        if self.training and self.needs_moments:
            everything_else = [0, *range(2, currents.ndim)]
            local = torch.stack([m.mean(everything_else) for m in (currents.double(), currents.double().square())])
            mean, mean_square = mean_over_processes(local)
            with torch.no_grad():
                self.observe(mean, mean_square)
            factor_and_offset = self.from_moments(mean, mean_square)
        else:
            fixed = self.from_running_statistics()
            if fixed is None:
                return currents
            factor_and_offset = fixed
        factor, offset = (f.to(currents.dtype).reshape(-1, *[1] * (currents.ndim - 2)) for f in factor_and_offset)
        return currents * factor + offset


class NormOptions(Protocol):
    """What a plug-in's dataclass `Norm` can do."""

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the norm of one connection."""
