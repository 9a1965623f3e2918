"""Path `float32`: torch's float32 convolution and product, exact while no partial sum reaches 2^24."""

import numpy as np
import torch

from snn_deploy.deploy.backends._cpu.limits import SumBounds
from snn_deploy.deploy.backends._cpu.paths._float import FloatPath
from snn_deploy.network.integer_network import IntegerConnection
from snn_deploy.network.state_units import EXACT_IN_FLOAT32


def why_not(connection: IntegerConnection, bounds: SumBounds) -> str | None:
    """Return None where the path is exact for this connection, else the reason in a few words."""
    return "sums beyond 2^24" if bounds.largest_sum >= EXACT_IN_FLOAT32 else None


class Path(FloatPath):
    """A connection ready to deliver in float32."""

    def __init__(self, connection: IntegerConnection, weights: np.ndarray, bounds: SumBounds) -> None:
        super().__init__(connection, weights, torch.float32)
