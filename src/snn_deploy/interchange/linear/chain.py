"""chain: linear operations in a row, as the one connection that they are together.

A FloatConnection pools, and then convolves or multiplies with a matrix. What stands in another order is composed: a
convolution after a convolution, or pooling after one, is a convolution with a larger kernel; a convolution before a
matrix is a matrix.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from snn_deploy.interchange.linear.operations import (
    Convolution,
    Dense,
    Flatten,
    NodeError,
    Operation,
    Pool,
    Reshape,
    Scale,
    Shape,
    Wait,
    per_channel,
)
from snn_deploy.network.connection_arithmetic import Pair

_LARGEST_MATRIX = 1 << 26  # values of a matrix that is made of other operations: 512 MiB


@dataclass(frozen=True)
class _Chain:
    """What was met so far: pooling, then `scale` of what was pooled, then `weights`; `shape` is what comes out."""

    shape: Shape
    pooled: Shape
    pool: Pair = (1, 1)
    mode: Literal["sum", "average"] | None = None
    scale: np.ndarray | None = None
    weights: Convolution | Dense | None = None
    delay: int = 0


def connection_fields(operations: Sequence[Operation], shape: Shape) -> dict[str, Any]:
    """Return the fields of a FloatConnection from a source of `shape` that does what `operations` do without biases."""
    chain = _Chain(shape, shape)
    for operation in operations:
        chain = _STEPS[type(operation)](chain, operation)
    weights = chain.weights or _identity(chain)
    if isinstance(weights, Convolution) and len(chain.shape) == 1:
        weights = Dense(_matrix(weights, chain.pooled, chain.shape[0]), np.zeros(chain.shape))
    fields = {"weights": weights.weights, "pool": chain.pool, "pool_mode": chain.mode or "sum", "delay": chain.delay}
    if isinstance(weights, Convolution):
        fields |= {name: getattr(weights, name) for name in ("stride", "padding", "dilation", "groups")}
    return fields


def matrix_fields(operations: Sequence[Operation], shape: Shape) -> dict[str, Any]:
    """Return the fields of a FloatConnection that does the same by a matrix, (flattened output, flattened input)."""
    inputs, shapes = math.prod(shape), [shape]
    for operation in operations:
        shapes.append(operation.output_shape(shapes[-1]))
    if inputs * max(map(math.prod, shapes)) > _LARGEST_MATRIX:
        raise NodeError(f"{inputs} values go on by what no convolution does, and a matrix of them would be too large.")
    values = np.eye(inputs).reshape(inputs, *shape)
    for operation in operations:
        values = operation.apply(values)
    delay = sum(operation.steps for operation in operations if isinstance(operation, Wait))
    return {"weights": np.ascontiguousarray(values.reshape(inputs, -1).T), "delay": delay}


def fields_to(
    operations: Sequence[Operation], source: Shape, shape: Shape, gain: np.ndarray, *, is_flat: bool
) -> dict[str, Any]:
    """Return the fields of a FloatConnection from `source` to neurons of `shape`, whose inputs are times `gain`.

    is_flat: whether these neurons are in a row here and a map where the network came from. Neurons in a row are
    reached by a matrix where no convolution does it; a NodeError says why a map is not reached.
    """
    try:
        if is_flat:
            raise NodeError("its neurons are flat here.")
        fields = connection_fields(operations, source)
    except NodeError:
        if len(shape) > 1:
            raise
        fields = matrix_fields(operations, source)
    fields["weights"] = fields["weights"] * gain.reshape(-1, *[1] * (fields["weights"].ndim - 1))
    return fields


def _after_pool(chain: _Chain, pool: Pool) -> _Chain:
    shape = pool.output_shape(chain.shape)
    if chain.weights is not None or chain.scale is not None:
        area = math.prod(pool.window) if pool.mode == "average" else 1
        kernel = np.full((chain.shape[0], 1, *pool.window), 1 / area)
        return _after_convolution(chain, Convolution(kernel, np.zeros(len(kernel)), pool.window, groups=len(kernel)))
    window = (chain.pool[0] * pool.window[0], chain.pool[1] * pool.window[1])
    if chain.mode in (None, pool.mode):
        return replace(chain, shape=shape, pooled=shape, pool=window, mode=pool.mode)
    average = chain.pool if chain.mode == "average" else pool.window
    return replace(
        chain, shape=shape, pooled=shape, pool=window, mode="sum", scale=np.full(shape, 1 / math.prod(average))
    )


def _after_convolution(chain: _Chain, convolution: Convolution) -> _Chain:
    shape = convolution.output_shape(chain.shape)
    if chain.weights is None:
        return replace(chain, shape=shape, weights=_scaled_inputs(convolution, chain), scale=None)
    if isinstance(chain.weights, Dense):
        raise NodeError("a convolution of the result of a matrix. Put neurons between them.")
    return replace(chain, shape=shape, weights=_composed(chain.weights, convolution))


def _after_dense(chain: _Chain, dense: Dense) -> _Chain:
    shape = dense.output_shape(chain.shape)
    before = chain.weights
    weights = dense.weights
    if isinstance(before, Dense):
        weights = weights @ before.weights
    elif isinstance(before, Convolution):
        weights = weights @ _matrix(before, chain.pooled, len(weights))
    elif chain.scale is not None:
        weights = weights * chain.scale.reshape(-1)
    return replace(chain, shape=shape, weights=Dense(weights, np.zeros(len(weights))), scale=None)


def _matrix(convolution: Convolution, shape: Shape, outputs: int) -> np.ndarray:
    """Return the matrix, (flattened output, flattened input), that does what a convolution of `shape` does."""
    inputs = math.prod(shape)
    if inputs * max(outputs, math.prod(convolution.output_shape(shape))) > _LARGEST_MATRIX:
        raise NodeError(f"a convolution of {inputs} values that would be a matrix. Put neurons behind it.")
    return convolution.apply(np.eye(inputs).reshape(inputs, *shape)).reshape(inputs, -1).T


def _after_flatten(chain: _Chain, flatten: Flatten) -> _Chain:
    return replace(chain, shape=flatten.output_shape(chain.shape))


def _after_reshape(chain: _Chain, reshape: Reshape) -> _Chain:
    shape = reshape.output_shape(chain.shape)
    if len(shape) > 1 and shape != chain.shape:
        raise NodeError(f"{chain.shape} becomes {shape} on the way, which no convolution does.")
    return replace(chain, shape=shape)


def _after_scale(chain: _Chain, scale: Scale) -> _Chain:
    factors = scale.over(chain.shape)
    if chain.weights is None:
        factors = factors.reshape(chain.pooled)
        return replace(chain, scale=factors if chain.scale is None else chain.scale * factors)
    if isinstance(chain.weights, Dense):
        return replace(chain, weights=replace(chain.weights, weights=chain.weights.weights * factors[:, None]))
    if len(chain.shape) != 3:
        diagonal = Dense(np.diag(factors), np.zeros(len(factors)))
        return _after_dense(chain, diagonal)
    rows = per_channel(factors, chain.shape, "scale")[:, None, None, None]
    return replace(chain, weights=replace(chain.weights, weights=chain.weights.weights * rows))


def _after_wait(chain: _Chain, wait: Wait) -> _Chain:
    return replace(chain, delay=chain.delay + wait.steps)


_STEPS: dict[type, Any] = {
    Pool: _after_pool,
    Convolution: _after_convolution,
    Dense: _after_dense,
    Flatten: _after_flatten,
    Reshape: _after_reshape,
    Scale: _after_scale,
    Wait: _after_wait,
}


def _identity(chain: _Chain) -> Convolution | Dense:
    """Return the weights of a chain that has none: each neuron gets what stands at its own place."""
    scale = np.ones(chain.shape) if chain.scale is None else chain.scale.reshape(chain.shape)
    if len(chain.shape) == 3:
        rows = per_channel(scale, chain.shape, "scale")
        return Convolution(rows[:, None, None, None], np.zeros(len(rows)), groups=len(rows))
    if scale.size**2 > _LARGEST_MATRIX:
        raise NodeError(
            f"{scale.size} values go on without weights, which would be a matrix of {scale.size**2} values."
        )
    return Dense(np.diag(scale), np.zeros(scale.size))


def _scaled_inputs(convolution: Convolution, chain: _Chain) -> Convolution:
    """Return the convolution with the scale of its inputs in its weights."""
    if chain.scale is None:
        return convolution
    factors = per_channel(chain.scale, chain.shape, "scale").reshape(convolution.groups, -1)
    of_each_output = np.repeat(factors, len(convolution.weights) // convolution.groups, axis=0)
    return replace(convolution, weights=convolution.weights * of_each_output[:, :, None, None])


def _composed(first: Convolution, second: Convolution) -> Convolution:
    """Return the one convolution that does what `first` and then `second` do."""
    is_pointwise = first.weights.shape[2:] == (1, 1) and first.stride == (1, 1) and first.padding == (0, 0)
    if second.padding != (0, 0) and not is_pointwise:
        raise NodeError(
            f"padding {second.padding} of what a convolution made: its zeros are no zeros of the input. Put neurons "
            "between them, or leave out that padding."
        )
    is_depthwise = second.groups == len(second.weights) == len(first.weights)
    before = _undilated(first.weights if is_depthwise else _ungrouped(first), first.dilation)
    after = _undilated(second.weights if is_depthwise else _ungrouped(second), second.dilation)
    height, width = (
        (k2 - 1) * s + k1 for k2, s, k1 in zip(after.shape[2:], first.stride, before.shape[2:], strict=True)
    )
    kernel = np.zeros((len(after), before.shape[1], height, width))
    for i in range(after.shape[2]):
        for j in range(after.shape[3]):
            top, left = i * first.stride[0], j * first.stride[1]
            if is_depthwise:
                part = after[:, 0, i, j, None, None, None] * before
            else:
                part = np.einsum("om,mihw->oihw", after[:, :, i, j], before)
            kernel[:, :, top : top + before.shape[2], left : left + before.shape[3]] += part
    return Convolution(
        kernel,
        np.zeros(len(kernel)),
        (first.stride[0] * second.stride[0], first.stride[1] * second.stride[1]),
        second.padding if is_pointwise else first.padding,
        groups=first.groups if is_depthwise else 1,
    )


def _ungrouped(convolution: Convolution) -> np.ndarray:
    """Return the weights as those of a convolution in one group, with zeros between the groups."""
    out, inputs = convolution.weights.shape[:2]
    per_group = out // convolution.groups
    weights = np.zeros((out, inputs * convolution.groups, *convolution.weights.shape[2:]))
    for g in range(convolution.groups):
        rows = slice(g * per_group, (g + 1) * per_group)
        weights[rows, g * inputs : (g + 1) * inputs] = convolution.weights[rows]
    return weights


def _undilated(weights: np.ndarray, dilation: Pair) -> np.ndarray:
    """Return the kernel with zeros where its dilation steps over values."""
    height, width = ((k - 1) * d + 1 for k, d in zip(weights.shape[2:], dilation, strict=True))
    wide = np.zeros((*weights.shape[:2], height, width))
    wide[:, :, :: dilation[0], :: dilation[1]] = weights
    return wide
