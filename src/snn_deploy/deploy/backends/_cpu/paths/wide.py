"""Path `wide`: torch's float64 convolution and product, exact for every network that fits a memory (_cpu/limits)."""

import numpy as np
import torch

from snn_deploy.deploy.backends._cpu.limits import SumBounds
from snn_deploy.deploy.backends._cpu.paths._float import FloatPath
from snn_deploy.network.integer_network import IntegerConnection


def why_not(connection: IntegerConnection, bounds: SumBounds) -> str | None:
    """Return None: nothing is too wide."""
    return None


class Path(FloatPath):
    """A connection ready to deliver in float64."""

    def __init__(self, connection: IntegerConnection, weights: np.ndarray, bounds: SumBounds) -> None:
        super().__init__(connection, weights, torch.float64)
