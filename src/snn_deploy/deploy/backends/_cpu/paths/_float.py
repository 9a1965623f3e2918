"""What the paths `float32` and `wide` share: torch's convolution and product in one float type, channels last."""

import numpy as np
import torch
from torch.nn import functional

from snn_deploy.network.integer_network import IntegerConnection


class FloatPath:
    """A connection's weights in a float type that holds all its sums exactly."""

    def __init__(self, connection: IntegerConnection, weights: np.ndarray, kind: torch.dtype) -> None:
        c = connection
        self.geometry = (c.stride, c.padding, c.dilation, c.groups)
        self.weights = torch.tensor(weights, dtype=kind)

    def deliver(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of `values` uint8 or int32, (frames, height, width, in) or (frames, in), channels last."""
        x = torch.from_numpy(values).to(self.weights.dtype)
        if self.weights.ndim == 2:
            product: np.ndarray = functional.linear(x, self.weights).numpy()
            return product
        x = x.permute(0, 3, 1, 2)
        if 1 in x.shape[1:]:
            # Of a side of length 1 the strides do not say the layout, and torch 2.14 computed some such maps wrongly.
            x = x.clone(memory_format=torch.contiguous_format)
        found = functional.conv2d(x, self.weights, None, *self.geometry)
        sums: np.ndarray = found.permute(0, 2, 3, 1).contiguous().numpy()
        return sums
