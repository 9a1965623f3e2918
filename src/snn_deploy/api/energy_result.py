"""energy_result: what `energy` gives back: the answer in one line, then each estimate, with details each term."""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TypeVar

from snn_deploy.deploy.energy.core_events import CoreEvents
from snn_deploy.deploy.energy.exit_costs import ExitCosts
from snn_deploy.deploy.energy.latency import Latency, span
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate, EnergyTerm
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.hardware_profiles.model_error import error_line
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table

AnyEnergy = TypeVar("AnyEnergy", bound="Energy")
_STEPS_SHOWN = 20


@dataclass(frozen=True, repr=False)
class Energy(Result):
    """Estimates of the energy of one sample, in joules, the mean over `samples` of `steps` steps.

    seconds: how long the input of a sample lasts, or None where that was not said. exits: what stopping early saves,
    where samples do: then everything else is up to their exits. None where all take every step. is_detailed: whether
    `blocks` says each estimate term by term.
    """

    profile: HardwareProfile
    estimates: tuple[EnergyEstimate, ...]
    samples: int
    steps: int
    seconds: float | None
    exits: ExitCosts | None
    is_detailed: bool = field(default=False, kw_only=True)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest estimate, J per sample."""
        totals = [e.total for e in self.estimates]
        return min(totals), max(totals)

    @property
    def range_per_second(self) -> tuple[float, float] | None:
        """The same for a second of input, W; None where no duration was given."""
        if self.seconds is None:
            return None
        least, most = self.range
        return least / self.seconds, most / self.seconds

    def detailed(self: "AnyEnergy") -> "AnyEnergy":
        """Return the result as one that says each estimate term by term, with the source of each unit cost."""
        return replace(self, is_detailed=True)

    def headline(self) -> str:
        """Return the range."""
        return f"{span(self.range, 1e-9)} nJ a sample with {self.profile.name}"

    @abstractmethod
    def _answer(self) -> str:
        """Return energy, and time where it is known, in one line."""

    @abstractmethod
    def _summary(self) -> tuple[Block, ...]:
        """Return what stands below the answer: how sure it is, what it was measured on, each estimate."""

    @abstractmethod
    def _details(self) -> tuple[Block, ...]:
        """Return each estimate term by term, with sources and what is left out."""

    def blocks(self) -> tuple[Block, ...]:
        """Return the answer, the estimates, and, where that was asked for, their terms with their sources."""
        hint = "--details, in Python .detailed(): each term with its unit cost and source"
        more = self._details() if self.is_detailed else (hint,)
        largest, _ = largest_term(max(self.estimates, key=lambda e: e.total))
        answer = f"energy: {self._answer()} a sample; largest term: {largest}"
        return (answer, *self._summary(), *self._of_a_second(), *self._with_exits(), *more)

    def _measured_on(self) -> str:
        steps = f"{counted(self.steps, 'step')} each" if self.exits is None else self.exits.spread.of_all(self.steps)
        return f"mean of {counted(self.samples, 'sample')}, {steps}"

    def _with_exits(self) -> tuple[Block, ...]:
        return () if self.exits is None else self.exits.blocks()

    def _of_a_second(self) -> tuple[str, ...]:
        found = self.range_per_second
        if found is None:
            return ()
        least, most = (f"{e * 1e6:,.4g}" for e in found)
        return (f"a second of input, samples of {self.seconds:g} s: {least} to {most} uJ",)

    def _more_as_dict(self) -> dict[str, object]:
        """Return what only some calls ask for."""
        found = self.range_per_second
        of_seconds = {} if found is None else {"seconds": self.seconds, "range_per_second": list(found)}
        return of_seconds | ({} if self.exits is None else {"exits": self.exits.to_dict()})


@dataclass(frozen=True, repr=False)
class ArithmeticEnergy(Energy):
    """Energy of arithmetic: the first estimate as the papers count it, then in integers, then with memory."""

    @property
    def paper(self) -> EnergyEstimate:
        """The estimate of the spiking-network papers, with that of the equal ANN beside it."""
        return self.estimates[0]

    def _answer(self) -> str:
        return f"{span(self.range, 1e-9)} nJ"

    def _summary(self) -> tuple[Block, ...]:
        titles = ("estimate, of a sample", "spiking, nJ", "equal ANN, nJ", "ANN / spiking")
        rows = tuple((e.title.removeprefix("Energy estimate: "), *_totals(e)) for e in self.estimates)
        return (
            f"  {self._measured_on()}; profile {self.profile.name}",
            Table(titles, rows),
            "None is a measurement of a chip.",
            "With memory, unit costs are interpolated: assumptions of the profile.",
        )

    def _details(self) -> tuple[Block, ...]:
        return tuple(block for e in self.estimates for block in self._terms(e))

    def _terms(self, estimate: EnergyEstimate) -> tuple[Block, ...]:
        rows = [_row("spiking", t) for t in estimate.spiking] + [_row("equal ANN", t) for t in estimate.equal_ann]
        terms = (*estimate.spiking, *estimate.equal_ann)
        costs = sorted({(t.unit_cost, t.source, t.confidence) for t in terms})
        return (
            estimate.title,
            Table(
                ("network", "connection", "operation", "count a sample", "pJ each", "nJ a sample"),
                tuple(rows),
                is_asked_for=True,
            ),
            f"  sum: {estimate.total * 1e9:,.1f} nJ a sample; the equal ANN {estimate.equal_ann_total * 1e9:,.1f} nJ",
            *(f"  {cost * 1e12:.4g} pJ: {source} ({confidence})" for cost, source, confidence in costs),
            f"  left out: {'; '.join(estimate.left_out)}",
        )

    def to_dict(self) -> dict[str, object]:
        """Return every term of every estimate; energies in joules per sample."""
        return {
            "samples": self.samples,
            "steps": self.steps,
            **self.paper.as_json(),
            "range": list(self.range),
            "estimates": [e.as_json() for e in self.estimates],
            **self._more_as_dict(),
        }


@dataclass(frozen=True, repr=False)
class ChipEnergy(Energy):
    """Energy of the events on a chip's cores and links, and the time of a sample there.

    input_values: the largest value of the input; events: what was counted; latency: how long it takes.
    """

    placement: Placement
    events: CoreEvents
    latency: Latency
    input_values: int

    def _answer(self) -> str:
        return f"{span(self.range, 1e-9)} nJ, {span(self.latency.sample, 1e-6)} us"

    def _summary(self) -> tuple[Block, ...]:
        cores = f"{counted(len(self.placement.cores), 'core')} on {counted(self.placement.chips, 'chip')}"
        rows = tuple(
            (e.title.removeprefix("Event model: "), f"{e.total * 1e9:,.1f}", _largest(e)) for e in self.estimates
        )
        return (
            *self._with_static_power(),
            *(f"  {line}" for line in self._model_errors()),
            f"{cores} of {self.profile.title}; {self._measured_on()}",
            Table(("events on cores and links", "nJ a sample", "largest term"), rows),
            f"  left out: {'; '.join(self.estimates[0].left_out)}",
            *(("  pixels: each value that is not 0 counts as one spike in every step",) if self.is_graded else ()),
        )

    def _details(self) -> tuple[Block, ...]:
        sources = sorted({(t.source, t.confidence) for e in self.estimates for t in e.spiking})
        allocated = int(self.events.compartments.sum())
        return (
            *(block for e in self.estimates for block in _terms(e)),
            f"{allocated} compartments allocated",
            *self._times(),
            *(f"  {source} ({confidence})" for source, confidence in sources),
        )

    @property
    def is_graded(self) -> bool:
        """Whether inputs are pixels, or other values above 1."""
        return self.input_values > 1

    @property
    def range_with_static_power(self) -> tuple[float, float] | None:
        """The lowest and the highest estimate with the static power of the chips, J; None where none is published."""
        if self.latency.static_energy is None:
            return None
        (least, most), (less, more) = self.range, self.latency.static_energy
        return least + less, most + more

    def _with_static_power(self) -> tuple[Block, ...]:
        total = self.range_with_static_power
        if total is None:
            return ("  static power apart: it is not published for this chip",)
        return (f"  static power apart; with that of the chips while it runs {span(total, 1e-9)} nJ a sample",)

    def _model_errors(self) -> tuple[str, ...]:
        """Return how far the model was off where chips were measured: energy, with static power, time."""
        names = ("dynamic_energy", "total_energy", "step_time")
        return tuple(error_line(self.profile, name) for name in names)

    def _times(self) -> tuple[Block, ...]:
        times, events = self.latency, self.events
        layers = [", ".join(sorted({part.population for part in core.slices})) for core in self.placement.cores]
        links = events.busiest_links.mean(axis=0)
        happen = min(events.steps, int(events.chip_steps.max()))  # fewer where all samples stop early
        steps = zip(times.busiest_cores, times.their_times, links, strict=True)
        rows = tuple(
            (step, core, layers[core], f"{time * 1e9:,.0f}", f"{link:,.1f}")
            for step, (core, time, link) in enumerate(steps)
        )[:happen]
        cut = (f"  of {events.steps} steps the first {_STEPS_SHOWN}; --json has them all",)
        busiest = f"  the busiest core holds {layers[times.busiest_core]}"
        return (
            Table(
                ("step", "busiest core", "its layers", "busy at most, ns", "spikes on the busiest link"),
                rows[:_STEPS_SHOWN],
            ),
            *(cut if events.steps > _STEPS_SHOWN else ()),
            *times.blocks(),
            busiest,
        )

    def to_dict(self) -> dict[str, object]:
        """Return every term of every estimate, and the times; energies in joules, times in seconds."""
        return {
            "samples": self.samples,
            "steps": self.steps,
            "profile": self.profile.name,
            "cores": len(self.placement.cores),
            "chips": self.placement.chips,
            "unit": "J per sample",
            "range": list(self.range),
            "estimates": [
                {"title": e.title, "terms": e.as_json()["spiking"], "total": e.total} for e in self.estimates
            ],
            "total_range": None if self.range_with_static_power is None else list(self.range_with_static_power),
            "model_errors": [error_line(self.profile, name) for name in ("dynamic_energy", "total_energy")],
            "latency": self.latency.to_dict(),
            "busiest_links": self.events.busiest_links.mean(axis=0).tolist(),
            "left_out": list(self.estimates[0].left_out),
            **self._more_as_dict(),
        }


def largest_term(estimate: EnergyEstimate) -> tuple[str, float]:
    """Return the kind of event that costs most in `estimate`, all connections together, and its share of the total."""
    sums: dict[str, float] = {}
    for term in estimate.spiking:
        kind = term.operation.partition(",")[0]
        sums[kind] = sums.get(kind, 0.0) + term.energy
    kind = max(sums, key=lambda name: sums[name])
    return kind, sums[kind] / estimate.total if estimate.total > 0 else 0.0


def _largest(estimate: EnergyEstimate) -> str:
    kind, share = largest_term(estimate)
    return f"{kind}, {100 * share:.0f} %"


def _terms(estimate: EnergyEstimate) -> tuple[Block, ...]:
    rows = tuple(
        (
            t.connection,
            t.operation,
            f"{t.count:,.1f}",
            f"{t.unit_cost * 1e12:g}",
            f"{t.energy * 1e9:,.2f}",
            t.confidence,
        )
        for t in estimate.spiking
    )
    titles = ("where", "event", "count a sample", "pJ each", "nJ a sample", "sure?")
    return estimate.title, Table(titles, rows, is_asked_for=True), f"  sum: {estimate.total * 1e9:,.1f} nJ a sample"


def _totals(estimate: EnergyEstimate) -> tuple[str, str, str]:
    total, ann = estimate.total, estimate.equal_ann_total
    return f"{total * 1e9:,.1f}", f"{ann * 1e9:,.1f}", f"{ann / total:.2f}" if total > 0 else "-"


def _row(network: str, term: EnergyTerm) -> tuple[str, ...]:
    count, cost, energy_of_term = f"{term.count:,.1f}", f"{term.unit_cost * 1e12:g}", f"{term.energy * 1e9:,.2f}"
    return network, term.connection, term.operation, count, cost, energy_of_term
