"""choose: what a network gives up, so that it comes nearer to what a chip has, for little loss.

One part after another gives up more: each time the part, and the amount, that saves most of the excess per loss. What
a smaller layer takes changes in jumps (a core less, a wider strip), so the amounts that matter are those at which it
jumps; they are found by halving. Last, each part gets back what it need not have given, because another gave more
later.
"""

from collections.abc import Callable, Iterator, Mapping

from snn_deploy.fitting.accounting import Accounting, Targets
from snn_deploy.fitting.parts import Channels, Part, Pruning, masks, pruning

_LEAST_LOSS = 1e-12  # of a channel that never fires
_EXACT = 1e-9


def by_saving(accounting: Accounting, parts: Mapping[str, Part], targets: Targets, allowed: float) -> Pruning:
    """Return what goes until the excess over `targets` is at most `allowed`.

    parts: by the names of populations and connections, what each is worth in one unit. Where the excess cannot be made
    so small, what is returned comes as near as single parts can.
    """
    amounts, excess_of = dict.fromkeys(parts, 0), _excess(accounting, parts, targets)
    excess = excess_of(amounts)
    while excess > allowed + _EXACT:
        best: tuple[float, str, int, float] | None = None
        for name, part in parts.items():
            present = amounts[name]

            def after(amount: int, name: str = name) -> float:
                return excess_of({**amounts, name: amount})  # noqa: B023 - called within the round

            for amount, left in _jumps(after, present, part.most, excess, allowed):
                loss = max(part.loss(amount) - part.loss(present), _LEAST_LOSS)
                worth = (excess - max(left, allowed)) / loss
                if best is None or worth > best[0]:
                    best = (worth, name, amount, left)
        if best is None:
            break
        _, name, amount, excess = best
        amounts = {**amounts, name: amount}
    return pruning(parts, _given_back(excess_of, parts, max(allowed, excess), amounts))


def evenly(accounting: Accounting, parts: Mapping[str, Channels], targets: Targets, allowed: float) -> Pruning:
    """Return what goes where every layer gives up the same share of its channels, the least important ones.

    The smallest share that leaves an excess of at most `allowed`, by halving; the most that there is where none does.
    """
    widest, excess_of = max(part.most + 1 for part in parts.values()), _excess(accounting, parts, targets)

    def taken(step: int) -> dict[str, int]:
        return {name: min(part.most, round((part.most + 1) * step / widest)) for name, part in parts.items()}

    enough = _first(0, widest - 1, lambda step: excess_of(taken(step)) <= allowed + _EXACT)
    return pruning(parts, taken(enough))


def _excess(
    accounting: Accounting, parts: Mapping[str, Part], targets: Targets
) -> Callable[[Mapping[str, int]], float]:
    """Return what tells the excess over `targets` where parts give up amounts, by their names."""

    def excess_of(amounts: Mapping[str, int]) -> float:
        return accounting.measures(*masks(parts, amounts)).excess(targets)

    return excess_of


def _jumps(
    after: Callable[[int], float], present: int, most: int, before: float, enough: float
) -> Iterator[tuple[int, float]]:
    """Yield (amount, excess) of each amount above `present` from which on the excess is smaller, as far as it matters.

    before: the excess with the present amount. Between two amounts with the same excess no other is looked for.
    """
    if most <= present:
        return
    known = {present: before, most: after(most)}

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

    yield from ((amount, known[amount]) for amount in between(present, most))


def _given_back(
    excess_of: Callable[[Mapping[str, int]], float], parts: Mapping[str, Part], allowed: float, amounts: dict[str, int]
) -> dict[str, int]:
    """Return `amounts` without what may stay with an excess of `allowed`, the parts that gave most first."""
    for name in sorted(parts, key=lambda n: -parts[n].loss(amounts[n])):

        def is_enough(amount: int, name: str = name) -> bool:
            return excess_of({**amounts, name: amount}) <= allowed + _EXACT  # noqa: B023 - called within the round

        amounts = {**amounts, name: _first(0, amounts[name], is_enough)}
    return amounts


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from `low` on for which it holds, by halving; `high` where it does for none before."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high
