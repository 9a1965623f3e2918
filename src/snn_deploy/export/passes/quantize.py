"""Pass: a folded FloatNetwork becomes an IntegerNetwork, population by population (see rounding/fit.py)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from snn_deploy.export.passes.graph_pass import NO_NORMS, SUM_POOLING, WHOLE_INPUT, require
from snn_deploy.export.passes.round_decays import KEEPS
from snn_deploy.network.adaptive_threshold import LARGEST_KEEP
from snn_deploy.network.float_network import FloatConnection, FloatNetwork, FloatPopulation
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.largest_values import largest_weighted_value
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_THRESHOLD
from snn_deploy.rounding.fit import Fit, PopulationToRound, fit
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.user_error import UserError


def quantize(
    network: FloatNetwork,
    limits: Limits,
    provenance: Mapping[str, Any],
    largest_states: Mapping[str, np.ndarray] | None = None,
) -> tuple[IntegerNetwork, dict[str, Fit]]:
    """Return the integer network, and population -> Fit.

    `network` must be folded: no norms, sum pooling, input scale 1. largest_states: population -> as of
    PopulationToRound; None is proved. A UserError names what cannot be represented.
    """
    require(network, (NO_NORMS, SUM_POOLING, WHOLE_INPUT), "quantize")
    populations: list[IntegerPopulation] = []
    connections: list[IntegerConnection] = []
    fits: dict[str, Fit] = {}
    for population in network.populations:
        arriving = [c for c in network.connections if c.target == population.name]
        keeps = {name: _whole_keep(population, name) for name in KEEPS}
        found = fit(
            PopulationToRound(
                population.name,
                [c.weights for c in arriving],
                [largest_weighted_value(network.input, c) for c in arriving],
                population.threshold if population.fires else None,
                population.fires_at_threshold,
                keeps["voltage_keep"],
                keeps["current_keep"],
                network.steps,
                population.bias,
                population.reset,
                population.reset_value,
                population.initial_value,
                None if largest_states is None else largest_states[population.name],
                population.threshold_step,
                keeps["threshold_keep"],
            ),
            limits,
        )
        fits[population.name] = found
        populations.append(
            IntegerPopulation(
                population.name,
                population.shape,
                found.thresholds if population.fires else np.full(population.shape[0], LARGEST_THRESHOLD),
                keeps["voltage_keep"],
                keeps["current_keep"],
                found.bias,
                population.fires,
                population.reset,
                found.reset_value,
                found.initial_value,
                found.threshold_step,
                keeps["threshold_keep"],
            )
        )
        integers = zip(arriving, found.weights, found.exponents, strict=True)
        connections += [_connection(c, weights, exponent) for c, weights, exponent in integers]
    order = [c.name for c in network.connections]
    return (
        IntegerNetwork(
            IntegerInput(network.input.name, network.input.shape, network.input.largest_value),
            tuple(populations),
            tuple(sorted(connections, key=lambda c: order.index(c.name))),
            network.steps,
            dict(provenance),
        ),
        fits,
    )


def _connection(connection: FloatConnection, weights: np.ndarray, exponent: int) -> IntegerConnection:
    c = connection
    return IntegerConnection(
        c.name, c.source, c.target, weights, exponent, c.stride, c.padding, c.dilation, c.groups, c.pool, c.delay
    )


def _whole_keep(population: FloatPopulation, name: str) -> np.ndarray:
    """Return a decay in 1/4096; one that is not a whole number of them is refused, not rounded."""
    exact = getattr(population, name) * DECAY_UNITY
    whole: np.ndarray = np.rint(exact).astype(np.int64)
    if name == "threshold_keep":
        whole = np.minimum(whole, LARGEST_KEEP)  # with 4096 a threshold would rise without end
    if (whole != exact).any():
        worst = np.abs(whole - exact).argmax()
        raise UserError(
            f"population {population.name!r}: {name} {exact[worst] / DECAY_UNITY} is {exact[worst]:.3f} / "
            f"{DECAY_UNITY}; a chip's decays are whole numbers of 1/{DECAY_UNITY}. "
            f"Train with {whole[worst] / DECAY_UNITY}, or export with --round-decays (round_decays=True)."
        )
    return whole
