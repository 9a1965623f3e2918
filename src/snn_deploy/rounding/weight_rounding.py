"""weight_rounding: real weights become whole ones, and how far off whole ones are for each of many step sizes.

Compiled, because quantization-aware training rounds every weight in every pass.
"""

import numba
import numpy as np


def rounded(weights: np.ndarray, steps: np.ndarray, least: int, most: int) -> np.ndarray:
    """Return whole numbers near weights / steps, int16, within least..most, such that kernels keep their sums.

    weights: double, (out, in, height, width) or (out, in). steps: (out,), what a whole weight of 1 is worth. Each
    weight of a dense connection goes to the nearest. In a convolution each kernel's sum goes to the nearest as well:
    where rounding every weight by itself would miss it, the weights that were nearest to going the other way do so, but
    none that is 0: it is a synapse that need not be stored. Neighbouring pixels and neurons are alike, and on an even
    patch a kernel sees nothing but its sum.
    """
    whole = np.empty(weights.shape, np.int16)
    if weights.ndim == 2:
        _round_all(weights, steps, least, most, whole)
    else:
        per_output = (len(weights), weights.shape[1], -1)
        _round_kernels(weights.reshape(per_output), steps, least, most, whole.reshape(per_output))
    return whole


def squared_errors(weights: np.ndarray, steps: np.ndarray, least: int, most: int) -> np.ndarray:
    """Return the sums of squared differences between weights and the nearest multiple of each step, as `steps`.

    weights: double, (out, ...). steps: (out, candidates). A weight beyond least..most steps counts with what is cut.
    """
    errors = np.empty(steps.shape)
    _sum_errors(weights.reshape(len(weights), -1), steps, float(least), float(most), errors)
    return errors


@numba.njit(cache=True, nogil=True)
def _round_all(weights, steps, least, most, whole):  # type: ignore[no-untyped-def]
    for o in range(len(weights)):
        for i in range(weights.shape[1]):
            whole[o, i] = min(max(np.rint(weights[o, i] / steps[o]), least), most)


@numba.njit(cache=True, nogil=True)
def _round_kernels(weights, steps, least, most, whole):  # type: ignore[no-untyped-def]
    outputs, inputs, taps = weights.shape
    rest = np.empty(taps)
    for o in range(outputs):
        for i in range(inputs):
            total = 0.0
            for k in range(taps):
                exact = weights[o, i, k] / steps[o]
                nearest = min(max(np.rint(exact), least), most)
                whole[o, i, k] = nearest
                rest[k] = exact - nearest
                total += rest[k]
                if exact == 0:
                    rest[k] = np.nan  # compares as less than anything, in either direction
            missing = int(np.rint(total))
            direction = 1 if missing > 0 else -1
            for _ in range(min(abs(missing), taps)):
                best, chosen = -np.inf, -1
                for k in range(taps):
                    moved = whole[o, i, k] + direction
                    # A weight that moved has its rest at -inf in this direction.
                    if rest[k] * direction > best and least <= moved <= most:
                        best, chosen = rest[k] * direction, k
                if chosen < 0:
                    break
                whole[o, i, chosen] += direction
                rest[chosen] = -np.inf * direction


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sum_errors(weights, steps, least, most, errors):  # type: ignore[no-untyped-def]
    for o in range(len(weights)):
        for j in range(steps.shape[1]):
            step = steps[o, j]
            total = 0.0
            for i in range(weights.shape[1]):
                difference = weights[o, i] - step * min(max(np.rint(weights[o, i] / step), least), most)
                total += difference * difference
            errors[o, j] = total
