"""The Mackey-Glass equation, integrated: x'(t) = beta * x(t - tau) / (1 + x(t - tau)^n) - gamma * x(t).

Mackey & Glass, "Oscillation and Chaos in Physiological Control Systems", Science 1977. The classical Runge-Kutta method
of fourth order with a fixed step that divides the delay and the time between two points, so that the kinks at multiples
of the delay fall between steps; in the middle of a step the past is the cubic through its ends and their slopes.
"""

import numba
import numpy as np

BETA, GAMMA, EXPONENT = 0.2, 0.1, 10  # neurobench/datasets/mackey_glass.py in version 2.3.0
DELAY, POINT = 17.0, 197 / 75  # the series of NeuroBench's results: 75 points in a Lyapunov time of 197
PAST = 0.7206597  # the same file: x(t) for t < 0
_STEPS_OF_A_DELAY, _STEPS_OF_A_POINT = 1275, 197  # 1/75 each


def integrated(points: int, *, finer: int = 1) -> np.ndarray:
    """Return the series at the times 0, POINT, 2 * POINT, ..., float64 (points,).

    finer: by what the step is divided.
    """
    each = _STEPS_OF_A_POINT * finer
    series: np.ndarray = _integrated(points, each, _STEPS_OF_A_DELAY * finer, POINT / each)
    return series


@numba.njit(cache=True)
def _slope(now: float, past: float) -> float:
    return BETA * past / (1 + past**EXPONENT) - GAMMA * now


@numba.njit(cache=True)
def _integrated(points: int, each: int, delay: int, step: float) -> np.ndarray:
    """Return every `each`-th of the values that are `step` apart; delay: in steps."""
    count = (points - 1) * each + 1
    values, slopes = np.full(count, PAST), np.zeros(count)
    for i in range(count - 1):
        before, after, middle = PAST, PAST, PAST
        if i >= delay:
            j = i - delay
            before, after = values[j], values[j + 1]
            middle = (before + after) / 2 + step / 8 * (slopes[j] - slopes[j + 1])
        now = values[i]
        first = _slope(now, before)
        second = _slope(now + step / 2 * first, middle)
        third = _slope(now + step / 2 * second, middle)
        fourth = _slope(now + step * third, after)
        values[i + 1] = now + step / 6 * (first + 2 * second + 2 * third + fourth)
        slopes[i], slopes[i + 1] = first, _slope(values[i + 1], after)
    return values[::each].copy()
