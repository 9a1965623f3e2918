"""choose_channels: which channels to take, so that a network comes nearer to what a chip has, for little loss.

One layer after another gives up its least important channels: each time the layer, and the number of them, that saves
most of the excess per loss. What a smaller layer takes changes in jumps (a core less, a wider strip), so the numbers
that matter are those at which it jumps; they are found by halving. Last, each layer gets back what it need not have
given, because another gave more later.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from snn_deploy.fitting.accounting import Accounting, Targets

_LEAST_LOSS = 1e-12  # of a channel that never fires
_EXACT = 1e-9


def by_saving(
    accounting: Accounting, importances: Mapping[str, np.ndarray], targets: Targets, allowed: float
) -> dict[str, np.ndarray]:
    """Return population -> (channels,), the channels to take, until the excess over `targets` is at most `allowed`.

    importances: of the populations that may lose channels, in one unit. Where the excess cannot be made so small, what
    is returned comes as near as single layers can.
    """
    removed = {name: np.zeros(len(values), bool) for name, values in importances.items()}
    excess = accounting.measures(removed).excess(targets)
    while excess > allowed + _EXACT:
        best: tuple[float, str, int, float] | None = None
        for name, values in importances.items():
            order = _weakest(values, removed[name])
            after = partial(_excess_without, accounting, targets, removed, name, order)
            for count, left in _jumps(after, excess, len(order) - 1, allowed):
                worth = (excess - max(left, allowed)) / max(float(values[order[:count]].sum()), _LEAST_LOSS)
                if best is None or worth > best[0]:
                    best = (worth, name, count, left)
        if best is None:
            break
        _, name, count, excess = best
        removed = _with(removed, name, _weakest(importances[name], removed[name])[:count])
    return _given_back(accounting, importances, targets, max(allowed, excess), removed)


def evenly(
    accounting: Accounting, importances: Mapping[str, np.ndarray], targets: Targets, allowed: float
) -> dict[str, np.ndarray]:
    """Return the channels to take where every layer gives up the same share, its least important ones.

    The smallest share that leaves an excess of at most `allowed`, by halving; the most that there is where none does.
    """
    widest = max(len(values) for values in importances.values())

    def taken(step: int) -> dict[str, np.ndarray]:
        nothing = {name: np.zeros(len(values), bool) for name, values in importances.items()}
        for name, values in importances.items():
            count = min(len(values) - 1, round(len(values) * step / widest))
            nothing[name][_weakest(values, nothing[name])[:count]] = True
        return nothing

    low, high = 0, widest - 1
    while low < high:
        middle = (low + high) // 2
        if accounting.measures(taken(middle)).excess(targets) <= allowed + _EXACT:
            high = middle
        else:
            low = middle + 1
    return taken(high)


def _excess_without(
    accounting: Accounting,
    targets: Targets,
    removed: Mapping[str, np.ndarray],
    name: str,
    order: np.ndarray,
    count: int,
) -> float:
    """Return the excess without the channels `removed`, and without the first `count` of `order` of `name`."""
    return accounting.measures(_with(removed, name, order[:count])).excess(targets)


def _weakest(values: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Return the channels that are left, the least important first."""
    order = np.argsort(values, kind="stable")
    return order[~removed[order]]


def _with(removed: Mapping[str, np.ndarray], name: str, channels: np.ndarray) -> dict[str, np.ndarray]:
    changed = removed[name].copy()
    changed[channels] = True
    return {**removed, name: changed}


def _jumps(after: Callable[[int], float], before: float, most: int, enough: float) -> Iterator[tuple[int, float]]:
    """Yield (count, excess) of each number of channels from which on the excess is smaller, as far as it matters.

    before: the excess with none taken. Between two numbers with the same excess no other is looked for.
    """
    if most < 1:
        return
    known = {0: before, most: after(most)}

    def between(low: int, high: int) -> Iterator[int]:
        if known[low] <= known[high] + _EXACT or known[low] <= enough + _EXACT:
            return
        if high - low == 1:
            yield high
            return
        middle = (low + high) // 2
        known[middle] = after(middle)
        yield from between(low, middle)
        yield from between(middle, high)

    yield from ((count, known[count]) for count in between(0, most))


def _given_back(
    accounting: Accounting,
    importances: Mapping[str, np.ndarray],
    targets: Targets,
    allowed: float,
    removed: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return `removed` without the channels, most important first, that may stay with an excess of `allowed`."""
    for name in sorted(importances, key=lambda n: -float(importances[n][removed[n]].sum())):
        taken = np.flatnonzero(removed[name])
        order = taken[np.argsort(importances[name][taken], kind="stable")]
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            tried = {**removed, name: np.isin(np.arange(len(removed[name])), order[:middle])}
            if accounting.measures(tried).excess(targets) <= allowed + _EXACT:
                high = middle
            else:
                low = middle + 1
        removed = {**removed, name: np.isin(np.arange(len(removed[name])), order[:high])}
    return removed
