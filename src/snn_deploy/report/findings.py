"""findings: everything that a report says, as plain data. gather.py measures it, page.py shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn_deploy.deploy.energy.exit_costs import ExitCosts
from snn_deploy.deploy.energy.latency import Latency
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate
from snn_deploy.deploy.mapping.fit_trade import FitTrade
from snn_deploy.network.value_errors import ValueErrors, value_errors
from snn_deploy.report.charts import Chart
from snn_deploy.report.layer_facts import LayerFacts
from snn_deploy.report.share import Share, change_interval
from snn_deploy.report.trials import Trial


@dataclass(frozen=True)
class Rung:
    """One step of the accuracy ladder. accuracy: None of what has none; note: on what it was measured."""

    name: str
    accuracy: Share | None
    note: str


@dataclass(frozen=True)
class ValueRung:
    """How far the values of a network are from those wanted. note: on what it was measured."""

    name: str
    errors: ValueErrors
    note: str


@dataclass(frozen=True)
class Continuation:
    """A series and how the integer network continues it, each prediction being its next input.

    truth, predicted, one_ahead: float64 (points,), see api/forecast.py. published: name -> sMAPE of others' forecasts.
    """

    truth: np.ndarray
    predicted: np.ndarray
    one_ahead: np.ndarray
    published: Mapping[str, float]

    @property
    def errors(self) -> ValueErrors:
        """Of `predicted`."""
        return value_errors(self.predicted, self.truth)


@dataclass(frozen=True)
class Values:
    """What a report says of a network that gives values, in the place of accuracies.

    rungs: the last one is of the integers on all samples. chart: a signal and what the network says of it. continued:
    None where the data have no series to continue.
    """

    rungs: tuple[ValueRung, ...]
    chart: Chart
    continued: Continuation | None

    @property
    def errors(self) -> ValueErrors:
        """Of the integers."""
        return self.rungs[-1].errors


@dataclass(frozen=True)
class Compared:
    """What verify did. differences: one line for each backend that differs; silent: the layers that never fired."""

    backends: tuple[str, ...]
    inputs: str
    samples: int
    spikes: int
    differences: tuple[str, ...]
    silent: tuple[str, ...] = ()

    @property
    def by_backend(self) -> tuple[tuple[str, str], ...]:
        """(backend, what its comparison with the first one showed) of all but the first."""
        found = {line.split(":")[0].split(",")[0]: line.partition(": ")[2] for line in self.differences}
        same = "every spike and output is the same" if self.spikes else "every output is the same; nothing fired"
        return tuple((name, f"differs: {found[name]}" if name in found else same) for name in self.backends[1:])


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
    resource -> (most on a core, allowed, source). abbreviations: of those sources. energies, times: of a sample in all
    its steps; exits: of samples that stop early, or None. busiest: of each step the layers of the core that works
    longest, its index, for how many seconds at most, and the spikes over the busiest link.
    """

    cores: int
    chips: int
    least_cores: int
    blocks: Mapping[str, int]
    limits: Mapping[str, tuple[int, int, str]]
    abbreviations: tuple[str, ...]
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
class Measured:
    """What was measured of one network on the samples of a report.

    is_right: of each sample, whether the class of the integers is the label; none of a network that gives values.
    energies: of arithmetic, the papers' estimate first. fits: of each chip of the report.
    """

    title: str
    digest: str
    steps: int
    is_right: tuple[bool, ...]
    compared: Compared
    layers: tuple[LayerFacts, ...]
    energies: tuple[EnergyEstimate, ...]
    fits: tuple[Fit, ...]

    @property
    def accuracy(self) -> Share:
        """Of the integers."""
        return Share(sum(self.is_right), len(self.is_right))

    @property
    def operations(self) -> float:
        """Synaptic operations of a sample."""
        return sum(layer.operations for layer in self.layers)

    @property
    def spikes(self) -> float:
        """Spikes of a sample, of all neurons in all steps."""
        return sum((layer.rate or 0.0) * layer.neurons * self.steps for layer in self.layers)

    @property
    def every_energy(self) -> tuple[EnergyEstimate, ...]:
        """The estimates of arithmetic, and those of each chip that it fits on."""
        return (*self.energies, *(e for fit in self.fits if fit.on_chip for e in fit.on_chip.energies))


@dataclass(frozen=True)
class Beside:
    """Two networks on the same samples: the one of the report, and another one."""

    here: Measured
    there: Measured

    @property
    def only_here(self) -> Share:
        """The samples that the report's network alone classifies rightly."""
        pairs = tuple(zip(self.here.is_right, self.there.is_right, strict=True))
        return Share(sum(a and not b for a, b in pairs), len(pairs))

    @property
    def only_there(self) -> Share:
        """The samples that the other one alone does."""
        pairs = tuple(zip(self.here.is_right, self.there.is_right, strict=True))
        return Share(sum(b and not a for a, b in pairs), len(pairs))

    @property
    def possible(self) -> tuple[float, float]:
        """Between which values the samples leave the other one's accuracy, less this one's, open."""
        return change_interval(self.only_there, self.only_here)

    @property
    def layers(self) -> tuple[tuple[str, LayerFacts | None, LayerFacts | None], ...]:
        """(name, here, there) of each layer that either has."""
        first, second = ({layer.name: layer for layer in found.layers} for found in (self.here, self.there))
        return tuple((name, first.get(name), second.get(name)) for name in first | second)

    @property
    def energies(self) -> tuple[tuple[EnergyEstimate | None, EnergyEstimate | None], ...]:
        """(here, there) of each model that either has an estimate of."""
        first, second = ({(e.title, e.profile): e for e in found.every_energy} for found in (self.here, self.there))
        return tuple((first.get(key), second.get(key)) for key in first | second)


@dataclass(frozen=True)
class Findings:
    """One report. samples: on how many test samples layers and energy were measured.

    energies: of arithmetic, the papers' estimate first. exits: what stopping early does, and costs in arithmetic, or
    None; on a chip, OnChip has it. beside: the same measurements of another network, where one was named.
    values: of a network that gives values, which has neither ladder nor trials; else None. provenance: what made it,
    (name, value) each. config: as TOML, or "". commands: that make it again. fitted: how it was made to fit, where it
    was.
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
    beside: Beside | None = None
    values: Values | None = None

    @property
    def exit_costs(self) -> tuple[tuple[str, ExitCosts], ...]:
        """(profile, what samples that stop early cost there), arithmetic first; none where all take every step."""
        arithmetic = () if self.exits is None else ((self.energies[0].profile, self.exits),)
        chips = ((fit.profile, fit.on_chip.exits) for fit in self.fits if fit.on_chip and fit.on_chip.exits)
        return (*arithmetic, *chips)

    @property
    def accuracy(self) -> Share:
        """Of the integer network: the ladder's last rung."""
        found = self.ladder[-1].accuracy
        assert found is not None  # report/ladder.py
        return found

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
