"""The synapses of the CPU backend: torch convolutions and products whose float sums are exact whole numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.deploy.backends._cpu_limits import largest_sums, sum_type
from snn_deploy.export.integer_network import IntegerConnection, IntegerNetwork

_TORCH_TYPES = {np.float32: torch.float32, np.float64: torch.float64}


@dataclass(frozen=True)
class Synapses:
    """A connection with its weights as a tensor of the float type that holds all its sums exactly."""

    connection: IntegerConnection
    source_shape: tuple[int, ...]
    weights: Tensor
    largest_sum: int  # without 2^exponent

    def deliver(self, values: np.ndarray) -> np.ndarray:
        """Return the sums that `values` (..., *source shape) uint8 bring, without 2^exponent: (..., targets)."""
        c = self.connection
        leading = values.shape[: -len(self.source_shape)]
        x = torch.from_numpy(values.reshape(-1, *self.source_shape)).to(self.weights.dtype)
        if c.pool != (1, 1):
            x = functional.avg_pool2d(x, c.pool, divisor_override=1)
        if c.weights.ndim == 4:
            sums = functional.conv2d(x, self.weights, None, c.stride, c.padding, c.dilation, c.groups)
        else:
            sums = functional.linear(x.flatten(1), self.weights)
        return sums.reshape(*leading, -1).numpy()


def synapses_of(network: IntegerNetwork, connection: IntegerConnection) -> Synapses:
    """Return `connection` prepared for delivering."""
    largest = int(largest_sums(network, connection).max())
    weights = torch.from_numpy(connection.weights.copy()).to(_TORCH_TYPES[sum_type(largest)])
    return Synapses(connection, network.shape_of(connection.source), weights, largest)


@contextmanager
def exact_and_single_threaded() -> Iterator[None]:
    """Set torch to one thread and to direct sums meanwhile; its settings are restored afterwards.

    NNPACK would take Winograd and Fourier transforms, which round. Many samples use many cores better than
    many threads share one sample (two threads on a loaded two-core machine measured 2 to 6 times slower).
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), torch.backends.nnpack.flags(enabled=False):
            yield
    finally:
        torch.set_num_threads(threads)
