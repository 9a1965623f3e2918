"""scale_search: which unit each channel of a population gets, and which exponent each connection, by least error.

The unit is what a threshold of 1 is worth. A connection's weights count in steps of 2^exponent units. Two errors pull
at a step: a large one rounds more, a small one cuts large weights off. What is minimised is the sum of the squared
weight errors, each connection's times the square of what one of its synapses can get, as errors add up in a neuron.
Candidates are thresholds, so that these stay whole: each makes a unit of threshold / candidate.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from snn_deploy.rounding.weight_rounding import squared_errors

PER_OCTAVE = 16  # candidates between a unit and its double: steps are at most 2.2 % from the best one
LARGEST_EXPONENT = 7  # of a connection (integer_network.py)
_STORED_BITS = 8  # what weight bits and exponent take together at most, as long as there is a choice
# How far below the step at which no weight is clipped the search goes, in octaves; at 8 bits less and less pays.
_OCTAVES = {2: 2.5, 3: 2.0, 4: 1.5, 5: 1.25, 6: 1.0, 7: 0.75, 8: 0.5}
_MOST_TRIED_TOGETHER = 600  # ways to give exponents to the connections; beyond, one connection after the other


@dataclass(frozen=True)
class WeightRange:
    """The whole weights that a connection may have."""

    least: int
    most: int


def weight_range(weights: np.ndarray, weight_bits: int) -> WeightRange:
    """Return what `weights` may become. Nine bits: eight and the sign, for weights that share one sign."""
    if weight_bits <= 8:
        most = 2 ** (weight_bits - 1) - 1
        return WeightRange(-most, most)
    if weights.size and weights.min() >= 0:
        return WeightRange(0, 255)
    if weights.size and weights.max() <= 0:
        return WeightRange(-255, 0)
    return WeightRange(-127, 127)


@dataclass(frozen=True)
class ErrorTable:
    """The weight error of one connection at steps on a grid: step = reference * 2^(-index / PER_OCTAVE).

    first: (channels,), the first index of the row; errors: (channels, candidates). Before the row, errors grow with
    the square of the step; behind it, weights are clipped so far that it is never chosen.
    """

    first: np.ndarray
    errors: np.ndarray

    def at(self, index: np.ndarray) -> np.ndarray:
        """Return the errors at grid indices, (candidates,), of every channel: (channels, candidates)."""
        place = index[None, :] - self.first[:, None]
        inside = np.take_along_axis(self.errors, place.clip(0, self.errors.shape[1] - 1), axis=1)
        coarser = self.errors[:, :1] * 2.0 ** (-2 * place.clip(max=0) / PER_OCTAVE)
        return np.where(place < 0, coarser, np.where(place < self.errors.shape[1], inside, np.inf))


def error_table(
    weights: np.ndarray, reference: np.ndarray, limits: WeightRange, weight_bits: int, importance: float
) -> ErrorTable:
    """Return the errors of `weights`, (channels, ...), times `importance`; rows are summed where reference is one."""
    rows = weights.reshape(len(weights), -1)
    highest, lowest = rows.max(axis=1), rows.min(axis=1)
    largest = np.maximum(
        highest / limits.most if limits.most else np.where(highest > 0, np.inf, 0),
        lowest / limits.least if limits.least else np.where(lowest < 0, np.inf, 0),
    )
    if len(reference) == 1:
        largest = np.full(len(rows), largest.max())
    is_zero = largest <= 0
    typical = largest.max() if largest.max() > 0 else reference.max()
    largest = np.where(is_zero, typical, largest)  # a channel without weights goes with the others
    first = np.floor(PER_OCTAVE * np.log2(reference / largest)).astype(np.int64)
    candidates = int(PER_OCTAVE * _OCTAVES[min(weight_bits, 8)]) + 1
    grid = 2.0 ** (-(first[:, None] + np.arange(candidates)) / PER_OCTAVE) * reference[:, None]
    errors = squared_errors(rows, np.ascontiguousarray(grid), limits.least, limits.most) * importance
    # Weights that hit the grid by chance have no error at that step, and yet must have one at coarser ones.
    errors[:, 0] = np.maximum(errors[:, 0], np.count_nonzero(rows, axis=1) * grid[:, 0] ** 2 / 12 * importance)
    if len(reference) == 1:
        return ErrorTable(first[:1], errors.sum(axis=0, keepdims=True))
    if is_zero.any() and not is_zero.all():
        errors[is_zero] = errors[~is_zero].mean(axis=0)
    return ErrorTable(first, errors)


@dataclass(frozen=True)
class Choice:
    """candidates: (channels,), the chosen candidate of each. exponents: one per connection."""

    candidates: np.ndarray
    exponents: tuple[int, ...]


def choose(
    tables: Sequence[ErrorTable],
    index: np.ndarray,
    finest: np.ndarray,
    weight_bits: int,
    most_distinct: int | None,
    *,
    one_exponent: bool = False,
) -> Choice | None:
    """Return the candidates and exponents with the least error, or None where no candidate is allowed.

    index: (candidates,), the place of each candidate's unit on the grid, rising. finest: (channels,), the last
    candidate that each channel may have. most_distinct: how many different ones the channels may have together.
    one_exponent: whether the connections share theirs.
    """
    allowed = np.arange(len(index)) <= finest[:, None]
    if not allowed.any(axis=1).all():
        return None
    errors = [[t.at(index - PER_OCTAVE * e) for e in range(LARGEST_EXPONENT + 1)] for t in tables]
    sharing = len(tables) if one_exponent else 1  # connections to an exponent
    if one_exponent:
        errors = [[sum(of_all[1:], of_all[0]) for of_all in zip(*errors, strict=True)]]

    def cost(exponents: Sequence[int]) -> np.ndarray:
        total = sum(of_one[e] for of_one, e in zip(errors, exponents, strict=True))
        return np.where(allowed, total, np.inf)

    usual = max(0, _STORED_BITS - weight_bits)
    for lowest in (range(usual + 1), range(usual + 1, LARGEST_EXPONENT + 1)):
        exponents = _best_exponents(cost, len(errors), lowest)
        if exponents is not None:
            costs = cost(exponents)
            found = costs.argmin(axis=1)
            if most_distinct is not None and len(np.unique(found)) > most_distinct:
                kept = _fewest(costs, np.unique(found), most_distinct)
                if kept is None:
                    continue
                found = kept[costs[:, kept].argmin(axis=1)]
            return Choice(found, exponents * sharing)
    return None


def _best_exponents(cost: Callable[[Sequence[int]], np.ndarray], count: int, lowest: range) -> tuple[int, ...] | None:
    """Return the exponents with the least error whose smallest is in `lowest`; of equals, the larger ones."""

    def score(exponents: Sequence[int]) -> float:
        return float(cost(exponents).min(axis=1).sum())

    ways = (LARGEST_EXPONENT + 1) ** count
    if ways <= _MOST_TRIED_TOGETHER:
        tried = [e for e in itertools.product(range(LARGEST_EXPONENT + 1), repeat=count) if min(e) in lowest]
    else:
        tried = []
        for start in lowest:
            best = [start] * count
            for j in (*range(count), *range(count)):
                ends = [[*best[:j], e, *best[j + 1 :]] for e in range(start, LARGEST_EXPONENT + 1)]
                best = min(ends, key=score)
            tried.append(tuple(best))
    scores = np.array([score(e) for e in tried])
    if not tried or not np.isfinite(scores.min()):
        return None
    equal = [e for e, s in zip(tried, scores, strict=True) if s <= scores.min() * (1 + 1e-9)]
    return max(equal, key=lambda e: (min(e), e))


def _fewest(costs: np.ndarray, candidates: np.ndarray, most: int) -> np.ndarray | None:
    """Return at most `most` of `candidates` that together cost little: the least missed one goes, again and again."""
    kept = list(candidates)
    while len(kept) > most:
        without = [costs[:, [k for k in kept if k != gone]].min(axis=1).sum() for gone in kept]
        kept.pop(int(np.argmin(without)))
    return np.array(kept) if np.isfinite(costs[:, kept].min(axis=1)).all() else None
