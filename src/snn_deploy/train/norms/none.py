"""Norm `none`: the currents as they are."""

from dataclasses import dataclass
from typing import ClassVar

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule


@dataclass(frozen=True)
class Norm:
    """No options."""

    needs_bias: ClassVar[bool] = False

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module that changes nothing."""
        return ChannelNormModule()
