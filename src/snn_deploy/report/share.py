"""share: a counted share of samples and how far chance may have moved it."""

import math
from dataclasses import dataclass

from scipy.stats import binomtest

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """`count` of `of` samples, such as those whose class was right. of: 1 or more."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval of 95 %, from scipy: of the share in all samples of which these are a draw."""
        found = binomtest(self.count, self.of).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)


def change_interval(gained: Share, lost: Share) -> tuple[float, float]:
    """Return between which values, of 95 % confidence, gained - lost lies, for samples that became right and wrong.

    The distances of both Wilson intervals are joined as squares: method 10 of Newcombe, Statistics in Medicine 17, 873
    (1998). It is not 0 where no sample changed: 100 equal samples do not show that the next one is equal.
    """
    change = gained.value - lost.value
    (low_gain, high_gain), (low_loss, high_loss) = gained.interval, lost.interval
    below = math.hypot(gained.value - low_gain, high_loss - lost.value)
    above = math.hypot(high_gain - gained.value, lost.value - low_loss)
    return change - below, change + above
