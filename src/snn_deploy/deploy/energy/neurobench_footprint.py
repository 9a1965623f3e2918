"""neurobench_footprint: what of a network NeuroBench counts without samples: bytes, parameters, weights that are 0.

NeuroBench 2.3.0 (metrics/static) adds up a torch module's parameters and buffers. Here a network has: weights; biases
where one is not 0; and, as its buffers, the constants of its neurons and of norms, one number where all channels share
it. Potentials are no part of it: in snnTorch they are empty until the first sample.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.energy.neurobench_counts import AnyNetwork
from snn_deploy.network.float_network import FloatConnection, FloatNetwork, FloatPopulation
from snn_deploy.network.integer_network import IntegerPopulation

_FLOAT_BYTES = 4  # torch trains in float32; a network in floats is kept in float64 to compare it exactly
_STATE_BYTES = 3  # 24 bits in integers


@dataclass(frozen=True)
class Footprint:
    """Bytes of a network, and how many parameters it has.

    weights, biases: parameters; constants: buffers, of neurons and norms. states: what one sample takes while it runs,
    not counted in `total`. connection_sparsity: share of the weights that are 0; sparsity_of: the same of each
    connection.
    """

    weights: int
    biases: int
    constants: int
    states: int
    parameters: int
    connection_sparsity: float
    sparsity_of: Mapping[str, float]

    @property
    def total(self) -> int:
        """Bytes of parameters and buffers, as NeuroBench counts them."""
        return self.weights + self.biases + self.constants


def footprint(network: AnyNetwork) -> Footprint:
    """Return the bytes and parameters of `network`: in floats of 32 bits, in integers as its file has them."""
    is_float = isinstance(network, FloatNetwork)
    weights = [c.weights for c in network.connections]
    biases = [p.bias for p in network.populations if p.bias.any()]
    constants = [value for p in network.populations for value in _constants(p)]
    for norm in (c.norm for c in network.connections if isinstance(c, FloatConnection)):
        if norm is not None:
            biases += [norm.gain, norm.shift]
            constants += [norm.mean, norm.variance]
    size, zeros = sum(w.size for w in weights), {c.name: int((c.weights == 0).sum()) for c in network.connections}
    states = sum(int(np.prod(p.shape)) * (1 + bool(p.current_keep.any()) + p.adapts) for p in network.populations)
    return Footprint(
        weights=_bytes(weights, is_float),
        biases=_bytes(biases, is_float),
        constants=_bytes(constants, is_float),
        states=states * (_FLOAT_BYTES if is_float else _STATE_BYTES),
        parameters=size + sum(b.size for b in biases),
        connection_sparsity=sum(zeros.values()) / size,
        sparsity_of={c.name: zeros[c.name] / c.weights.size for c in network.connections},
    )


def _constants(population: FloatPopulation | IntegerPopulation) -> list[np.ndarray]:
    """Return the constants that the neurons of `population` need, one number where all channels share it."""
    p = population
    others = (p.voltage_keep, p.current_keep, p.reset_value, p.initial_value, p.threshold_step, p.threshold_keep)
    found = [c for c in others if c.any()]
    if p.fires:
        found.append(p.threshold)
    return [value[:1] if (value == value[0]).all() else value for value in found]


def _bytes(arrays: Iterable[np.ndarray], is_float: bool) -> int:
    return sum(a.size * _FLOAT_BYTES if is_float else a.nbytes for a in arrays)
