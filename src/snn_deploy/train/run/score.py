"""score: how well a run's network does: the share of classes that are right, or the sMAPE of the values that it reads.

In a line of metrics a score is SPLIT_accuracy, or SPLIT_smape with SPLIT_mse beside it; one line never has both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCURACY_KEY, SMAPE_KEY, MSE_KEY = "accuracy", "smape", "mse"


@dataclass(frozen=True)
class Score:
    """key: in metrics, behind the split. name: for people. unit: what people see behind the number, times `factor`."""

    key: str
    name: str
    factor: float
    unit: str
    more_is_better: bool

    def of(self, metrics: Mapping[str, Any], split: str) -> float | None:
        """Return the score on `split`, None where it was not measured."""
        found = metrics.get(f"{split}_{self.key}")
        return None if found is None else float(found)

    def rank(self, metrics: Mapping[str, Any], split: str) -> float:
        """Return a number that is larger where the score on `split` is better."""
        value = float(metrics[f"{split}_{self.key}"])
        return value if self.more_is_better else -value

    def shown(self, value: float) -> str:
        """Return "97.84 %", or "sMAPE 1.53"."""
        number = f"{self.factor * value:.2f}"
        return f"{number} {self.unit}" if self.unit else f"{self.name} {number}"


ACCURACY = Score(ACCURACY_KEY, "accuracy", 100.0, "%", more_is_better=True)
SMAPE = Score(SMAPE_KEY, "sMAPE", 1.0, "", more_is_better=False)


def score_of(metrics: Mapping[str, Any]) -> Score:
    """Return the score that a line of metrics has."""
    return SMAPE if any(name.endswith(f"_{SMAPE_KEY}") for name in metrics) else ACCURACY
