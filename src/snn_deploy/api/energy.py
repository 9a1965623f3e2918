"""energy: estimates of a sample's energy from measured spikes: arithmetic as papers count it, or a chip's events."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn_deploy.api.exits import Exits, policy_for, stopped
from snn_deploy.api.run import RunResult
from snn_deploy.api.sources import Chosen, Data, Network, chip_of, choose, integer_network
from snn_deploy.deploy.energy.arithmetic_estimates import arithmetic_estimates
from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import CoreEvents, core_events, measured_events
from snn_deploy.deploy.energy.exit_costs import ExitCosts, arithmetic_exit_costs, chip_exit_costs
from snn_deploy.deploy.energy.latency import Latency
from snn_deploy.deploy.energy.latency import latency as latency_of
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate, EnergyTerm, require_op_energy
from snn_deploy.deploy.energy.reading import reading_time
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.exits.run_with_exits import run_with_exits
from snn_deploy.deploy.mapping.cores.placement import Placement, read_placement
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.mean_spikes import mean_of_recorded, mean_spikes, recorded_spikes
from snn_deploy.export.chip.check_on_chip import require_on_chip
from snn_deploy.hardware_profiles.model_error import error_line
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_STEPS_SHOWN = 20


@dataclass(frozen=True, repr=False)
class Energy(Result):
    """Estimates of the energy of one sample, in joules, the mean over `samples` of `steps` steps.

    seconds: how long the input of a sample lasts, or None where that was not said. exits: what stopping early saves,
    where samples do: then everything else is up to their exits. None where all take every step.
    """

    profile: HardwareProfile
    estimates: tuple[EnergyEstimate, ...]
    samples: int
    steps: int
    seconds: float | None
    exits: ExitCosts | None

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

    def headline(self) -> str:
        """Return the range."""
        least, most = (f"{e * 1e9:,.1f}" for e in self.range)
        return f"{least} to {most} nJ a sample with {self.profile.name}"

    def _measured_on(self) -> str:
        steps = f"{self.steps} steps each" if self.exits is None else self.exits.spread.of_all(self.steps)
        return f"mean of {self.samples} samples, {steps}"

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

    def blocks(self) -> tuple[Block, ...]:
        """Return the papers' estimate term by term with its sources, then the total of every estimate."""
        paper = self.paper
        rows = [_row("spiking", t) for t in paper.spiking] + [_row("equal ANN", t) for t in paper.equal_ann]
        total, ann = paper.total, paper.equal_ann_total
        ratio = f", {ann / total:.1f} times as much" if total > 0 else ""
        least, most = (f"{e * 1e9:.1f}" for e in self.range)
        terms = (*paper.spiking, *paper.equal_ann)
        return (
            paper.title,
            f"{self._measured_on()}; profile {paper.profile}",
            Table(("network", "connection", "operation", "count a sample", "pJ each", "nJ a sample"), tuple(rows)),
            f"estimate: {total * 1e9:.1f} nJ a sample; the equal ANN {ann * 1e9:.1f} nJ{ratio}",
            *(
                f"  {cost * 1e12:g} pJ: {source} ({confidence})"
                for cost, source, confidence in sorted({(t.unit_cost, t.source, t.confidence) for t in terms})
            ),
            f"  left out: {'; '.join(paper.left_out)}",
            Table(
                ("estimate", "spiking, nJ a sample", "equal ANN, nJ a sample", "ANN / spiking"),
                tuple((e.title.removeprefix("Energy estimate: "), *_totals(e)) for e in self.estimates),
            ),
            f"range: {least} to {most} nJ a sample; --json has every term of every estimate.",
            "None is a measurement of a chip. With memory, unit costs are interpolated: assumptions of the profile.",
            *self._of_a_second(),
            *self._with_exits(),
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

    def blocks(self) -> tuple[Block, ...]:
        """Return every estimate term by term, the range, the time, the sources and what is left out."""
        cores = counted(len(self.placement.cores), "core")
        allocated = int(self.events.compartments.sum())
        least, most = (f"{e * 1e9:,.1f}" for e in self.range)
        tables = [block for e in self.estimates for block in _terms(e)]
        sources = sorted({(t.source, t.confidence) for e in self.estimates for t in e.spiking})
        graded = "  pixels: each value that is not 0 counts as one spike in every step"
        return (
            f"{cores} on {counted(self.placement.chips, 'chip')} of {self.profile.title}",
            f"{self._measured_on()}; {allocated} compartments allocated",
            *tables,
            f"energy: {least} to {most} nJ a sample, static power apart",
            f"  {error_line(self.profile, 'dynamic_energy')}",
            *self._with_static_power(),
            *self._times(),
            *(f"  {source} ({confidence})" for source, confidence in sources),
            f"  left out: {'; '.join(self.estimates[0].left_out)}",
            *((graded,) if self.input_values > 1 else ()),
            *self._of_a_second(),
            *self._with_exits(),
        )

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
            return ()
        least, most = (f"{e * 1e9:,.1f}" for e in total)
        return (
            f"total: {least} to {most} nJ a sample, with the static power of the chips while it runs",
            f"  {error_line(self.profile, 'total_energy')}",
        )

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


def energy(
    network: Network,
    inputs: Data | RunResult = None,
    *,
    profile: str = "cmos45",
    samples: int = 0,
    placement: Placement | str | Path | None = None,
    seconds: float | None = None,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> Energy:
    """Return estimates of the energy of one sample of `network`: an ArithmeticEnergy, or a ChipEnergy of a chip.

    Parameters
    ----------
    network
        An exported network, its file or its folder.
    inputs, samples
        What spikes are measured on, as of `run`; or the result of a run (for a chip, one with record=True).
    profile
        "cmos45": arithmetic as the papers count it, in 8-bit integers, and with memory, beside the equal ANN. A chip,
        such as "loihi2": events on its cores and links, and the time of a sample. A name, or a TOML file.
    placement
        Where the chip's cores lie; None is the placement that `place` makes for these spikes.
    seconds
        How long the input of a sample lasts: gives the energy of a second of input as well.
    exits
        Let each sample stop as this policy, or its file, says (see sd.exits): everything is up to the exits, with what
        reading the output in every step takes, beside the same samples in all their steps.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a network that does not fit the chip, a placement of another network, inputs that it does not take.

    Notes
    -----
    Every term is a count times a unit cost, in joules, with the source of the cost. No estimate is a measurement.
    """
    whole, found = integer_network(network), load_profile(profile)
    if found.kind == "neurocore":
        return chip_energy(whole, inputs, found, placement, samples=samples, seconds=seconds, exits=exits, watch=watch)
    if placement is not None:
        raise UserError(f"--placement {placement}; allowed with the profile of a chip, such as --profile loihi2.")
    require_op_energy(found)
    policy = _policy(whole, inputs, exits)
    if isinstance(inputs, RunResult):
        steps = inputs.exit_steps
        estimates = arithmetic_estimates(whole, inputs.simulation, found, steps)
        taken = None if steps is None else ExitCosts(whole.steps, steps)
        return ArithmeticEnergy(found, estimates, len(inputs.outputs), whole.steps, seconds, taken)
    chosen = choose(whole, inputs, samples)
    with watch.progress("spikes", chosen.count) as advance:
        simulation = load_backend("cpu").run(whole, chosen.shown, progress=advance)
    estimates = arithmetic_estimates(whole, simulation, found)
    if policy is None:
        return ArithmeticEnergy(found, estimates, chosen.count, whole.steps, seconds, None)
    _, measures = stopped(whole, chosen, policy, watch)
    with watch.progress("spikes up to the exits", chosen.count) as advance:
        early = run_with_exits(whole, chosen.shown, policy, load_backend("cpu"), advance)
    up_to_exits = arithmetic_estimates(whole, early.simulation, found, early.steps)
    costs = arithmetic_exit_costs(whole, early.steps, estimates, up_to_exits, measures)
    return ArithmeticEnergy(found, up_to_exits, chosen.count, whole.steps, seconds, costs)


def latency(
    network: Network,
    inputs: Data | RunResult = None,
    *,
    chip: str | None = None,
    samples: int = 0,
    placement: Placement | str | Path | None = None,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> Latency:
    """Return how long one sample of `network` takes on `chip`, in seconds; see `energy` for the parameters.

    With exits, up to them, and with an embedded processor that reads the output in every step.

    chip: a hardware profile; None is the one that the network was exported for.
    """
    whole = integer_network(network)
    found = chip_energy(whole, inputs, chip_of(whole, chip), placement, samples=samples, exits=exits, watch=watch)
    return found.latency


def chip_energy(
    network: IntegerNetwork,
    inputs: Data | RunResult,
    chip: HardwareProfile,
    placement: Placement | str | Path | None = None,
    *,
    samples: int = 0,
    seconds: float | None = None,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> ChipEnergy:
    """Return what a sample costs on `chip`; see `energy` for the parameters."""
    policy = _policy(network, inputs, exits)
    chosen = None if isinstance(inputs, RunResult) else choose(network, inputs, samples)
    if placement is not None:
        found = _of_this(network, chip, placement)
    else:
        found = _placed(network, chip, _mean_spikes(network, inputs, chosen, watch))
    costs, reading = None, 0.0
    if isinstance(inputs, RunResult):
        count, events = len(inputs.outputs), core_events(network, found, [recorded_spikes(inputs.simulation)], chip)
    else:
        assert chosen is not None
        count = chosen.count
        with watch.progress("events", count) as advance:
            events = measured_events(network, found, chosen.shown, chip, advance)
        if policy is not None:
            steps, measures = stopped(network, chosen, policy, watch)
            with watch.progress("events up to the exits", count) as advance:
                early = measured_events(network, found, chosen.shown, chip, advance, steps)
            costs = chip_exit_costs(network, events, early, measures, chip)
            events, reading = early, reading_time("embedded processor", math.prod(network.output.shape), chip)
    return ChipEnergy(
        chip,
        event_energy(network, events, chip),
        count,
        network.steps,
        seconds,
        costs,
        found,
        events,
        latency_of(events, chip, reading),
        network.input.largest_value,
    )


def _policy(network: IntegerNetwork, inputs: Data | RunResult, exits: Exits) -> ExitPolicy | None:
    """Return the policy `exits` for `network`; one for a run that is done is a UserError."""
    if exits is None:
        return None
    if isinstance(inputs, RunResult):
        raise UserError("exits: go with inputs, not with a run that is done. Give the inputs, or a run with exits.")
    return policy_for(network, exits)


def _mean_spikes(
    network: IntegerNetwork, inputs: Data | RunResult, chosen: Chosen | None, watch: Watch
) -> dict[str, np.ndarray]:
    if isinstance(inputs, RunResult):
        return mean_of_recorded(inputs.simulation)
    assert chosen is not None
    with watch.progress("spikes", chosen.count) as advance:
        return mean_spikes(network, chosen.shown, advance)


def _placed(network: IntegerNetwork, chip: HardwareProfile, spikes: dict[str, np.ndarray]) -> Placement:
    """Return the placement that `place` makes for these spikes."""
    require_on_chip(network, chip)
    parts = partition(network, chip)
    if parts.violations:
        raise UserError(
            f"energy on {chip.name}: the network does not fit ({parts.violations[0]}). "
            f"Call snn-deploy map --profile {chip.name} for all of it and for what would fit."
        )
    return place(network, chip, spikes, parts=parts).placement


def _of_this(network: IntegerNetwork, chip: HardwareProfile, placement: Placement | str | Path) -> Placement:
    found = placement if isinstance(placement, Placement) else read_placement(Path(placement))
    if found.network_digest != network.digest or found.profile != chip.name:
        where = "placement" if isinstance(placement, Placement) else placement
        raise UserError(
            f"{where}: is for another network or chip ({found.profile}). Make one with snn-deploy map --out, "
            f"--profile {chip.name}, from this network."
        )
    return found


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
    return estimate.title, Table(titles, rows), f"  sum: {estimate.total * 1e9:,.1f} nJ a sample"


def _totals(estimate: EnergyEstimate) -> tuple[str, str, str]:
    total, ann = estimate.total, estimate.equal_ann_total
    return f"{total * 1e9:,.1f}", f"{ann * 1e9:,.1f}", f"{ann / total:.2f}" if total > 0 else "-"


def _row(network: str, term: EnergyTerm) -> tuple[str, ...]:
    count, cost, energy_of_term = f"{term.count:,.1f}", f"{term.unit_cost * 1e12:g}", f"{term.energy * 1e9:,.2f}"
    return network, term.connection, term.operation, count, cost, energy_of_term
