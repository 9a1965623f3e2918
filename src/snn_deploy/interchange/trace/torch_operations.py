"""torch_operations: torch's own linear functions as operations; each takes the arguments that torch's function takes.

`shape` is that of what arrives, without batch and steps.
"""

from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError, Operation, Pool, Shape
from snn_deploy.network.connection_arithmetic import Pair


def linear(_: Any, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Dense:
    """Return torch.nn.functional.linear."""
    return Dense(array(weight), _bias(weight, bias))


def convolution(
    _: Any,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Convolution:
    """Return torch.conv1d or torch.conv2d; what runs along one axis runs along the width."""
    axes = weight.ndim - 2
    kernel = array(weight if axes == 2 else weight[:, :, None])
    step, rate = pair(stride, axes, 1), pair(dilation, axes, 1)
    if isinstance(padding, str):
        total = [d * (k - 1) for d, k in zip(rate, kernel.shape[2:], strict=True)]
        if padding == "same" and any(t % 2 for t in total):
            raise NodeError("padding 'same' with an even kernel, which pads unequally. Use an odd kernel.")
        around = (0, 0) if padding == "valid" else (total[0] // 2, total[1] // 2)
    else:
        around = pair(padding, axes, 0)
    return Convolution(kernel, _bias(weight, bias), step, around, rate, groups)


def average_pooling(
    shape: Shape,
    axes: int,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Operation:
    """Return torch's avg_pool1d or avg_pool2d."""
    window, around = pair(kernel_size, axes, 1), pair(padding, axes, 0)
    step = window if stride is None or stride == [] else pair(stride, axes, 1)
    if divisor_override is not None or not (count_include_pad or around == (0, 0)):
        raise NodeError("average pooling with divisor_override, or with padding that does not count. Use neither.")
    _require_no_ceiling(ceil_mode, shape, window, step, around)
    if step == window and around == (0, 0):
        return Pool(window, "average")
    kernel = np.full((shape[0], 1, *window), 1 / (window[0] * window[1]))
    return Convolution(kernel, np.zeros(shape[0]), step, around, groups=shape[0])


def any_in_window(
    shape: Shape,
    axes: int,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Convolution:
    """Return the sum over each window of torch's max_pool1d or max_pool2d; of spikes it tells whether any is 1."""
    window, around, rate = pair(kernel_size, axes, 1), pair(padding, axes, 0), pair(dilation, axes, 1)
    step = window if stride is None or stride == [] else pair(stride, axes, 1)
    _require_no_ceiling(ceil_mode, shape, window, step, around)
    kernel = np.ones((shape[0], 1, *window))
    return Convolution(kernel, np.zeros(shape[0]), step, around, rate, groups=shape[0])


def adaptive_window(shape: Shape, axes: int, output_size: Any) -> Pair:
    """Return the window of adaptive pooling to `output_size`, which has to divide what arrives."""
    wanted = (output_size,) * axes if isinstance(output_size, int) else tuple(output_size)
    sizes = shape[3 - axes :]
    target = [s if w is None else w for w, s in zip(wanted, sizes, strict=True)]
    if len(shape) != 3 or any(s % t for s, t in zip(sizes, target, strict=True)):
        raise NodeError(f"adaptive pooling of {sizes} to {tuple(target)}; taken are sizes that divide it.")
    windows = [s // t for s, t in zip(sizes, target, strict=True)]
    return (1, windows[0]) if axes == 1 else (windows[0], windows[1])


def array(tensor: torch.Tensor) -> np.ndarray:
    """Return the values of a tensor in double precision; a NodeError where one is not finite."""
    values: np.ndarray = tensor.detach().cpu().double().numpy()
    if not np.isfinite(values).all():
        raise NodeError("its values are not finite. Train again.")
    return values


def pair(value: Any, axes: int, across: int) -> Pair:
    """Return a number, or one for each of `axes`, as (vertical, horizontal); `across` for the axis that is missing."""
    numbers = [int(value)] * axes if isinstance(value, int) else [int(v) for v in value] * (axes // len(value))
    return (across, numbers[0]) if axes == 1 else (numbers[0], numbers[1])


def _bias(weight: torch.Tensor, bias: torch.Tensor | None) -> np.ndarray:
    return np.zeros(len(weight)) if bias is None else array(bias)


def _require_no_ceiling(ceil_mode: bool, shape: Shape, window: Pair, step: Pair, around: Pair) -> None:
    sizes = zip(shape[1:], window, step, around, strict=True)
    if ceil_mode and any((s + 2 * a - w) % t for s, w, t, a in sizes):
        raise NodeError("ceil_mode, with a window that reaches over the edge. Leave it out.")
