"""The smallest networks: one or two populations whose every number can be worked out by hand."""

from typing import Any

import numpy as np

from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation


def one_neuron(
    weight: int = 1,
    *,
    steps: int,
    threshold: int = 0,
    voltage_keep: int = 4096,
    current_keep: int = 0,
    bias: int = 0,
    fires: bool = True,
    exponent: int = 0,
    delay: int = 0,
    inputs: int = 1,
    loop: tuple[int, int] | None = None,
    **options: Any,
) -> IntegerNetwork:
    """Return a neuron `out` that `inputs` graded inputs reach through synapses of one weight.

    loop: (weight, delay) of a synapse from the neuron to itself. options: further ones of IntegerPopulation.
    """
    connections = [
        IntegerConnection("synapse", "input", "out", np.full((1, inputs), weight), exponent=exponent, delay=delay)
    ]
    if loop:
        connections.append(IntegerConnection("loop", "out", "out", np.array([[loop[0]]]), delay=loop[1]))
    neuron = IntegerPopulation("out", (1,), threshold, voltage_keep, current_keep, bias, fires, **options)  # type: ignore[arg-type]
    return IntegerNetwork(IntegerInput("input", (inputs,)), (neuron,), tuple(connections), steps)


def one_kernel(kernel: Any, size: int, *, threshold: int = 0, steps: int = 1, **geometry: Any) -> IntegerNetwork:
    """Return a convolution of a one-channel image of `size` x `size` by one kernel into a silent map `out`."""
    weights = np.asarray(kernel)[None, None]
    connection = IntegerConnection("kernel", "input", "out", weights, **geometry)
    pool, stride, padding = connection.pool, connection.stride, connection.padding
    shape = tuple(
        (size // pool[i] + 2 * padding[i] - connection.dilation[i] * (weights.shape[2 + i] - 1) - 1) // stride[i] + 1
        for i in range(2)
    )
    neurons = IntegerPopulation("out", (1, *shape), threshold, 0, 0, 0, fires=False)  # type: ignore[arg-type]
    return IntegerNetwork(IntegerInput("input", (1, size, size)), (neurons,), (connection,), steps)


def frames(values: Any, inputs: int = 1) -> np.ndarray:
    """Return one sample of one value per step, the same to every input: (steps, 1, inputs)."""
    return np.repeat(np.asarray(values, np.uint8)[:, None, None], inputs, axis=2)
