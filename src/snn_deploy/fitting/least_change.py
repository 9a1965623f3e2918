"""least_change: how far each layer of an untrained network, or all of them alike, has to shrink until it fits.

Nothing is known yet of what a channel is good for, so a change is as small as the share of the weights that it takes.
The largest number of channels that fits is found by halving, below the number from which on no mapping can.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.mapping.checking.lower_bound import lower_bound
from snn_deploy.deploy.mapping.cores.mesh import cores_per_chip
from snn_deploy.deploy.mapping.without_channels import without_channels
from snn_deploy.fitting.accounting import Accounting, Measures, Targets
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

_ALL = "all hidden layers alike"


@dataclass(frozen=True)
class Change:
    """Fewer channels, with which the network fits.

    what: whose, in words. channels: population -> how many are left, of those that change. kept: the share of the
    weights that is left. measures: what the network then takes.
    """

    what: str
    channels: Mapping[str, int]
    kept: float
    measures: Measures


def least_changes(accounting: Accounting, targets: Targets) -> tuple[Change, ...]:
    """Return the changes that make the network fit, the one that keeps most weights first; none where none does."""
    return tuple(sorted(_changes(accounting, targets), key=lambda change: -change.kept))


def _changes(accounting: Accounting, targets: Targets) -> Iterator[Change]:
    network = accounting.network
    sizes = {p.name: p.shape[0] for p in network.populations[:-1]}
    whole = _weights(network)
    ways: dict[str, Callable[[int], dict[str, int]]] = {
        name: lambda left, name=name: {name: left}  # type: ignore[misc]
        for name in sizes
    }
    widest = max(sizes.values(), default=0)
    if len(sizes) > 1:
        ways[_ALL] = lambda left: {n: max(1, round(size * left / widest)) for n, size in sizes.items()}
    for what, channels_of in ways.items():
        most = widest if what == _ALL else sizes[what]
        found = _most_that_fits(accounting, targets, channels_of, most)
        if found is not None:
            left, measures = found
            channels = channels_of(left)
            yield Change(what, channels, _weights(_with(network, channels)) / whole, measures)


def _most_that_fits(
    accounting: Accounting, targets: Targets, channels_of: Callable[[int], dict[str, int]], most: int
) -> tuple[int, Measures] | None:
    """Return the largest number below `most` that fits, and what it takes; None where not even 1 does."""
    best: tuple[int, Measures] | None = None
    try:
        low, high = 0, _below(most, lambda left: _may_fit(accounting, targets, channels_of(left)))
        tried = min(1, high)  # is there any hope?
        while low < high:
            measures = accounting.measures(_removed(accounting.network, channels_of(tried)))
            if measures.excess(targets) == 0:
                best, low, tried = (tried, measures), tried, high if low == 0 else (tried + high + 1) // 2
            elif low == 0:
                return None
            else:
                high = tried - 1
                tried = (low + high + 1) // 2
    except UserError:
        return None  # its connections have groups
    return best


def _below(most: int, holds: Callable[[int], bool]) -> int:
    """Return the largest number below `most` for which `holds` is true, by halving; 0 where not even 1 does."""
    if most < 2 or not holds(1):
        return 0
    low, high = 1, most - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _may_fit(accounting: Accounting, targets: Targets, channels: Mapping[str, int]) -> bool:
    """Return whether the lower bound leaves it possible that the network fits with so many channels."""
    allowed = [math.inf if targets.cores is None else targets.cores]
    if targets.chips is not None:
        allowed.append(targets.chips * cores_per_chip(accounting.chip))
    return lower_bound(_with(accounting.network, channels), accounting.chip).cores <= min(allowed)


def _with(network: IntegerNetwork, channels: Mapping[str, int]) -> IntegerNetwork:
    return without_channels(network, _removed(network, channels))


def _removed(network: IntegerNetwork, channels: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {name: np.arange(network.shape_of(name)[0]) >= left for name, left in channels.items()}


def _weights(network: IntegerNetwork) -> int:
    return sum(c.weights.size for c in network.connections)
