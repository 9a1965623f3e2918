"""Model `resnet34`: the ResNet-34 of He et al. 2016 with spiking neurons (IM-Loss, RMP-Loss and Dspike on ImageNet).

7x7 convolution of stride 2, pooling, stages of 3, 4, 6 and 3 blocks with 64, 128, 256 and 512 channels. Images that
are smaller than ImageNet's get a 3x3 stem without stride or pooling instead.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from snn_deploy.train.models._image_size import is_large
from snn_deploy.train.models._residual_plan import (
    IDENTITY_WEIGHT,
    ResidualNetwork,
    Stage,
    StemLayer,
    imagenet_network,
)
from snn_deploy.train.networks.network_plan import NetworkPlan

_BLOCKS = (3, 4, 6, 3)


@dataclass(frozen=True)
class Model:
    """width: channels of the first stage. identity_weight: of a shortcut that passes spikes on, in thresholds."""

    width: Annotated[int, Ge(1)] = 64
    identity_weight: Annotated[float, Gt(0)] = IDENTITY_WEIGHT

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        if is_large(input_shape):
            return imagenet_network(self.width, _BLOCKS, self.identity_weight).plan(input_shape, classes)
        stages = tuple(Stage(self.width * 2**i, count) for i, count in enumerate(_BLOCKS))
        network = ResidualNetwork((StemLayer(self.width),), stages, identity_weight=self.identity_weight)
        return network.plan(input_shape, classes)
