"""Model `filtered_output`: the layers of `layer_string`, and an output that leaks and may see the input itself.

For values that are read from the output's potential in every step: with a leak it is a filter of what arrived in the
last steps, where a sum of everything since the first step could not follow a signal that falls again.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge, Le

from snn_deploy.train.models.layer_string import Model as LayerString
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection


@dataclass(frozen=True)
class Model:
    """layers: as of `layer_string`, such as "256-1". output_keep: the share of the output's potential that is left
    after a step; a chip holds whole numbers of 1/4096. sees_input: whether the output has synapses from the input, too:
    then what is linear in the input needs no spikes.
    """

    layers: str
    output_keep: Annotated[float, Ge(0), Le(1)] = 0.5
    sees_input: bool = True

    def note(self, classes: int) -> str | None:
        """Return what became of the last number of `layers` where that is not the number of outputs, else None."""
        return LayerString(self.layers).note(classes)

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` and `classes` outputs, the values of a step."""
        chain = LayerString(self.layers).plan(input_shape, classes)
        entry, output = chain.input.name, replace(chain.output, voltage_keep=self.output_keep)
        connections = chain.connections
        if self.sees_input and all(c.source != entry for c in chain.connections_to(chain.output)):
            weights = (math.prod(output.shape), math.prod(input_shape))
            name = f"{entry}-{output.name}"
            connections += (PlannedConnection(name, entry, output.name, weights, has_norm=False),)
        return NetworkPlan(chain.input, (*chain.populations[:-1], output), connections)
