"""step_spread: mean, median and 99th percentile of the steps that samples take."""

from dataclasses import dataclass

import numpy as np

from snn_deploy.support.counted import counted


@dataclass(frozen=True)
class StepSpread:
    """Steps of a sample. p99: within so many 99 % of the samples stop."""

    mean: float
    median: float
    p99: int

    @classmethod
    def of(cls, steps: np.ndarray) -> "StepSpread":
        """Return it of `steps`, (samples,)."""
        p99 = int(np.quantile(steps, 0.99, method="inverted_cdf"))
        return cls(float(steps.mean()), float(np.median(steps)), p99)

    def __str__(self) -> str:
        return f"mean {self.mean:.2f}, median {self.median:g}, 99 % within {self.p99}"

    def of_all(self, steps: int) -> str:
        """Return it for people, beside the network's `steps`."""
        return (
            f"{self.mean:.2f} of {counted(steps, 'step')} on average (median {self.median:g}, 99 % within {self.p99})"
        )
