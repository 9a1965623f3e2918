"""exit_policy: from which sureness on a sample stops in each step. A value, and the file that keeps it.

The file stands beside the network, says which one it is for, and carries its own digest: an edited one is refused.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from snn_deploy.deploy.exits.sureness import Rule, require_rule, sureness
from snn_deploy.network.class_outputs import predicted_classes
from snn_deploy.network.field_check import is_whole, shown
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.sealed_json import SealedJson
from snn_deploy.support.user_error import UserError

FILE = SealedJson(
    kind="snn-deploy ExitPolicy",
    version=1,
    content="policy",
    largest=2**20,
    what="an exit policy",
    again="Fit it again: snn-deploy exits NETWORK.",
)


@dataclass(frozen=True)
class Coverage:
    """Prediction sets by split conformal prediction (Vovk et al. 2005; Angelopoulos & Bates 2023, Sec. 1).

    share: of samples whose set holds the true class, at least, on average over calibrations. widest: a class is in the
    set where its output, divided by the step of the exit, is at most so much below the highest; None, where too few
    samples calibrated it, for sets of all classes.
    """

    share: float
    widest: float | None

    def __post_init__(self) -> None:
        is_width = self.widest is None or (_is_number(self.widest) and self.widest >= 0)
        if not (isinstance(self.share, float) and 0 < self.share < 1 and is_width):
            raise UserError(
                f"coverage {shown(self.share)} with widest {shown(self.widest)}; allowed are a share between 0 and 1, "
                "and a number from 0 or null."
            )


@dataclass(frozen=True)
class ExitPolicy:
    """When samples stop. network_digest: IntegerNetwork.digest of the network that it is for.

    least: for each step but the last, the least sureness with which a sample stops in it, or None where none does.
    temperature: of the softmax, for the rules that have one. coverage: None where no prediction sets were asked for.
    """

    network_digest: str
    rule: Rule
    least: tuple[float | None, ...]
    temperature: float | None = None
    coverage: Coverage | None = None

    def __post_init__(self) -> None:
        require_rule(self.rule)
        if not isinstance(self.network_digest, str):
            raise UserError(f"network {shown(self.network_digest)}: allowed is the digest of a network.")
        for step, least in enumerate(self.least, 1):
            if least is not None and not _is_number(least):
                raise UserError(f"step {step}: the least sureness {shown(least)}; allowed are a number and null.")
        has_softmax = self.rule != "margin"
        if has_softmax != (self.temperature is not None) or (has_softmax and not _is_positive(self.temperature)):
            raise UserError(
                f"temperature {shown(self.temperature)}; rule {self.rule} takes {'a number above 0' * has_softmax}"
                f"{'none' * (not has_softmax)}."
            )

    @property
    def steps(self) -> int:
        """Of the network."""
        return len(self.least) + 1

    def stops(self, outputs: np.ndarray, step: int) -> np.ndarray:
        """Return which samples stop in `step`, from 1, where their outputs are (samples, classes): bool (samples,)."""
        if step == self.steps:
            return np.ones(len(outputs), bool)
        least = self.least[step - 1]
        if least is None:
            return np.zeros(len(outputs), bool)
        return np.asarray(sureness(self.rule, outputs, step, self.temperature) >= least)

    def exits(self, outputs: np.ndarray) -> np.ndarray:
        """Return the step, from 1, in which each sample stops: int64 (samples,). outputs: (steps, samples, classes)."""
        stops = np.stack([self.stops(outputs[step - 1], step) for step in range(1, self.steps + 1)])
        return np.asarray(stops.argmax(axis=0) + 1)

    def sets(self, outputs: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Return the prediction sets, bool (samples, classes), of `outputs` at the exits `steps`, (samples,)."""
        assert self.coverage is not None
        if self.coverage.widest is None:
            return np.ones(outputs.shape, bool)
        below = (outputs.max(-1, keepdims=True) - outputs) / np.asarray(steps)[:, None]
        return np.asarray(below <= self.coverage.widest)


def at_exits(outputs: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the outputs of each sample in its step, (samples, classes). outputs: (steps, samples, classes)."""
    return np.asarray(outputs[steps - 1, np.arange(len(steps))])


def accuracy_at(outputs: np.ndarray, steps: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of samples whose class in their step is their label."""
    return float((predicted_classes(at_exits(outputs, steps)) == labels).mean())


def require_same_network(policy: ExitPolicy, network: IntegerNetwork, where: str) -> None:
    """Raise UserError, which starts with `where`, unless `policy` was fitted on `network`."""
    if policy.network_digest != network.digest or policy.steps != network.steps:
        raise UserError(f"{where}: was fitted on another network. Fit it again: snn-deploy exits NETWORK.")


def write_exit_policy(policy: ExitPolicy, fitted: Mapping[str, object], path: Path) -> None:
    """Write `policy` to `path`, with what it was fitted on and what was measured, for people."""
    FILE.write(path, {**asdict(policy), "fitted": dict(fitted)})


def read_exit_policy(path: Path) -> ExitPolicy:
    """Return the policy in `path`; whatever else is there is a UserError."""
    content = FILE.read(path)
    try:
        coverage = content["coverage"]
        return ExitPolicy(
            network_digest=content["network_digest"],
            rule=content["rule"],
            least=tuple(content["least"]),
            temperature=content["temperature"],
            coverage=None if coverage is None else Coverage(coverage["share"], coverage["widest"]),
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (KeyError, TypeError) as error:
        raise UserError(f"{path}: is not whole ({shown(error)}). {FILE.again}") from error


def _is_number(value: object) -> bool:
    return is_whole(value, -(2**63), 2**63) or (isinstance(value, float) and not math.isnan(value))


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and 0 < value < math.inf
