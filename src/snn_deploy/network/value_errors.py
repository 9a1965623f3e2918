"""value_errors: how far predicted values are from those that were wanted.

sMAPE as NeuroBench counts it (Yik et al., Nature Communications 2025; neurobench/metrics/workload/smape.py in version
2.3.0): 200 times the mean of |prediction - truth| / (|prediction| + |truth|), so 0 is exact and 200 the most.
"""

from dataclasses import dataclass

import numpy as np

MOST_SMAPE = 200.0


@dataclass(frozen=True)
class ValueErrors:
    """smape: 0..200. mse: the mean squared error, in the square of the signal's unit. count: of how many values."""

    smape: float
    mse: float
    count: int

    def __str__(self) -> str:
        return f"sMAPE {self.smape:.2f}, MSE {self.mse:.3g}"

    def to_dict(self) -> dict[str, object]:
        """Return the errors and how many values they are of."""
        return {"smape": self.smape, "mse": self.mse, "values": self.count}


def value_errors(predicted: np.ndarray, wanted: np.ndarray) -> ValueErrors:
    """Return the errors of `predicted` where `wanted`, of the same shape, is not NaN; at least one is not."""
    asked = ~np.isnan(wanted)
    here, there = predicted[asked], wanted[asked]
    difference, size = np.abs(here - there), np.abs(here) + np.abs(there)
    shares = np.divide(difference, size, out=np.zeros_like(size), where=size > 0)  # 0 for 0: exact
    return ValueErrors(float(MOST_SMAPE * shares.mean()), float(np.square(difference).mean()), int(asked.sum()))
