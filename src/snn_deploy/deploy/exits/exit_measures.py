"""exit_measures: what an exit policy does on samples: accuracy with and without it, steps, prediction sets."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from snn_deploy.deploy.exits.exit_policy import ExitPolicy, accuracy_at, at_exits
from snn_deploy.deploy.exits.step_spread import StepSpread
from snn_deploy.support.counted import counted


@dataclass(frozen=True)
class ExitMeasures:
    """What a policy does on some samples. Accuracies are shares.

    accuracy: at the exits. whole_accuracy: in the last step. changed: how many samples have another class at the exit
    than in the last step. steps: (samples,), the step of each. covered, set_size: the share of samples whose prediction
    set holds the label, and the mean number of classes in a set; None without sets.
    """

    accuracy: float
    whole_accuracy: float
    changed: int
    steps: np.ndarray
    covered: float | None
    set_size: float | None

    @property
    def spread(self) -> StepSpread:
        """Mean, median and 99th percentile of the steps."""
        return StepSpread.of(self.steps)

    @property
    def mean(self) -> float:
        """Steps of a sample, the mean."""
        return self.spread.mean

    @property
    def loss(self) -> float:
        """The share of samples by which accuracy is lower than in the last step; below zero it is higher."""
        return self.whole_accuracy - self.accuracy

    @property
    def loss_error(self) -> float:
        """The standard error of `loss`: what chance does to it, at so few samples that change."""
        return math.sqrt(max(self.changed, 1)) / len(self.steps)

    def __str__(self) -> str:
        return (
            f"{100 * self.accuracy:.2f} % at the exits, {100 * self.whole_accuracy:.2f} % in the last step (a loss of "
            f"{100 * self.loss:.2f} ± {100 * self.loss_error:.2f} points, "
            f"{counted(len(self.steps), 'sample')}); steps: {self.spread}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain numbers."""
        sets = {} if self.covered is None else {"covered": self.covered, "set_size": self.set_size}
        return {
            "samples": len(self.steps),
            "accuracy": self.accuracy,
            "accuracy_of_all_steps": self.whole_accuracy,
            "changed": self.changed,
            "steps": asdict(self.spread),
            "stopped_in": {str(k): int(n) for k, n in enumerate(np.bincount(self.steps)[1:], 1)},
            **sets,
        }


def exit_measures(policy: ExitPolicy, outputs: np.ndarray, labels: np.ndarray) -> ExitMeasures:
    """Return what `policy` does on samples. outputs: after every step, (steps, samples, classes)."""
    steps = policy.exits(outputs)
    last = np.full(len(steps), policy.steps)
    there, final = at_exits(outputs, steps), at_exits(outputs, last)
    covered = set_size = None
    if policy.coverage is not None:
        sets = policy.sets(there, steps)
        covered, set_size = float(sets[np.arange(len(labels)), labels].mean()), float(sets.sum(1).mean())
    changed = int((there.argmax(1) != final.argmax(1)).sum())
    return ExitMeasures(
        accuracy_at(outputs, steps, labels), accuracy_at(outputs, last, labels), changed, steps, covered, set_size
    )
