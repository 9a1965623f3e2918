"""Which populations Lava's own LIFReset holds, and its biases."""

import numpy as np

from snn_deploy.network.integer_network import IntegerPopulation

_LARGEST_MANTISSA, _LARGEST_EXPONENT = 2**12, 7  # bias: 13 bits with sign, 3 bits (Lava lif/models.py)


def is_stock(population: IntegerPopulation) -> bool:
    """Whether LIFReset holds it: one fixed threshold and decay for all, reset to 0, start from 0, biases that fit."""
    p = population
    resets_to_zero = p.reset == "value" and not p.reset_value.any()
    parameters = (p.threshold, p.current_keep, p.voltage_keep) if p.fires else (p.current_keep, p.voltage_keep)
    is_uniform = all(len(np.unique(values)) == 1 for values in parameters)
    fits = bias_parts(p.bias) is not None
    return fits and resets_to_zero and not p.initial_value.any() and not p.adapts and is_uniform


def bias_parts(bias: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return (mantissas, exponents) per channel, or None where Loihi's 13 and 3 bits do not hold every bias."""
    exponents = np.zeros_like(bias)
    for exponent in range(_LARGEST_EXPONENT, -1, -1):
        exponents[(bias % 2**exponent == 0) & (abs(bias >> exponent) < _LARGEST_MANTISSA)] = exponent
    mantissas = bias >> exponents
    fits = (mantissas << exponents == bias).all() and (abs(mantissas) < _LARGEST_MANTISSA).all()
    return (mantissas, exponents) if fits else None
