"""exits: when a sample may stop before the last step, fitted on validation samples and measured on test samples."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from snn_deploy.api.sources import Chosen, Data, Network, calibration_samples, choose, integer_network, network_file
from snn_deploy.deploy.exits.exit_measures import ExitMeasures, exit_measures
from snn_deploy.deploy.exits.exit_policy import (
    ExitPolicy,
    read_exit_policy,
    require_same_network,
    write_exit_policy,
)
from snn_deploy.deploy.exits.fit_exits import Calibration, fit_exits
from snn_deploy.deploy.exits.outputs_by_step import outputs_by_step
from snn_deploy.deploy.exits.sureness import Rule, require_rule
from snn_deploy.deploy.running.memory import require_memory
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import require_classes
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

FILE = "exits.json"  # beside network.npz

Exits = ExitPolicy | str | Path | None
"""When samples stop early: a policy, the file of one, or None where they do not."""


@dataclass(frozen=True, repr=False)
class ExitsResult(Result):
    """A policy, and what it does on the samples that it was fitted on and on test samples; `save` writes it.

    tested: None where there were no test samples. folder: of the network's file, or None.
    """

    network: IntegerNetwork
    policy: ExitPolicy
    fitted: ExitMeasures
    tested: ExitMeasures | None
    allowed_loss: float
    folder: Path | None
    file: Path | None = None

    @property
    def shown(self) -> ExitMeasures:
        """What is to be quoted: of test samples where there are any."""
        return self.fitted if self.tested is None else self.tested

    def headline(self) -> str:
        """Return the mean steps and what they cost."""
        times = self.network.steps / self.shown.mean
        return f"{self.shown.mean:.2f} of {self.network.steps} steps on average, {times:.2f} times fewer"

    def blocks(self) -> tuple[Block, ...]:
        """Return the thresholds with what stops in each step, accuracies, and prediction sets."""
        measures = {"validation": self.fitted} | ({} if self.tested is None else {"test": self.tested})
        stopped = [np.bincount(m.steps, minlength=self.network.steps + 1)[1:] / len(m.steps) for m in measures.values()]
        rows = [
            (step, _shown(least), *(f"{100 * shares[step - 1]:.1f}" for shares in stopped))
            for step, least in enumerate((*self.policy.least, "the last"), 1)
        ]
        titles = ("step", f"stops from this {self.policy.rule} on", *(f"% of {name} samples" for name in measures))
        lines = [f"{name}: {m}" for name, m in measures.items()]
        sets = [
            f"{name}: {100 * m.covered:.2f} % of the prediction sets hold the class ({m.set_size:.2f} classes in a set)"
            for name, m in measures.items()
            if m.covered is not None
        ]
        written = () if self.file is None else (f"wrote {self.file}",)
        return (Table(titles, tuple(rows)), *lines, *sets, *written)

    def to_dict(self) -> dict[str, object]:
        """Return the thresholds, and the measures on validation and test samples."""
        coverage = self.policy.coverage
        return {
            "rule": self.policy.rule,
            "least": list(self.policy.least),
            "temperature": self.policy.temperature,
            "allowed_loss": self.allowed_loss,
            "coverage": None if coverage is None else {"share": coverage.share, "widest": coverage.widest},
            "validation": self.fitted.to_dict(),
            "test": None if self.tested is None else self.tested.to_dict(),
            "file": None if self.file is None else str(self.file),
        }

    def save(self, path: str | Path | None = None) -> "ExitsResult":
        """Return the result with its `file`, after writing the policy to `path`, or exits.json beside the network."""
        if path is None and self.folder is None:
            raise UserError("exits: the network is not from a file; give save() a path.")
        place = Path(path) if path is not None else (self.folder or Path()) / FILE
        write_exit_policy(self.policy, _without_file(self.to_dict()), place)
        return replace(self, file=place)


def exits(
    network: Network,
    data: Data = None,
    *,
    labels: np.ndarray | None = None,
    samples: int = 0,
    test_samples: int = 0,
    rule: Rule = "margin",
    allowed_loss: float = 0.001,
    coverage: float | None = None,
    watch: Watch = SILENT,
) -> ExitsResult:
    """Return when samples may stop before the last step of `network`.

    Parameters
    ----------
    network
        An exported network, its file or its folder.
    data
        What it is fitted on: None for the validation samples of the data set that the network was trained on; the name
        of a data set (NAME or NAME:PATH), of which they are what training holds out; Samples, or an array, with
        `labels`. Of a data set, test samples are looked at once, with the fitted policy; of the others there are none.
    samples, test_samples
        How many of each; 0 is all.
    rule
        What says how sure an output is: "margin", "entropy" or "confidence" (deploy/exits/sureness.py).
    allowed_loss
        The share of validation samples by which accuracy may be lower than in the last step.
    coverage
        Also calibrate prediction sets that hold the true class with this probability (split conformal prediction); then
        the steps are fitted on half of the validation samples and the sets calibrated on the others.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a network of a single step or class, shares outside of 0..1, or data without validation samples.
    """
    whole = integer_network(network)
    require_classes(whole, "exits")
    require_rule(rule)
    if not 0 <= allowed_loss < 1:
        raise UserError(f"allowed loss {allowed_loss}; it is a share of the samples: 0 or more, below 1.")
    if coverage is not None and not 0 < coverage < 1:
        raise UserError(f"coverage {coverage}; it is a share of the samples, above 0 and below 1, such as 0.95.")
    validation = calibration_samples(whole, data, samples, labels)
    test = choose(whole, data, test_samples) if data is None or isinstance(data, str) else None
    seen = _outputs(whole, validation, "validation samples", watch)
    assert validation.labels is not None  # samples to choose by have labels
    policy = fit_exits(Calibration(seen, validation.labels), whole.digest, rule, allowed_loss, coverage)
    tested = None
    if test is not None and test.labels is not None:
        tested = exit_measures(policy, _outputs(whole, test, "test samples", watch), test.labels)
    folder = None if isinstance(network, IntegerNetwork) else network_file(Path(network)).parent
    return ExitsResult(whole, policy, exit_measures(policy, seen, validation.labels), tested, allowed_loss, folder)


def policy_for(network: IntegerNetwork, chosen: ExitPolicy | str | Path) -> ExitPolicy:
    """Return the policy `chosen`, or that of its file; one that was fitted on another network is a UserError."""
    policy = chosen if isinstance(chosen, ExitPolicy) else read_exit_policy(Path(chosen))
    require_same_network(policy, network, "exits" if isinstance(chosen, ExitPolicy) else str(chosen))
    return policy


def stopped(
    network: IntegerNetwork, chosen: Chosen, policy: ExitPolicy, watch: Watch
) -> tuple[np.ndarray, ExitMeasures | None]:
    """Return the step in which each sample stops, (samples,), from 1, and what that does, where there are labels."""
    outputs = _outputs(network, chosen, "exits", watch)
    if chosen.labels is None:
        return policy.exits(outputs), None
    found = exit_measures(policy, outputs, chosen.labels)
    return found.steps, found


def _outputs(network: IntegerNetwork, chosen: Chosen, title: str, watch: Watch) -> np.ndarray:
    from snn_deploy.deploy.backends import cpu  # noqa: PLC0415 - torch and numba are slow to import

    require_memory(network, chosen.count, ["cpu"])
    with watch.progress(title, chosen.count) as advance:
        return outputs_by_step(network, cpu.prepared(network), chosen.shown, advance)


def _shown(least: float | str | None) -> str:
    if least is None:
        return "never"
    return least if isinstance(least, str) else f"{least:.6g}" if isinstance(least, float) else str(least)


def _without_file(found: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in found.items() if key != "file"}
