"""Model `resnet18`: Dspike's ResNet-18 for CIFAR, and the ordinary ResNet-18 for ImageNet.

Dspike Sec. 5.1: three stem layers, four stages of two blocks with 64, 128, 256 and 512 channels, shortcuts that halve
the map by average pooling (ResNet-D, He et al. 2019). The paper does not say where the stem reduces 32x32. Its Table 3
does: its 187 million multiply-accumulates, 1.76 million of them in the first layer, are matched (187.4 and 1.77) when
the third stem layer halves the map, and not when the second does (159), when pooling after the stem does (216), or when
nothing does (631). By stride or by pooling remains a guess. ImageNet: as He et al. 2016 (RMP-Loss Table 4).
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


@dataclass(frozen=True)
class Model:
    """width: channels of the first stage. identity_weight: of a shortcut that passes spikes on, in thresholds."""

    width: Annotated[int, Ge(1)] = 64
    identity_weight: Annotated[float, Gt(0)] = IDENTITY_WEIGHT

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        if is_large(input_shape):
            return imagenet_network(self.width, (2, 2, 2, 2), self.identity_weight).plan(input_shape, classes)
        stem = (StemLayer(self.width), StemLayer(self.width), StemLayer(self.width, stride=2))
        stages = tuple(Stage(self.width * 2**i, 2) for i in range(4))
        network = ResidualNetwork(stem, stages, downsampling="pool", identity_weight=self.identity_weight)
        return network.plan(input_shape, classes)
