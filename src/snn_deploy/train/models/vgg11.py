"""Model `vgg11`: the VGG-11 of the time-based training paper (TB Table 1).

128C3-128C3-P2-256C3-256C3-256C3-P2-512C3-512C3-512C3-P2-2048-2048 and the output. Source: the paper's released code,
as its appendix, which describes the network, is not at hand. The code's dropout of 0.1 is left out.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from snn_deploy.train.models import layer_string
from snn_deploy.train.networks.network_plan import NetworkPlan


@dataclass(frozen=True)
class Model:
    """width: channels of the first layer; every other layer grows with it."""

    width: Annotated[int, Ge(1)] = 128

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        one, two, four, dense = (f"{n * self.width}" for n in (1, 2, 4, 16))
        layers = f"{one}C3-{one}C3-P2" + f"-{two}C3" * 3 + "-P2" + f"-{four}C3" * 3 + f"-P2-{dense}-{dense}-{classes}"
        return layer_string.Model(layers).plan(input_shape, classes)
