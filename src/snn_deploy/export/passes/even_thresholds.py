"""even_thresholds: channels with thresholds of their own become channels with one threshold and other weights.

A channel's weights, threshold and its step, bias, reset value and starting potential times the same number leave every
spike as it is (TB Sec. 4.5). So thresholds that training learned fit a chip, or a netx file, with one threshold for
each layer.
"""

from dataclasses import replace

import numpy as np

from snn_deploy.export.passes.graph_pass import EVEN_THRESHOLDS, NO_NORMS, GraphPass
from snn_deploy.network.float_network import FloatConnection, FloatNetwork, FloatPopulation


def even_thresholds(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network in which all channels of a population have the mean of their thresholds.

    A population with a threshold that is not above 0, or that never fires, stays as it is.
    """
    factors = {p.name: _factors(p) for p in network.populations}
    populations = tuple(_scaled_population(p, factors[p.name]) for p in network.populations)
    connections = tuple(_scaled_connection(c, factors[c.target]) for c in network.connections)
    return replace(network, populations=populations, connections=connections)


def _factors(population: FloatPopulation) -> np.ndarray | None:
    """Return what each channel is multiplied with, (channels,), or None for nothing."""
    thresholds = population.threshold
    is_even = not population.fires or thresholds.min() <= 0 or (thresholds == thresholds[0]).all()
    return None if is_even else thresholds.mean() / thresholds


def _scaled_population(p: FloatPopulation, factors: np.ndarray | None) -> FloatPopulation:
    if factors is None:
        return p
    return replace(
        p,
        threshold=np.full_like(p.threshold, p.threshold.mean()),
        bias=p.bias * factors,
        reset_value=p.reset_value * factors,
        initial_value=p.initial_value * factors,
        threshold_step=p.threshold_step * factors,
    )


def _scaled_connection(c: FloatConnection, factors: np.ndarray | None) -> FloatConnection:
    if factors is None:
        return c
    return replace(c, weights=c.weights * factors.reshape(-1, *[1] * (c.weights.ndim - 1)))


# A norm between weights and neurons would not scale with the weights.
EVEN_OUT_THRESHOLDS = GraphPass(even_thresholds, requires=(NO_NORMS,), establishes=(EVEN_THRESHOLDS,))
