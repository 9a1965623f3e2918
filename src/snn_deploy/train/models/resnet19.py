"""Model `resnet19`: the ResNet-19 of STBP-tdBN (Zheng et al. 2021, Table 2), which IM-Loss and RMP-Loss use.

A 3x3 convolution, three stages of 3, 3 and 2 blocks with 128, 256 and 512 channels, average pooling of the whole map,
a dense spiking layer of 256 and the output: 19 layers in a row. 2285 million multiply-accumulates on 32x32, as
Dspike's Table 3 says.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from snn_deploy.train.models._residual_plan import IDENTITY_WEIGHT, ResidualNetwork, Stage, StemLayer
from snn_deploy.train.networks.network_plan import NetworkPlan


@dataclass(frozen=True)
class Model:
    """width: channels of the first stage. identity_weight: of a shortcut that passes spikes on, in thresholds."""

    width: Annotated[int, Ge(1)] = 128
    identity_weight: Annotated[float, Gt(0)] = IDENTITY_WEIGHT

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        stages = (Stage(self.width, 3), Stage(2 * self.width, 3), Stage(4 * self.width, 2))
        network = ResidualNetwork(
            (StemLayer(self.width),), stages, hidden=(2 * self.width,), identity_weight=self.identity_weight
        )
        return network.plan(input_shape, classes)
