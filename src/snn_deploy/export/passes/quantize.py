"""Pass: a folded FloatNetwork becomes an IntegerNetwork.

Each population has one unit (the value of an integer weight of 1), shared by all connections into it. It is chosen
so that the threshold is a whole number of units, so thresholds are not rounded at all, only weights are. Where the
proved bounds would leave 24 bits, the unit grows until they hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn_deploy.export.integer_network import (
    DECAY_UNITY,
    LARGEST_THRESHOLD,
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
)
from snn_deploy.export.prove_bounds import prove_bounds
from snn_deploy.train.float_network import FloatConnection, FloatNetwork, FloatPopulation
from snn_deploy.user_error import UserError

_BOUND_STEPS = 200  # each makes the unit about 5 % larger


@dataclass(frozen=True)
class Limits:
    """What the target can hold; read from its hardware profile.

    weight_bits: of a signed weight. largest_threshold: of a threshold mantissa. state_bits: of current and
    potential, with the sign.
    """

    weight_bits: int = 8
    largest_threshold: int = LARGEST_THRESHOLD
    state_bits: int = 24


@dataclass(frozen=True)
class Unit:
    """What one integer unit of a population stands for, and how it was found.

    value: the float potential of an integer weight of 1. threshold: in units. lowered_by_bounds: whether the
    proved bounds, not the weights' range, decided it.
    """

    value: float
    threshold: int
    lowered_by_bounds: bool


def quantize(
    network: FloatNetwork, limits: Limits, provenance: Mapping[str, Any]
) -> tuple[IntegerNetwork, dict[str, Unit]]:
    """Return the integer network, and population -> Unit.

    `network` must be folded: no norms, sum pooling, input scale 1. A UserError names what cannot be represented.
    """
    _require_folded(network)
    populations, connections, units = [], [], {}
    for population in network.populations:
        arriving = [c for c in network.connections if c.target == population.name]
        unit, integer_population, integer_connections = _fit(network, population, arriving, limits)
        units[population.name] = unit
        populations.append(integer_population)
        connections.extend(integer_connections)
    order = {c.name: i for i, c in enumerate(network.connections)}
    entry = IntegerInput(network.input.name, network.input.shape, network.input.largest_value)
    return (
        IntegerNetwork(
            entry,
            tuple(populations),
            tuple(sorted(connections, key=lambda c: order[c.name])),
            network.steps,
            dict(provenance),
        ),
        units,
    )


def _fit(
    network: FloatNetwork, population: FloatPopulation, arriving: list[FloatConnection], limits: Limits
) -> tuple[Unit, IntegerPopulation, list[IntegerConnection]]:
    """Return the smallest unit whose weights and proved bounds fit, and what it makes of the population."""
    where = f"population {population.name!r}"
    largest_weight = 2 ** (limits.weight_bits - 1) - 1
    largest = max(float(np.abs(c.weights).max()) for c in arriving)
    if largest == 0:
        raise UserError(f"{where}: all weights that reach it are zero, so it can never fire. Train again.")
    unit = largest / largest_weight
    for attempt in range(_BOUND_STEPS):
        found = _on_threshold(where, population, unit, limits)
        integers = [_quantized(c, found.value) for c in arriving]
        target = _population(where, population, found.threshold)
        if _fits_states(network, target, integers, limits):
            return Unit(found.value, found.threshold, lowered_by_bounds=attempt > 0), target, integers
        unit = max(unit, found.value) * 1.05
    raise UserError(
        f"{where}: no weight scale keeps its potential within {limits.state_bits} bits over {network.steps} steps. "
        "Use fewer steps or a smaller fan-in."
    )


def _on_threshold(where: str, population: FloatPopulation, least: float, limits: Limits) -> Unit:
    """Return the smallest unit of at least `least` in which the threshold is a whole number."""
    if not population.fires:
        return Unit(least, LARGEST_THRESHOLD, lowered_by_bounds=False)
    threshold = float(population.threshold[0])
    if (population.threshold != threshold).any():
        raise UserError(f"{where}: thresholds differ between channels, which is not exported yet. Train with one.")
    # Potentials are multiples of 1/64 unit. A neuron that fires AT the threshold (v >= V_th) is exactly one that
    # fires above a whole number just below it: V_th is put 1/128 unit above that number, between two multiples.
    above = 1 / 128 if population.fires_at_threshold else 0.0
    units = min(int(threshold / least - above), limits.largest_threshold)
    if units < 1:
        raise UserError(
            f"{where}: its threshold {threshold:.3g} is less than one step of its weights ({least:.3g}), so every "
            "input spike would fire it. Use more weight bits, or train with weight decay."
        )
    return Unit(threshold / (units + above), units, lowered_by_bounds=False)


def _quantized(connection: FloatConnection, unit: float) -> IntegerConnection:
    c = connection
    weights = np.rint(c.weights / unit).astype(np.int64)
    return IntegerConnection(
        c.name, c.source, c.target, weights, 0, c.stride, c.padding, c.dilation, c.groups, c.pool, c.delay
    )


def _population(where: str, population: FloatPopulation, threshold: int) -> IntegerPopulation:
    keeps = {}
    for name in ("voltage_keep", "current_keep"):
        exact = getattr(population, name) * DECAY_UNITY
        keeps[name] = np.rint(exact)
        if (keeps[name] != exact).any():
            worst = np.abs(keeps[name] - exact).argmax()
            raise UserError(
                f"{where}: {name} {exact[worst] / DECAY_UNITY} is {exact[worst]:.3f} / {DECAY_UNITY}; a chip's decays "
                f"are whole numbers of 1/{DECAY_UNITY}. Train with {keeps[name][worst] / DECAY_UNITY}."
            )
    nothing = np.zeros(population.shape[0], np.int64)
    return IntegerPopulation(
        population.name, population.shape, nothing + threshold, bias=nothing, fires=population.fires, **keeps
    )


def _fits_states(
    network: FloatNetwork, population: IntegerPopulation, arriving: list[IntegerConnection], limits: Limits
) -> bool:
    """Whether no input can make the current wrap or the potential saturate."""
    entry = IntegerInput(network.input.name, network.input.shape, network.input.largest_value)
    bounds = prove_bounds(entry, population, arriving, network.steps)
    most = 2 ** (limits.state_bits - 1) - 1
    return bool(bounds.current.max() <= most and bounds.potential.max() <= most)


def _require_folded(network: FloatNetwork) -> None:
    unfolded = [c.name for c in network.connections if c.norm is not None or c.pool_mode != "sum"]
    if unfolded or network.input.scale != 1.0:
        raise ValueError(f"quantize: fold norms, average pooling and the input scale first (left: {unfolded}).")
