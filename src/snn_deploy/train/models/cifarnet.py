"""Model `cifarnet`: the CIFARNet of Wu et al. 2019 ("Faster, Larger, Better", Table 3), which IM-Loss uses.

128C3-256C3-P2-512C3-P2-1024C3-512C3-1024-512 and the output; the voting layer of Wu et al. is not part of it.
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
        w = self.width
        layers = f"{w}C3-{2 * w}C3-P2-{4 * w}C3-P2-{8 * w}C3-{4 * w}C3-{8 * w}-{4 * w}-{classes}"
        return layer_string.Model(layers).plan(input_shape, classes)
