"""Model `vgg16`: the VGG-16 that Diet-SNN modified (Rathi and Roy 2020), which IM-Loss, RMP-Loss and Dspike use.

Thirteen 3x3 convolutions, average instead of max pooling, two dense layers of 4096 and the output. On CIFAR the last
convolutions are not pooled, so the dense layers read a 2x2 map; on ImageNet they are, and read 7x7. Source: Diet-SNN's
released code. Its dropout is left out.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from snn_deploy.train.models import layer_string
from snn_deploy.train.models._image_size import is_large
from snn_deploy.train.networks.network_plan import NetworkPlan


@dataclass(frozen=True)
class Model:
    """width: channels of the first layer, which the other convolutions grow with. dense: features of a dense layer."""

    width: Annotated[int, Ge(1)] = 64
    dense: Annotated[int, Ge(1)] = 4096

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        groups = [[f"{self.width * factor}C3"] * count for factor, count in ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))]
        words = [word for group in groups for word in (*group, "P2")]
        if not is_large(input_shape):
            words.pop()
        words += [str(self.dense), str(self.dense), str(classes)]
        return layer_string.Model("-".join(words)).plan(input_shape, classes)
