"""findings: everything that a report says, as plain data. cli/verbs/report.py gathers it, page.py shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snn_deploy.deploy.energy.exit_costs import ExitCosts
from snn_deploy.deploy.energy.latency import Latency
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate
from snn_deploy.deploy.mapping.fit_trade import FitTrade
from snn_deploy.report.charts import Chart
from snn_deploy.report.layer_facts import LayerFacts
from snn_deploy.report.trials import Trial


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
class FullCores:
    """Cores of the same layers that are full of the same resource. least, most: how full; 1 is all that there is."""

    layers: str
    resource: str
    cores: int
    least: float
    most: float


@dataclass(frozen=True)
class OnChip:
    """A network on the cores of a chip.

    least_cores: no mapping needs fewer. blocks: population -> into how many blocks of neurons it is cut. limits:
    resource -> (most on a core, allowed, source). energies, times: of a sample in all its steps; exits: of samples that
    stop early, or None. busiest: of each step the layers of
    the core that works longest, its index, for how many seconds at most, and the spikes over the busiest link.
    """

    cores: int
    chips: int
    least_cores: int
    blocks: Mapping[str, int]
    limits: Mapping[str, tuple[int, int, str]]
    full: tuple[FullCores, ...]
    energies: tuple[EnergyEstimate, ...]
    times: Latency
    busiest: tuple[tuple[str, int, float, float], ...]
    picture: Chart
    exits: ExitCosts | None


@dataclass(frozen=True)
class Fit:
    """Whether the network fits on a chip.

    violations: what the chip cannot do, or limits that are broken, and not_counted: one line each. suggestions: what
    was tried and fits, where it does not. on_chip: None where it does not fit. model_errors: how
    far estimates were off.
    """

    profile: str
    title: str
    violations: tuple[str, ...]
    suggestions: tuple[str, ...]
    not_counted: tuple[str, ...]
    on_chip: OnChip | None
    model_errors: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """A run: its epochs' metrics, the pictures of it, and its config as TOML."""

    epochs: tuple[Mapping[str, Any], ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Findings:
    """One report. samples: on how many test samples layers and energy were measured.

    energies: of arithmetic, the papers' estimate first. exits: what stopping early does, and costs in arithmetic, or
    None; on a chip, OnChip has it.
    provenance: what made it, (name, value) each. config: as TOML, or "". commands: that make it again. fitted: how it
    was made to fit, where it was.
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
    energies: tuple[EnergyEstimate, ...]
    trials: tuple[Trial, ...]
    training: Training | None
    samples: int
    provenance: tuple[tuple[str, str], ...]
    config: str
    commands: tuple[str, ...]
    exits: ExitCosts | None
    fitted: FitTrade | None = None

    @property
    def exit_costs(self) -> tuple[tuple[str, ExitCosts], ...]:
        """(profile, what samples that stop early cost there), arithmetic first; none where all take every step."""
        arithmetic = () if self.exits is None else ((self.energies[0].profile, self.exits),)
        chips = ((fit.profile, fit.on_chip.exits) for fit in self.fits if fit.on_chip and fit.on_chip.exits)
        return (*arithmetic, *chips)

    @property
    def accuracy(self) -> float | None:
        """Of the integer network: the ladder's rung of that name."""
        return next((rung.accuracy for rung in self.ladder if rung.name == "integers"), None)

    @property
    def better(self) -> tuple[Trial, ...]:
        """The at most three changes that improve the deployment most."""
        return tuple(t for t in self.trials if t.is_better)[:3]

    @property
    def every_energy(self) -> tuple[EnergyEstimate, ...]:
        """The estimates of arithmetic, and those of each chip that it fits on."""
        return (*self.energies, *(e for fit in self.fits if fit.on_chip for e in fit.on_chip.energies))

    @property
    def sources(self) -> list[tuple[str, str, list[float]]]:
        """(source, confidence, its unit costs in joules) of every energy, once each; assumptions first."""
        found: dict[tuple[str, str], set[float]] = {}
        for estimate in self.every_energy:
            for term in (*estimate.spiking, *estimate.equal_ann):
                found.setdefault((term.source, term.confidence), set()).add(term.unit_cost)
        return [(*key, sorted(found[key])) for key in sorted(found, key=lambda k: (k[1] != "assumption", k))]

    @property
    def heaviest(self) -> LayerFacts:
        """The layer at which most synaptic operations arrive."""
        return max(self.layers, key=lambda layer: layer.operations)
