"""weight_nodes: a connection as NIR's nodes in a row: delay, pooling, flatten, weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.float_network import FloatConnection


def weight_nodes(
    connection: FloatConnection, shape: tuple[int, ...], bias: np.ndarray, delay: float
) -> Iterator[tuple[str, Any]]:
    """Yield (suffix of the name, node) from the source, of `shape`, to the target; the weights have no suffix.

    bias: (channels,), of the target, for the last node. delay: seconds; 0 is none.
    """
    import nir  # noqa: PLC0415

    c = connection
    if delay:
        yield "_delay", nir.Delay(np.full(shape, delay))
    if c.pool != (1, 1):
        window, none = np.array(c.pool), np.array((0, 0))
        yield "_pool", (nir.AvgPool2d if c.pool_mode == "average" else nir.SumPool2d)(window, window, none)
        shape = pooled_shape(shape, c.pool)
    if c.weights.ndim == 4:
        yield "", nir.Conv2d(shape[1:], c.weights, c.stride, c.padding, c.dilation, c.groups, bias)
        return
    if len(shape) == 3:
        yield "_flatten", nir.Flatten({"input": np.array(shape)}, 0, -1)
    yield "", nir.Affine(c.weights, bias) if bias.any() else nir.Linear(c.weights)
