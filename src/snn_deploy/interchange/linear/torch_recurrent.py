"""The weights of a torch layer that brings the spikes of neurons back to themselves."""

from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.interchange.linear.torch_neuron import number

_REORDERING = (torch.nn.Flatten, torch.nn.Unflatten, torch.nn.Identity, torch.nn.Dropout)


def recurrent_weights(layer: torch.nn.Module) -> Dense | Convolution:
    """Return what a Linear or a Conv2d computes, alone or in a Sequential whose other layers move nothing."""
    if isinstance(layer, torch.nn.Sequential):
        weighted = [part for part in layer if not isinstance(part, _REORDERING)]
        if len(weighted) != 1:
            kinds = ", ".join(type(part).__name__ for part in layer)
            raise NodeError(f"recurrent layers {kinds}; allowed are one Linear or Conv2d and Flatten around it.")
        return recurrent_weights(weighted[0])
    if type(layer) is torch.nn.Linear:
        return Dense(number(layer, "weight"), _bias(layer))
    if type(layer) is torch.nn.Conv2d:
        return _convolution(layer)
    raise NodeError(f"a recurrent {type(layer).__name__}; allowed are Linear and Conv2d.")


def _convolution(layer: torch.nn.Conv2d) -> Convolution:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise NodeError(
            f"recurrent weights with padding {layer.padding!r} of {layer.padding_mode!r}; allowed are numbers of zeros."
        )
    height, width = layer.padding
    return Convolution(
        number(layer, "weight"),
        _bias(layer),
        (layer.stride[0], layer.stride[1]),
        (int(height), int(width)),
        (layer.dilation[0], layer.dilation[1]),
        layer.groups,
    )


def _bias(layer: Any) -> np.ndarray:
    return np.zeros(len(layer.weight)) if layer.bias is None else number(layer, "bias")
