"""dense_scaling: what lava-dl's reader and Lava's Dense make of dense weights: they are scaled, clipped and cut.

Read in lava-dl 0.6.0 (netx/utils.py, optimize_weight_bits) and Lava 0.10.0 (utils/weightutils.py, dense/models.py).
"""

from collections.abc import Sequence

import numpy as np

_BITS = 8
_LARGEST_MIXED, _LEAST_MIXED = 254, -256  # beyond, weights of both signs are clipped


def shift_of(parts: Sequence[np.ndarray]) -> int | None:
    """Return how many bits the weights are shifted to the left until they are summed, None where one is changed.

    parts: (out, in) whole numbers each, int64. The reader scales all of them alike, and Lava clips and cuts each part
    by itself, as its own signs say.
    """
    most, least = max(int(p.max()) for p in parts), min(int(p.min()) for p in parts)
    if most == least == 0 or (least < 0 < most and (most > _LARGEST_MIXED or least < _LEAST_MIXED)):
        return None  # all zero, the reader takes the logarithm of infinity
    shift, mixed = _shift(least, most)
    if shift < 0:
        return None
    unused = shift + _zero_bits(parts) - mixed  # of the 8 bits; the reader tells Lava how many it needs
    kept = unused >= 0 and all(np.array_equal(_cut(p << shift, unused), p << shift) for p in parts)
    return shift if kept else None


def _shift(least: int, most: int) -> tuple[int, int]:
    """Return the bits to shift to the left, and 1 where the reader takes the weights to be of both signs, else 0."""
    if least >= 0:
        return int(np.floor(np.log2(255 / most))), 0
    if most < 0:
        return int(np.floor(np.log2(-256 / least))), 0
    scale = min(127 / most if most else np.inf, -128 / least)
    return int(np.floor(np.log2(scale))) + 1, 1


def _zero_bits(parts: Sequence[np.ndarray]) -> int:
    """Return how many of the last bits are 0 in every weight, 8 at most."""
    return next((n for n in range(_BITS, 0, -1) if not any((p % 2**n).any() for p in parts)), 0)


def _cut(weights: np.ndarray, unused: int) -> np.ndarray:
    """Return the weights that Lava's Dense sums: clipped to 8 bits and a sign, with their last bits cleared."""
    if weights.min() < 0 < weights.max():
        return weights.clip(-(2**_BITS), 2**_BITS - 1) >> unused + 1 << unused + 1
    sign = 1 if weights.min() >= 0 else -1
    return sign * ((sign * weights).clip(0, 2**_BITS - 1) >> unused << unused)
