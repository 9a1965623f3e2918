"""Norm `none`: the currents as they are."""

from dataclasses import dataclass

from torch import Tensor, nn

from snn_deploy.train.float_network import ChannelNorm


@dataclass(frozen=True)
class Norm:
    """No options."""

    def build(self, channels: int, threshold: float) -> nn.Module:
        """Return the module that changes nothing."""
        return _None()


class _None(nn.Module):
    def shaped(self, weights: Tensor) -> Tensor:
        """Return the weights that are really used."""
        return weights

    def forward(self, currents: Tensor) -> Tensor:
        return currents

    def channel_norm(self) -> ChannelNorm | None:
        """Return the norm with fixed statistics that inference uses."""
        return None
