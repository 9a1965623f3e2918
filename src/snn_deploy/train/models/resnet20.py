"""Model `resnet20`: the ResNet-20 of Diet-SNN (Rathi and Roy 2020) and Sengupta et al. 2019, which RMP-Loss uses.

It is not the narrow ResNet-20 of He et al. with three stages: three stem layers of 64 channels and average pooling,
four stages of two blocks with 64, 128, 256 and 512 channels, shortcuts that halve the map by a 1x1 convolution of
stride 2, and an output that reads the last 2x2 map without pooling. Source: Diet-SNN's released code (the papers name
the network only); RMP-Loss's own code is not public.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from snn_deploy.train.models._residual_plan import IDENTITY_WEIGHT, ResidualNetwork, Stage, StemLayer
from snn_deploy.train.networks.network_plan import NetworkPlan


@dataclass(frozen=True)
class Model:
    """width: channels of the first stage. identity_weight: of a shortcut that passes spikes on, in thresholds."""

    width: Annotated[int, Ge(1)] = 64
    identity_weight: Annotated[float, Gt(0)] = IDENTITY_WEIGHT

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        network = ResidualNetwork(
            (StemLayer(self.width),) * 3,
            tuple(Stage(self.width * 2**i, 2) for i in range(4)),
            stem_pool=2,
            pools_last_map=False,
            identity_weight=self.identity_weight,
        )
        return network.plan(input_shape, classes)
