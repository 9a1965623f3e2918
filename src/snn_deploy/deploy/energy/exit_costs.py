"""exit_costs: what samples cost that stop early, beside the same samples in all their steps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import CoreEvents
from snn_deploy.deploy.energy.latency import Range, latency, span
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate
from snn_deploy.deploy.energy.reading import READERS, assumption, can_read, reading_time
from snn_deploy.deploy.exits.exit_measures import ExitMeasures
from snn_deploy.deploy.exits.step_spread import StepSpread
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.result import Block, Table

Spread = tuple[Range, Range, Range]
"""Mean, median and 99th percentile over samples, each (least, most) of the estimates."""


@dataclass(frozen=True)
class ExitCost:
    """What a sample takes. energy: in joules, static power apart. time: in seconds, or None where none is estimated.

    total: the mean energy with the static power of the chips, or None where that is not published.
    """

    energy: Spread
    time: Spread | None = None
    total: Range | None = None


@dataclass(frozen=True)
class Compared:
    """The same samples in all their steps and up to their exits. reader: who reads the output, "" where nobody does.

    The output is read once at the end, or in every step up to the exit.
    """

    reader: str
    whole: ExitCost
    stopped: ExitCost

    @property
    def energy_saved(self) -> float:
        """How many times less energy a sample takes with exits, by the highest estimate of the mean."""
        return self.whole.energy[0][1] / self.stopped.energy[0][1]

    @property
    def time_saved(self) -> float | None:
        """How many times less time, likewise; None where no time is estimated."""
        if self.whole.time is None or self.stopped.time is None:
            return None
        return self.whole.time[0][1] / self.stopped.time[0][1]


@dataclass(frozen=True)
class ExitCosts:
    """What samples cost that stop early. network_steps: that they would take.

    steps: (samples,), that each took. measures: accuracy and steps, or None for samples without labels. compared: one
    for each way to read the output; empty where the samples did not run in all their steps. notes: what it rests on,
    one line each.
    """

    network_steps: int
    steps: np.ndarray
    measures: ExitMeasures | None = None
    compared: tuple[Compared, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def spread(self) -> StepSpread:
        """Mean, median and 99th percentile of the steps."""
        return StepSpread.of(self.steps)

    def lines(self) -> tuple[str, ...]:
        """Return steps and accuracy."""
        measured = () if self.measures is None else (f"  {self.measures}",)
        return (f"with exits: {self.spread.of_all(self.network_steps)}", *measured)

    def blocks(self) -> tuple[Block, ...]:
        """Return accuracy and steps, energy and time with and without exits as a table, and what it rests on."""
        if not self.compared:
            return ()
        three, cost = ("mean", "median", "99th percentile"), self.compared[0].whole
        titles = (
            "",
            *(f"nJ a sample, {t}" for t in three),
            *(("nJ with static power, mean",) if cost.total else ()),
            *(f"us, {t}" for t in three if cost.time),
        )
        rows = [(title, *_cells(cost)) for c in self.compared for title, cost in _titled(c, self.network_steps)]
        return (
            *self.lines(),
            Table(titles, tuple(rows)),
            *(f"  {_saved(c)}" for c in self.compared),
            *(f"  {note}" for note in self.notes),
        )

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain numbers; energies in joules, times in seconds."""
        return {
            "steps": {"mean": self.spread.mean, "median": self.spread.median, "p99": self.spread.p99},
            "measures": None if self.measures is None else self.measures.to_dict(),
            "compared": [
                {"reader": c.reader, "all_steps": _plain(c.whole), "to_the_exits": _plain(c.stopped)}
                for c in self.compared
            ],
            "notes": list(self.notes),
        }


def chip_exit_costs(
    network: IntegerNetwork,
    whole: CoreEvents,
    stopped: CoreEvents,
    measures: ExitMeasures | None,
    profile: HardwareProfile,
) -> ExitCosts:
    """Return what the samples of `stopped` cost on a chip beside the same ones in all their steps, `whole`."""
    assert stopped.exits is not None
    once = replace(whole, reads=np.ones(whole.samples, np.int64))
    outputs = int(np.prod(network.output.shape))
    readers = tuple(reader for reader in READERS if can_read(reader, profile))
    compared = []
    for reader in readers:
        reading = reading_time(reader, outputs, profile)
        costs = []
        for events in (once, stopped):
            times = latency(events, profile, reading)
            spread = (times.sample, times.sample_median, times.sample_p99)
            energy, static = energy_spread(event_energy(network, events, profile, reader=reader)), times.static_energy
            total = None if static is None else (energy[0][0] + static[0], energy[0][1] + static[1])
            costs.append(ExitCost(energy, spread, total))
        compared.append(Compared(reader, *costs))
    lag = whole.depth - 1
    stream, alone = latency(whole, profile).streamed, latency(stopped, profile).alone
    return ExitCosts(
        whole.steps,
        stopped.exits,
        measures,
        tuple(compared),
        (
            f"the output of a step is known {lag} steps of the chip after the first layer's; what earlier layers do "
            "meanwhile is counted",
            f"samples that stop early are no pipeline of layers: {span(alone, 1)} samples a second, reading apart, "
            f"beside {span(stream, 1)} in all their steps",
            *(assumption(reader, profile) for reader in readers),
        ),
    )


def arithmetic_exit_costs(
    network: IntegerNetwork,
    steps: np.ndarray,
    whole: Sequence[EnergyEstimate],
    stopped: Sequence[EnergyEstimate],
    measures: ExitMeasures | None,
) -> ExitCosts:
    """Return what samples that stop in `steps` cost in arithmetic, where all layers do the same steps."""
    compared = Compared("", ExitCost(energy_spread(whole)), ExitCost(energy_spread(stopped)))
    return ExitCosts(network.steps, steps, measures, (compared,))


def energy_spread(estimates: Sequence[EnergyEstimate]) -> Spread:
    """Return mean, median and 99th percentile over the samples, each of the lowest and the highest estimate."""
    found = [e.of_samples for e in estimates]
    mean, median, p99 = (
        [float(statistic(joules)) for joules in found]
        for statistic in (np.mean, np.median, lambda joules: np.percentile(joules, 99))
    )
    return (min(mean), max(mean)), (min(median), max(median)), (min(p99), max(p99))


def _titled(c: Compared, steps: int) -> tuple[tuple[str, ExitCost], ...]:
    reader = f", {c.reader}" if c.reader else ""
    return (f"all {steps} steps{reader}", c.whole), (f"to the exits{reader}", c.stopped)


def _cells(cost: ExitCost) -> tuple[str, ...]:
    total = () if cost.total is None else (span(cost.total, 1e-9),)
    return (*(span(pair, 1e-9) for pair in cost.energy), *total, *(span(pair, 1e-6) for pair in cost.time or ()))


def _saved(c: Compared) -> str:
    reader = f"read by the {c.reader}: " if c.reader else ""
    time = "" if c.time_saved is None else f", in {times_less(c.time_saved)} time"
    return f"{reader}{times_less(c.energy_saved)} energy{time} (means, highest estimates)"


def times_less(factor: float) -> str:
    """Return by which factor something is less, or more, for people."""
    return f"{factor:.2f} times less" if factor >= 1 else f"{1 / factor:.2f} times more"


def _plain(cost: ExitCost) -> dict[str, object]:
    names = ("mean", "median", "p99")
    return {
        "energy": {name: list(pair) for name, pair in zip(names, cost.energy, strict=True)},
        "total": None if cost.total is None else list(cost.total),
        "time": None if cost.time is None else {n: list(pair) for n, pair in zip(names, cost.time, strict=True)},
    }
