"""weights: NIR's Linear, Affine, Conv1d and Conv2d as operations."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.interchange.nir.fields import numbers, pair, whole
from snn_deploy.network.connection_arithmetic import Pair


def dense(node: Mapping[str, Any]) -> Dense:
    """Return y = W x (Linear) or y = W x + b (Affine)."""
    weights = _weights(node, 2)
    return Dense(weights, _bias(node, len(weights)))


def conv1d(node: Mapping[str, Any]) -> Convolution:
    """Return a convolution over (channels, length), which is (channels, 1, length) here."""
    weights = _weights(node, 3)[:, :, None, :]
    stride, dilation = (1, pair(node, "stride", 1, 1)[0]), (1, pair(node, "dilation", 1, 1)[0])
    padding = _padding(node, weights.shape[2:], stride, dilation)
    return Convolution(weights, _bias(node, len(weights)), stride, (0, padding[1]), dilation, _groups(node))


def conv2d(node: Mapping[str, Any]) -> Convolution:
    """Return a convolution over (channels, height, width)."""
    weights = _weights(node, 4)
    stride, dilation = pair(node, "stride", 1, 1), pair(node, "dilation", 1, 1)
    padding = _padding(node, weights.shape[2:], stride, dilation)
    return Convolution(weights, _bias(node, len(weights)), stride, padding, dilation, _groups(node))


def _weights(node: Mapping[str, Any], axes: int) -> np.ndarray:
    weights = numbers(node, "weight")
    if weights.ndim != axes:
        raise NodeError(f"weight of shape {weights.shape}; allowed are {axes} axes.")
    return weights


def _bias(node: Mapping[str, Any], outputs: int) -> np.ndarray:
    bias = numbers(node, "bias", 0.0)
    if bias.size not in (1, outputs):
        raise NodeError(f"bias of shape {bias.shape} for {outputs} outputs.")
    return np.broadcast_to(bias.reshape(-1), (outputs,))


def _groups(node: Mapping[str, Any]) -> int:
    groups = whole(node, "groups", 1)
    if groups < 1:
        raise NodeError(f"groups is {groups}; allowed is a whole number from 1.")
    return groups


def _padding(node: Mapping[str, Any], kernel: tuple[int, ...], stride: Pair, dilation: Pair) -> Pair:
    padding = node.get("padding")
    if not isinstance(padding, str):
        return pair(node, "padding", 0, 0)
    if padding == "valid":
        return 0, 0
    if padding != "same":
        raise NodeError(f"padding {padding!r}; allowed are numbers, 'same' and 'valid'.")
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if stride != (1, 1) or any(t % 2 for t in total):
        raise NodeError(f"padding 'same' with stride {stride} and kernel {kernel}; allowed is the same on both sides.")
    return total[0] // 2, total[1] // 2
