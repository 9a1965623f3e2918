"""synapses: the nodes that compute what a connection delivers, in float arithmetic that is exact for it.

A float type adds whole numbers exactly as long as no partial sum leaves its significand, and a factor of 2^n
changes nothing about that. The largest sum is known from the weights: below 2^24 it is one float32 Conv or Gemm;
beyond, float64, in which ONNX Runtime has no convolution, so that one becomes a sum of matrix products.
"""

import numpy as np

from snn_deploy.export.targets._onnx.graph import Graph, Kind
from snn_deploy.network.connection_arithmetic import output_length, pooled_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.largest_values import largest_partial_sum
from snn_deploy.network.state_units import EXACT_IN_FLOAT32, STATE_SHIFT


def exact_type(largest: int) -> Kind:
    """Return the fastest float type that adds whole numbers exactly up to `largest`."""
    return np.float32 if largest < EXACT_IN_FLOAT32 else np.float64


def deliver(graph: Graph, network: IntegerNetwork, connection: IntegerConnection, values: str, result: str) -> str:
    """Return the name of what `values`, (frames, *source shape), bring to the target: `result`, in state units.

    values: in exact_type of the connection's largest sum; the result is (frames, *target shape) of that type.
    """
    kind = exact_type(largest_partial_sum(network, connection))
    shape = network.shape_of(connection.source)
    pooled = _pool(graph, connection, shape, values, f"{result}/pooled", kind)
    shape = pooled_shape(shape, connection.pool)
    weights = _weights_in_state_units(graph.root, connection, kind)
    if connection.weights.ndim == 2:
        if len(shape) == 3:
            pooled = graph.add("Flatten", [pooled], f"{result}/flat", axis=1)
        return graph.add("Gemm", [pooled, weights], result, transB=1)
    if kind is np.float64:
        return _tap_by_tap(graph, connection, shape, pooled, weights, result)
    return graph.add(
        "Conv",
        [pooled, weights],
        result,
        kernel_shape=connection.weights.shape[2:],
        strides=connection.stride,
        pads=connection.padding * 2,
        dilations=connection.dilation,
        group=connection.groups,
    )


def _weights_in_state_units(root: Graph, connection: IntegerConnection, kind: Kind) -> str:
    """Return the integer weights times 2^(6 + exponent); a runtime computes this once, when it loads the model."""
    name = f"{connection.name}/weights"
    root.constant(name, connection.weights)
    as_float = root.cast(name, kind, f"{name}/float")
    result = f"{name}/state_units"
    if not root.has(result):
        unit = root.constant(f"{connection.name}/unit", 2 ** (STATE_SHIFT + connection.exponent), kind)
        root.add("Mul", [as_float, unit], result)
    return result


def _pool(
    graph: Graph, connection: IntegerConnection, shape: tuple[int, ...], values: str, result: str, kind: Kind
) -> str:
    """Return the sums over windows: a convolution with ones, or where that does not exist, a reshaped sum."""
    if connection.pool == (1, 1):
        return values
    channels, height, width = pooled_shape(shape, connection.pool)
    if kind is np.float32:
        ones = np.ones((channels, 1, *connection.pool), np.int8)
        window = graph.root.constant(f"{connection.name}/window", ones)
        window = graph.root.cast(window, kind, f"{connection.name}/window/float")
        return graph.add(
            "Conv", [values, window], result, kernel_shape=connection.pool, strides=connection.pool, group=channels
        )
    down, across = connection.pool
    whole = _slice(graph, values, f"{result}/whole", (0, 0), (height * down, width * across), (1, 1))
    windows = graph.as_shape(whole, (-1, channels, height, down, width, across), f"{result}/windows")
    return graph.sum_over(windows, (3, 5), result)


def _tap_by_tap(
    graph: Graph, connection: IntegerConnection, shape: tuple[int, ...], values: str, weights: str, result: str
) -> str:
    """Return the convolution as a sum over the kernel's taps of matrix products over the channels."""
    (channels, height, width), groups = shape, connection.groups
    out, _, kernel_height, kernel_width = connection.weights.shape
    padding, stride, dilation = connection.padding, connection.stride, connection.dilation
    rows = output_length(height, kernel_height, stride[0], padding[0], dilation[0])
    columns = output_length(width, kernel_width, stride[1], padding[1], dilation[1])
    if padding != (0, 0):
        pads = graph.constant(f"{result}/pads", (0, 0, *padding) * 2, np.int64)
        values = graph.add("Pad", [values, pads], f"{result}/padded")
    kernels = f"{connection.name}/taps"
    if not graph.root.has(kernels):
        graph.root.as_shape(
            weights, (groups, out // groups, channels // groups, kernel_height * kernel_width), f"{kernels}/grouped"
        )
        graph.root.add("Transpose", [f"{kernels}/grouped"], kernels, perm=(3, 0, 1, 2))
    total = ""
    for i in range(kernel_height):
        for j in range(kernel_width):
            tap = f"{result}/tap{i}.{j}"
            first = (i * dilation[0], j * dilation[1])
            last = (first[0] + (rows - 1) * stride[0] + 1, first[1] + (columns - 1) * stride[1] + 1)
            seen = _slice(graph, values, f"{tap}/seen", first, last, stride)
            seen = graph.as_shape(seen, (-1, groups, channels // groups, rows * columns), f"{tap}/columns")
            number = graph.constant(f"{connection.name}/tap{i}.{j}", i * kernel_width + j, np.int64)
            kernel = graph.add("Gather", [kernels, number], f"{tap}/kernel", axis=0)
            product = graph.add("MatMul", [kernel, seen], tap)
            total = graph.add("Add", [total, product], f"{tap}/total") if total else product
    return graph.as_shape(total, (-1, out, rows, columns), result)


def _slice(
    graph: Graph, values: str, result: str, first: tuple[int, int], last: tuple[int, int], stride: tuple[int, int]
) -> str:
    """Return rows and columns of maps, from `first` to before `last`."""
    axes = {"first": first, "last": last, "axes": (2, 3), "stride": stride}
    return graph.add(
        "Slice", [values, *(graph.constant(f"{result}/{n}", pair, np.int64) for n, pair in axes.items())], result
    )
