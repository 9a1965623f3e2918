"""Norm `none`: the currents as they are."""

from dataclasses import dataclass

from snn_deploy.train.channel_norm_module import ChannelNormModule


@dataclass(frozen=True)
class Norm:
    """No options."""

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module that changes nothing."""
        return ChannelNormModule()
