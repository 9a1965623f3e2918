"""fit_exits: an exit policy from the outputs of calibration samples in every step.

The least sureness of each step is one of a hundred levels, the percentiles of the sureness in that step, chosen by
coordinate descent on a Lagrangian: the sum over samples of the risk of stopping, plus a price of each step. The risk is
the share of samples at that sureness that are right in the last step and not at the exit, by isotonic regression: surer
samples risk no more. Given the other steps, the best level of a step is found exactly. Of all prices that one is taken
that has the fewest steps and loses no more accuracy than allowed on samples that the levels were not fitted on
(cross-validation); there, samples that are right at the exit alone make up for others. They do not in the risk: where
they seem to, they are few, and it is chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from snn_deploy.deploy.exits.exit_policy import Coverage, ExitPolicy, at_exits
from snn_deploy.deploy.exits.sureness import Rule, log_probabilities, sureness
from snn_deploy.network.class_outputs import predicted_classes
from snn_deploy.support.user_error import UserError

_SWEEPS = 20  # over all steps; the descent ends after three or four
_LEVELS = 101  # fewer are fitted worse, more fit chance
_PRICES = np.geomspace(1e-5, 1, 31).tolist()  # of a step, in samples that are wrong
_FOLDS = 5
_SEED = 0


@dataclass(frozen=True)
class Calibration:
    """Samples to fit on. outputs: (steps, samples, classes). labels: (samples,)."""

    outputs: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if self.outputs.shape[0] < 2:
            raise UserError("exits: the network has a single step, and nothing ends before it. Export more steps.")
        if self.outputs.shape[2] < 2:
            raise UserError("exits: the network has a single output; a margin takes two classes.")

    def chosen(self, indices: np.ndarray) -> "Calibration":
        """Return the samples at `indices`."""
        return Calibration(self.outputs[:, indices], self.labels[indices])


def fit_exits(
    calibration: Calibration, network_digest: str, rule: Rule, allowed_loss: float, coverage: float | None = None
) -> ExitPolicy:
    """Return the policy with the fewest steps on average whose loss of accuracy is at most `allowed_loss`, a share.

    coverage: of prediction sets, a share, or None; they are calibrated on every second sample, in a fixed random order,
    and the steps are fitted on the others: conformal prediction needs samples that nothing was chosen by.
    """
    fitted = calibration
    if coverage is not None:
        order = np.random.default_rng(_SEED).permutation(len(calibration.labels))
        fitted, held_out = calibration.chosen(order[::2]), calibration.chosen(order[1::2])
        if not len(held_out.labels):
            raise UserError("exits: one sample to calibrate on; prediction sets take two or more.")
    temperature = None if rule == "margin" else _temperature(fitted)
    sure = np.stack([sureness(rule, outputs, k, temperature) for k, outputs in enumerate(fitted.outputs, 1)])
    least = _least(fitted, sure, allowed_loss)
    policy = ExitPolicy(network_digest, rule, tuple(least), temperature)
    if coverage is None:
        return policy
    return ExitPolicy(network_digest, rule, tuple(least), temperature, _calibrated(policy, held_out, coverage))


def _temperature(calibration: Calibration) -> float:
    """Return the temperature with the least cross-entropy in the last step (Guo et al., ICML 2017)."""
    last, labels = calibration.outputs[-1] / len(calibration.outputs), calibration.labels
    rows = np.arange(len(labels))

    def loss(logarithm: float) -> float:
        return -float(log_probabilities(last, math.exp(logarithm))[rows, labels].mean())

    widest = math.log(max(float(np.ptp(last)), 1.0))
    return math.exp(float(minimize_scalar(loss, bounds=(widest - 14, widest + 2), method="bounded").x))


def _least(calibration: Calibration, sure: np.ndarray, allowed_loss: float) -> list[float | None]:
    """Return the least sureness of each step but the last. sure: (steps, samples)."""
    right = predicted_classes_by_step(calibration.outputs) == calibration.labels
    cost = right[-1].astype(np.int64) - right  # (steps, samples): what is lost by stopping there
    levels = [np.unique(np.quantile(row, np.linspace(0, 1, _LEVELS), method="lower")) for row in sure[:-1]]
    reached = np.stack([np.searchsorted(of, row, side="right") - 1 for of, row in zip(levels, sure, strict=False)])
    samples = np.random.default_rng(_SEED).permutation(right.shape[1])
    folds = [fold for fold in np.array_split(samples, _FOLDS) if len(fold)]

    splits = [(np.setdiff1d(samples, fold), fold) for fold in folds]
    risks = [_risk(cost[:, others], reached[:, others]) for others, _ in splits]

    def judged(price: float) -> tuple[int, int]:
        """Return how many more samples are wrong, and all steps, each sample by levels of the other folds."""
        lost = steps = 0
        for (others, fold), risk in zip(splits, risks, strict=True):
            at = _exit_steps(reached[:, fold], _descent(risk, reached[:, others], price))
            lost, steps = lost + int(cost[at, fold].sum()), steps + int(at.sum())
        return lost, steps

    tried = [(*judged(price), price) for price in _PRICES]
    allowed = [(steps, price) for lost, steps, price in tried if lost <= allowed_loss * len(samples)]
    if not allowed:
        return [None] * len(levels)
    chosen = _descent(_risk(cost, reached), reached, min(allowed)[1])
    return [None if level is None else of[level].item() for of, level in zip(levels, chosen, strict=True)]


def _risk(cost: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """Return the risk of stopping at each sample's level, (steps, samples)."""
    regression = IsotonicRegression(increasing=False)
    fitted = [regression.fit_transform(level, row > 0) for level, row in zip(reached, cost, strict=False)]
    return np.stack([*fitted, np.zeros(cost.shape[1])])


