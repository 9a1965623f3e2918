"""always_on: a neuron that fires in every step, whose weights are what a layer gets in every step.

A bias of a population is one number for each channel, added to potentials. What enters a synaptic current, differs
within a channel or comes only after the first steps is none; by a spike in every step it is exact.
"""

from typing import Any

import numpy as np

from snn_deploy.network.float_network import FloatConnection, FloatPopulation

ALWAYS_ON = "always_on"


def always_on(name: str) -> tuple[FloatPopulation, FloatConnection]:
    """Return the neuron and a connection to itself with a weight of 0: every population is reached by one."""
    zero, one = np.zeros(1), np.ones(1)
    neuron = FloatPopulation(name, (1, 1, 1), one / 2, one, zero, bias=one)
    return neuron, FloatConnection(f"{name}-{name}", name, name, np.zeros((1, 1, 1, 1)), delay=1)


def constant_fields(constant: np.ndarray) -> dict[str, Any]:
    """Return the fields of a connection that brings `constant`, of the target's shape, with every spike of the neuron.

    To maps it is a convolution of the one spike with a kernel as large as the map, each neuron meeting one weight.
    """
    if constant.ndim == 1:
        return {"weights": constant.reshape(-1, 1)}
    _, height, width = constant.shape
    return {"weights": constant[:, None, ::-1, ::-1], "padding": (height - 1, width - 1)}
