"""findings: everything that a report says, as plain data. cli/report.py gathers it, page.py shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snn_deploy.deploy.energy import EnergyEstimate
from snn_deploy.deploy.report.charts import Chart
from snn_deploy.deploy.report.layer_facts import LayerFacts
from snn_deploy.deploy.report.trials import Trial


@dataclass(frozen=True)
class Rung:
    """One step of the accuracy ladder. accuracy: a share, None where it is not known; note: on what it was measured."""

    name: str
    accuracy: float | None
    note: str


@dataclass(frozen=True)
class Compared:
    """What verify did. differences: one line for each backend that differs."""

    backends: tuple[str, ...]
    inputs: str
    samples: int
    spikes: int
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """Whether the network fits on a chip.

    boxes: population -> into how many boxes of neurons it is cut. limits: resource -> (most on a core, allowed,
    source). violations, not_counted: one line each. picture: of the cores, None where it does not fit.
    """

    profile: str
    title: str
    fits: bool
    cores: int
    chips: int
    boxes: Mapping[str, int]
    limits: Mapping[str, tuple[int, int, str]]
    violations: tuple[str, ...]
    not_counted: tuple[str, ...]
    picture: Chart | None = None


@dataclass(frozen=True)
class Training:
    """A run: its epochs' metrics, the pictures of it, and its config as TOML."""

    epochs: tuple[Mapping[str, Any], ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Findings:
    """One report. samples: on how many test samples layers and energy were measured.

    provenance: what made it, (name, value) each. config: as TOML, or "". commands: that make it again.
    """

    title: str
    steps: int
    input_shape: tuple[int, ...]
    input_values: int
    output: str
    ladder: tuple[Rung, ...]
    compared: Compared
    layers: tuple[LayerFacts, ...]
    charts: tuple[Chart, ...]
    fits: tuple[Fit, ...]
    energy: EnergyEstimate
    trials: tuple[Trial, ...]
    training: Training | None
    samples: int
    provenance: tuple[tuple[str, str], ...]
    config: str
    commands: tuple[str, ...]

    @property
    def accuracy(self) -> float | None:
        """Of the integer network: the ladder's rung of that name."""
        return next((rung.accuracy for rung in self.ladder if rung.name == "integers"), None)

    @property
    def better(self) -> tuple[Trial, ...]:
        """The at most three changes that improve the deployment most."""
        return tuple(t for t in self.trials if t.is_better)[:3]

    @property
    def unit_costs(self) -> list[tuple[float, str, str]]:
        """(joules, source, confidence) of every unit cost of the energy estimate, once each."""
        terms = (*self.energy.spiking, *self.energy.equal_ann)
        return sorted({(t.unit_cost, t.source, t.confidence) for t in terms})

    @property
    def heaviest(self) -> LayerFacts:
        """The layer at which most synaptic operations arrive."""
        return max(self.layers, key=lambda layer: layer.operations)
