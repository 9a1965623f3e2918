"""pooling: NIR's SumPool2d and AvgPool2d as operations."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from snn_deploy.interchange.linear.operations import Convolution, NodeError, Operation, Pool, Shape
from snn_deploy.interchange.nir.fields import pair


def pool2d(node: Mapping[str, Any], shape: Shape, mode: Literal["sum", "average"]) -> Operation:
    """Return pooling of a signal of `shape`; windows that overlap or reach past the edge are a depthwise convolution.

    Zeros past the edge count in an average, as in PyTorch's count_include_pad.
    """
    if len(shape) != 3:
        raise NodeError(f"pooling of what has the shape {shape}; allowed is (channels, height, width).")
    window, padding = pair(node, "kernel_size", 1), pair(node, "padding", 0, 0)
    stride = pair(node, "stride", 1) if node.get("stride") is not None else window
    if stride == window and padding == (0, 0):
        return Pool(window, mode)
    weight = 1 / math.prod(window) if mode == "average" else 1.0
    channels = shape[0]
    return Convolution(np.full((channels, 1, *window), weight), np.zeros(channels), stride, padding, groups=channels)