def predicted_classes_by_step(outputs: np.ndarray) -> np.ndarray:
    """Return the class in every step, (steps, samples)."""
    return np.stack([predicted_classes(step) for step in outputs])


def _descent(risk: np.ndarray, reached: np.ndarray, price: float) -> list[int | None]:
    """Return the level of each step but the last that no change of a single one improves; None: nothing stops.

    risk: (steps, samples). reached: (steps - 1, samples), the level of each sample's sureness.
    """
    steps, samples = risk.shape
    least: list[int | None] = [None] * (steps - 1)
    paid = risk + price * np.arange(steps)[:, None]
    rows = np.arange(samples)
    for _ in range(_SWEEPS):
        before = list(least)
        for step in reversed(range(steps - 1)):
            waits = _exit_steps(reached, least[:step] + [None] * (steps - 1 - step)) == steps - 1
            later = _exit_steps(reached, [None] * (step + 1) + least[step + 1 :])
            gain = paid[later, rows] - paid[step]  # of stopping here and not later
            least[step] = _best_level(reached[step, waits], gain[waits])
        if least == before:
            break
    return least


def _best_level(reached: np.ndarray, gain: np.ndarray) -> int | None:
    """Return the level from which on the sum of `gain` is largest; None where no sum is above 0."""
    sums = np.bincount(reached, gain, minlength=1)[::-1].cumsum()[::-1]
    best = int(sums.argmax())
    return best if sums[best] > 0 else None


def _exit_steps(reached: np.ndarray, least: Sequence[int | None]) -> np.ndarray:
    """Return the index of the step in which each sample stops, (samples,)."""
    found = np.full(reached.shape[1], len(least))
    for step in reversed(range(len(least))):
        if (level := least[step]) is not None:
            found[reached[step] >= level] = step
    return found


def _calibrated(policy: ExitPolicy, held_out: Calibration, share: float) -> Coverage:
    """Return prediction sets that hold the true class of a new sample with probability `share` or more."""
    steps = policy.exits(held_out.outputs)
    outputs = at_exits(held_out.outputs, steps).astype(np.float64)
    rows = np.arange(len(steps))
    below = np.sort((outputs.max(1) - outputs[rows, held_out.labels]) / steps)
    rank = math.ceil((len(below) + 1) * share)
    return Coverage(share, None if rank > len(below) else float(below[rank - 1]))
