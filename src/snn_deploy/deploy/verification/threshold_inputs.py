"""threshold_inputs: images that bring a neuron's potential exactly to its threshold, one unit below, and one above.

Firing is "strictly above", so a backend that fires at the threshold, or rounds, differs here and perhaps nowhere else.
Which pixels make a wanted sum is a subset sum: the sums that some pixel values reach are the bits of one large integer.
"""

import math
from dataclasses import dataclass

import numpy as np

from snn_deploy.network import integer_semantics
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import STATE_HALF, STATE_SHIFT

_MOST_SYNAPSES_PIXELS, _MOST_SYNAPSES_SPIKES = 24, 400  # of a neuron that are searched, to keep a search short


@dataclass(frozen=True)
class ThresholdInput:
    """An image (*input shape) that brings neuron `index` of `population` to threshold + offset in the first step.

    offset: in units of the weights; -1 stays silent, 0 too, 1 fires. With a bias or an initial value that is no whole
    number of units, 0 is the largest potential that stays silent.
    """

    population: str
    index: tuple[int, ...]
    offset: int
    image: np.ndarray


def threshold_inputs(network: IntegerNetwork, most: int = 24) -> list[ThresholdInput]:
    """Return up to `most` such images, for neurons that hear only the input in the first step; [] where none exist."""
    found: list[ThresholdInput] = []
    for population in network.populations:
        arriving = [c for c in network.connections_to(population.name) if c.delay == 0]
        if not (population.fires and arriving and all(c.source == network.input.name for c in arriving)):
            continue
        for index in _neurons(population, most):
            contributions = np.zeros(network.input.shape, np.int64)
            for c in arriving:
                for synapse in arriving_synapses(c, network.input.shape, index):
                    contributions[synapse.index] += synapse.contribution
            for offset in (-1, 0, 1):
                wanted = _wanted_sum(population, index[0], offset)
                values = None if wanted is None else values_with_sum(contributions, network.input.largest_value, wanted)
                if values is not None:
                    found.append(ThresholdInput(population.name, index, offset, values))
            if len(found) >= most:
                return found[:most]
    return found


def values_with_sum(contributions: np.ndarray, largest_value: int, wanted: int) -> np.ndarray | None:
    """Return uint8 values, 0..largest_value, with sum(values * contributions) == wanted, or None.

    The values have the shape of `contributions`. None means that the search found none; with very many synapses it
    looks at a part of them.
    """
    flat = contributions.ravel() if wanted >= 0 else -contributions.ravel()
    wanted = abs(wanted)
    items = _items(flat, largest_value, wanted)
    offset = -sum(m * w for _, m, w in items if w < 0)  # the sum of bit 0
    limit = (1 << (wanted + offset + 1)) - 1  # sums beyond it can be come back from only by items that are negative
    negatives_first = sorted(items, key=lambda item: item[2] * item[1])
    reached = [1 << offset]
    for _, multiplier, contribution in negatives_first:
        before, step = reached[-1], multiplier * contribution
        reached.append((before | (before << step if step > 0 else before >> -step)) & limit)
    if not reached[-1] >> (wanted + offset) & 1:
        return None
    values, left = np.zeros(flat.shape, np.uint8), wanted + offset
    for (place, multiplier, contribution), before in zip(
        reversed(negatives_first), reversed(reached[:-1]), strict=True
    ):
        if not before >> left & 1:  # not reached without this item: it is in
            values[place] += multiplier
            left -= multiplier * contribution
    return values.reshape(contributions.shape)


def _items(flat: np.ndarray, largest_value: int, wanted: int) -> list[tuple[int, int, int]]:
    """Return (place, multiplier, contribution), each to be taken or not; together they reach far enough, and finely."""
    most = _MOST_SYNAPSES_SPIKES if largest_value == 1 else _MOST_SYNAPSES_PIXELS
    order = [int(i) for i in np.argsort(-flat, kind="stable") if flat[i]]
    positive, negative = [i for i in order if flat[i] > 0], [i for i in reversed(order) if flat[i] < 0]
    reach = 0
    chosen: list[int] = []
    for i in positive:
        if reach >= wanted or len(chosen) >= most:
            break
        chosen.append(i)
        reach += int(flat[i]) * largest_value
    fine = [i for i in reversed(positive) if i not in set(chosen)][: most // 2] + negative[-(most // 4) :]
    return [(i, m, int(flat[i])) for i in chosen + fine for m in _multipliers(largest_value)]


def _multipliers(largest_value: int) -> list[int]:
    """Return numbers whose subsets sum to every value from 0 to `largest_value`, and to no larger one."""
    found, power = [], 1
    while power <= largest_value:
        found.append(power)
        largest_value -= power
        power *= 2
    return [*found, largest_value] if largest_value else found


def _wanted_sum(population: IntegerPopulation, channel: int, offset: int) -> int | None:
    """Return the sum of arriving values with the first potential at, or nearest below, threshold + offset; or None."""
    kept = integer_semantics.kept(
        np.array([population.initial_value[channel]], np.int64), np.array([population.voltage_keep[channel]], np.int64)
    )
    state = (
        ((int(population.threshold[channel]) + offset) << STATE_SHIFT) - int(kept[0]) - int(population.bias[channel])
    )
    if abs(state) >= STATE_HALF:
        return None  # the current would wrap
    return state >> STATE_SHIFT


def _neurons(population: IntegerPopulation, most: int) -> list[tuple[int, ...]]:
    """Return neurons of different channels: in the middle of the map, and the first and the last one of all."""
    channels = np.unique(
        np.linspace(0, population.shape[0] - 1, max(1, min(most // 3, population.shape[0]))).astype(int)
    )
    middle = tuple(size // 2 for size in population.shape[1:])
    corners = [(0,) * len(population.shape), tuple(size - 1 for size in population.shape)]
    found = [(int(channel), *middle) for channel in channels]
    found = [*found[:-2], *corners] if math.prod(population.shape) > 2 and len(found) > 2 else found
    return list(dict.fromkeys(found))
