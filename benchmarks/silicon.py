"""What was measured on chips, beside what snn-deploy estimates for the same networks; writes docs/silicon.md.

    python benchmarks/silicon.py [--data ../shared/silicon] [--page docs/silicon.md]

The published figures stand in silicon_measured.toml. The networks are rebuilt from files that are not in the
repository: pilotnet_lif (lava-dl's network and its traces) in the folder of --data, and the DVS network in the wheel
sanafe (dependency group "silicon"). A row whose files are missing says so, and then the page is not written.
"""

import argparse
import importlib.util
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from silicon_networks import FRAME, Agreement, agreement, dvs_gesture, frame, pilotnet

from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import measured_events
from snn_deploy.deploy.energy.latency import latency
from snn_deploy.deploy.mapping.cutting.partition import Partition, partition, require_fit
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.fan_out import fan_out
from snn_deploy.network.integer_network import IntegerNetwork

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "silicon"
CHIP = load_profile("loihi2")
_REGISTER = CHIP.whole("core.synapse_memory_word_bits") // 8  # bytes
_QUANTITIES = {  # of a comparison -> its name in the profile's [silicon]
    "time of a step": "step_time",
    "the same, second hand": "step_time_second_hand",
    "dynamic energy": "dynamic_energy",
    "total energy": "total_energy",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """One quantity of one network. measured is None where only the estimate is there; least, most: the estimate."""

    network: str
    quantity: str
    unit: str
    measured: float | None
    least: float
    most: float
    note: str = ""

    @property
    def errors(self) -> tuple[float, float] | None:
        """How far the ends of the estimate are from the measurement, 1 is all of it; None without a measurement."""
        if self.measured is None:
            return None
        return self.least / self.measured - 1, self.most / self.measured - 1


@dataclass(frozen=True)
class LeftOut:
    """The most neurons of a core as all layers but one tell it, and the cores that this gives the one.

    least, most: the largest piece of the others, and one less than the smallest that they were cut to avoid.
    """

    layer: str
    least: int
    most: int
    with_least: int
    with_most: int
    measured: int


@dataclass(frozen=True)
class PilotNet:
    """What was found with PilotNet LIF. whole: its blocks, with the frame on the chip."""

    agreements: tuple[Agreement, ...]
    comparisons: tuple[Comparison, ...]
    whole: Partition
    left_out: tuple[LeftOut, ...]


def main() -> None:
    """Compare, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with pilotnet_lif")
    parser.add_argument("--page", type=Path, default=HERE.parent / "docs" / "silicon.md")
    chosen = parser.parse_args()
    folder = chosen.data / "pilotnet_lif"
    if not folder.is_dir():
        print(f"PilotNet LIF: skipped, {folder} is not there; {chosen.page} is not written.")
        return
    file = dvs_file()
    if file is None:
        print(f"DVS gesture: skipped, the package sanafe is not installed; {chosen.page} is not written.")
        return
    page = "\n".join(lines(measured_rows(), pilotnet_found(folder), dvs_found(file)))
    print(page)
    chosen.page.write_text(page + "\n", encoding="utf-8")


def measured_rows() -> dict[str, Any]:
    """Return what silicon_measured.toml holds: the rows and the pieces of PilotNet."""
    return tomllib.loads((HERE / "silicon_measured.toml").read_text(encoding="utf-8"))


def row_of(name: str) -> Row:
    """Return the measured row of the network that `rebuilt` calls `name`."""
    found: Row = next(row for row in measured_rows()["row"] if row.get("rebuilt") == name)
    return found


def pilotnet_found(folder: Path) -> PilotNet:
    """Return everything about PilotNet LIF, whose files lie in `folder`."""
    row, sigma_delta = row_of("pilotnet_lif"), row_of("pilotnet_sdnn_shapes")
    network, held = (pilotnet(folder / "network.net", frame_on_chip=on_chip) for on_chip in (False, True))
    agreements = tuple(agreement(network, folder / "traces.npz"))
    shown = frame(folder / "traces.npz")
    placed = place(held, CHIP, mean_spikes(held, shown))
    held_on = sum(part.population == FRAME for core in placed.partition.cores for part in core)
    without_frame = partition(network, CHIP)
    require_fit(without_frame)
    events = measured_events(held, placed.placement, shown, CHIP)
    estimates = event_energy(held, events, CHIP, alone=False)
    # The synapses through which our frame gets to its neurons do not exist on the chip.
    energies = [sum(term.energy for term in e.spiking if term.connection != "hold") * 1e3 for e in estimates]
    times = latency(events, CHIP)
    assert times.step_second_hand is not None  # loihi2 has these constants
    # As if no spike crossed the busiest link while the cores are at work.
    after = times.step_second_hand + float(events.busiest_links.mean()) * CHIP.number("latency.hop_north_south")
    power = CHIP.number("power.static_chip") * 1e3
    static = [power * network.steps * step for step in times.step]
    comparisons = (
        _compared(row, "cores", "", row["cores"], [len(placed.placement.cores)], f"{held_on} hold the frame"),
        _compared(sigma_delta, "cores", "", sigma_delta["cores"], [len(without_frame.cores)], "the LIF weights"),
        _compared(row, "time of a step", "us", row["step_us"], [t * 1e6 for t in times.step]),
        _compared(row, "the same, second hand", "us", row["step_us"], [times.step_second_hand * 1e6]),
        _compared(row, "the same, second hand, links after cores", "us", row["step_us"], [after * 1e6]),
        *(
            _compared(row, "dynamic energy", "mJ", row["dynamic_mJ"], [energy], e.title.removeprefix("Event model: "))
            for energy, e in zip(energies, estimates, strict=True)
        ),
        _compared(row, "total energy", "mJ", row["total_mJ"], [min(energies) + static[0], max(energies) + static[1]]),
    )
    return PilotNet(agreements, comparisons, placed.partition, tuple(leave_one_out(held)))


def dvs_file() -> Path | None:
    """Return the DVS network's file in the installed wheel sanafe, whose code is not run; None where it is missing."""
    found = importlib.util.find_spec("sanafe")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "examples" / "dvs_challenge.npz"


def dvs_found(file: Path) -> tuple[Comparison, ...]:
    """Return the events and energies of the DVS network beside those of SANA-FE's own run.

    Layer k begins k steps after the first there, so of `steps` steps of the chip it does k fewer.
    """
    row, chip = row_of("dvs_gesture"), load_profile("loihi1")
    network, frame = dvs_gesture(file, row["steps"])
    recorded = load_backend("cpu").run(network, frame, record=True).spikes
    assert recorded is not None
    spikes, operations, neurons = 0, 0, 0
    for lag, p in enumerate(network.populations):
        fired = recorded[p.name][: network.steps - lag, 0].sum(axis=0, dtype=np.int64)
        spikes += int(fired.sum())
        neurons += fired.size
        for c in network.connections:
            if c.source == p.name and c.name.startswith("to-"):
                operations += int((fired * fan_out(c, p.shape)).sum())
    names = ("synaptic_op_dense", "neuron_access", "neuron_update", "spike_out")
    cost = {name: chip.number(f"energy.fitted.{name}") * 1e6 for name in names}
    idle = neurons * network.steps * cost["neuron_access"] + spikes * cost["spike_out"]
    updated = neurons * network.steps * cost["neuron_update"]
    return (
        _compared(row, "spikes", "", row["spikes"], [spikes]),
        _compared(row, "synaptic operations", "", row["synaptic_operations"], [operations]),
        _compared(row, "energy of synapses", "uJ", row["synapse_uJ"], [operations * cost["synaptic_op_dense"]]),
        _compared(row, "energy of neurons", "uJ", row["soma_uJ"], [idle, idle + updated], "none or all updated"),
    )


def leave_one_out(network: IntegerNetwork) -> Iterator[LeftOut]:
    """Yield for each map of PilotNet how many cores the limit of neurons gives it that the other maps tell."""
    pieces = {FRAME if p["layer"] == "input" else p["layer"]: p for p in measured_rows()["piece"] if "columns" in p}
    blocks: dict[int, Counter[str]] = {}
    for layer, piece in pieces.items():
        others = [p for name, p in pieces.items() if name != layer]
        ends = max(p["neurons"] for p in others), min(2 * p["neurons"] for p in others) - 1
        for neurons in ends:
            if neurons not in blocks:
                limit = replace(CHIP.quantity("core.max_neurons"), value=neurons)
                chip = replace(CHIP, quantities={**CHIP.quantities, "core.max_neurons": limit})
                blocks[neurons] = Counter(part.population for core in partition(network, chip).cores for part in core)
        with_least, with_most = (blocks[neurons][layer] for neurons in ends)
        yield LeftOut(piece["layer"], *ends, with_least, with_most, piece["cores"])


def errors(found: PilotNet) -> dict[str, tuple[float, float]]:
    """Return quantity -> (least, most) by which estimates for Loihi 2 are off: the `[silicon]` of its profile, less 1.

    Of the cores: of a whole PilotNet LIF, with the limit of neurons read off all layers but one.
    """
    ends: dict[str, list[float]] = {name: [] for name in _QUANTITIES.values()}
    for c in found.comparisons:
        name = _QUANTITIES.get(c.quantity)
        if name and c.errors:
            ends[name] += c.errors
    all_cores = row_of("pilotnet_lif")["cores"]
    more = [cores - o.measured for o in found.left_out for cores in (o.with_least, o.with_most)]
    return {"cores": (min(more) / all_cores, max(more) / all_cores)} | {
        name: (min(these), max(these)) for name, these in ends.items()
    }


def _compared(
    row: Row, quantity: str, unit: str, measured: float | None, estimates: Sequence[float], note: str = ""
) -> Comparison:
    return Comparison(row["name"], quantity, unit, measured, min(estimates), max(estimates), note)


def lines(measured: dict[str, Any], found: PilotNet, dvs: Sequence[Comparison]) -> Iterator[str]:
    """Yield the lines of docs/silicon.md."""
    compared, differing = sum(a.compared for a in found.agreements), sum(a.differing for a in found.agreements)
    yield "# Held against silicon"
    yield from _paragraph(
        "Networks that others ran and measured on chips, rebuilt from their public weights, run on our simulator, "
        "mapped, and estimated. Nothing here was measured by us on a chip. This page is written by one command:"
    )
    yield from ("", "<!-- test: not run: needs files that are not in the repository -->", "")
    yield from ("```sh", "python benchmarks/silicon.py --data FOLDER", "```", "", "## Measured beside estimated", "")
    columns_of_comparisons = ("network", "quantity", "measured", "estimated", "error", "")
    yield from _table(columns_of_comparisons, [_comparison_row(c) for c in found.comparisons])
    yield from _paragraph(
        "The frame that PilotNet LIF was measured with is not public; ours is the one of its traces. So this is "
        "agreement or disagreement on another frame, no proof. The sigma-delta network's weights are not among the "
        "files; its layers have the shapes of the LIF network's, whose weights stand in. Its frames came from the "
        "host: what was measured of its time and energy is the link's, and is not compared."
    )
    yield from _paragraph(
        "No unit cost was fitted to these rows. Static power, for the total, is that of the sigma-delta network's "
        "measurement. The two sets of constants for time are Intel's published ratios applied to Loihi 1, and "
        "constants known second hand (0.66 ns for a synaptic operation, 4 ns for a neuron, 10 us for the barrier). "
        "Each takes the busiest core or the busiest link, whichever is longer. A third attempt adds the busiest link "
        "to the second. What is missing beyond it is not in what was published: nobody gives the time of a spike's way "
        "into a core on Loihi 2, nor that of a barrier over 74 cores. "
        "Of the energies the first counts no operation for a weight of 0, the second does: which the chip does is not "
        "published."
    )
    yield from _paragraph(
        "The errors of the profile's estimates, which the program prints beside them: "
        + "; ".join(f"{name.replace('_', ' ')} {_errors(ends)}" for name, ends in errors(found).items())
        + ". Those of the cores are what is found when the limit of neurons is read off all layers but one, below."
    )
    yield from ("", "## PilotNet LIF does what its traces say")
    yield from _paragraph(
        f"Of {compared:,} recorded spikes, currents and potentials of {len(found.agreements)} layers, {differing} "
        "differ from those of the network rebuilt from lava-dl's file: plain integer LIF without a current memory. Not "
        "compared is the last neuron, whose traces do not follow from the spikes that its source has in them."
    )
    yield from ("", "## Where the layers lie", "")
    columns = (
        "layer",
        "Intel's compiler: cores",
        "neurons on a core",
        "registers",
        "ours: cores",
        "neurons on a core, at most",
        "registers, mean",
    )
    yield from _table(columns, list(_pieces(measured["piece"], found)))
    yield from _paragraph(
        "The limits of the profile loihi2 were read off this table: the largest piece (neurons), pieces of a power of "
        "two columns, one piece on a core, and 32 bits for each synapse of a dense layer in the 12000 registers that "
        "the compiler's log names. So that the cores agree is no test of them, but for the number of neurons: every "
        "layer can be left out, and the limit be read off the others. Its range is from their largest piece to one "
        "below the smallest that they were cut to avoid. The two networks have the same layers: neither judges the "
        "other. The rule for dense layers was read off one layer, fc-0, and nothing judges it."
    )
    yield ""
    columns = ("layer left out", "neurons on a core, by the others", "cores of the layer then", "Intel's compiler")
    yield from _table(
        columns,
        [(o.layer, f"{o.least} to {o.most}", _ends(o.with_least, o.with_most), o.measured) for o in found.left_out],
    )
    yield from ("", "## A simulator as a second judge", "")
    yield from _table(columns_of_comparisons, [_comparison_row(c) for c in dvs])
    yield from _paragraph(
        "SANA-FE simulates Loihi 1 with costs fitted on boards; its wheel brings a network that classifies gestures. "
        "Its unit costs are those of our third estimate for Loihi 1. It takes the dense cost for all synapses here, "
        "and updates only neurons that have something to do, which our estimate does not know: it updates all. Its "
        "cores, hops and messages are not compared: its weights need more than 8 bits, so that here each layer has two "
        "connections, and a mapping of those is not one of its network."
    )
    yield from _paragraph(
        "Three networks of ours, on our placement, run in its simulator: a test builds them there synapse by synapse. "
        "The synaptic operations of every core, all spikes, messages and hops are equal, and with the same unit costs "
        "the energies of synapses and of the network. Two differences were found and are in the test: where two blocks "
        "of a layer share a core, each has its own input axon here, and SANA-FE sends one message to both; and it "
        "updates only neurons that have something to do."
    )
    yield from ("", "## Published, not rebuilt", "")
    columns = ("network", "chip", "cores", "time", "dynamic, mJ", "total, mJ", "source", "why not rebuilt")
    yield from _table(columns, [_published_row(row) for row in measured["row"] if "why_not" in row])


def _paragraph(text: str) -> tuple[str, ...]:
    return "", *textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def _pieces(pieces: Sequence[Row], found: PilotNet) -> Iterator[tuple[object, ...]]:
    cores, neurons, registers = Counter[str](), Counter[str](), Counter[str]()
    for (part,), use in zip(found.whole.cores, found.whole.uses, strict=True):
        cores[part.population] += 1
        neurons[part.population] = max(neurons[part.population], part.neurons)
        registers[part.population] += use["synapse bytes"] // _REGISTER
    for piece in pieces:
        name = FRAME if piece["layer"] == "input" else piece["layer"]
        mean = f"{registers[name] / cores[name]:.0f}"
        yield piece["layer"], piece["cores"], piece["neurons"], piece["registers"], cores[name], neurons[name], mean
    yield "all", sum(piece["cores"] for piece in pieces), "", "", len(found.whole.cores), "", ""


def _comparison_row(c: Comparison) -> tuple[str, ...]:
    measured = "" if c.measured is None else _span(c.measured, c.measured, c.unit)
    return c.network, c.quantity, measured, _span(c.least, c.most, c.unit), _errors(c.errors), c.note


def _span(least: float, most: float, unit: str) -> str:
    ends = [f"{value:,.4g}" if unit else f"{value:,.0f}" for value in (least, most)]  # counts have no unit
    return f"{ends[0] if ends[0] == ends[1] else ' to '.join(ends)} {unit}".strip()


def _ends(first: int, second: int) -> str:
    return str(first) if first == second else f"{first} to {second}"


def _errors(errors: tuple[float, float] | None) -> str:
    if errors is None:
        return ""
    ends = [f"{100 * error:+.1f} %" for error in errors]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _published_row(row: Row) -> tuple[object, ...]:
    time = f"{row['sample_ms']:g} ms a sample" if "sample_ms" in row else ""
    time = f"{row['step_us']:g} us a step" if "step_us" in row else time
    source = f"{row['source']} ({row['read']})"
    return (
        row["name"],
        row["chip"],
        row.get("cores", ""),
        time,
        row.get("dynamic_mJ", ""),
        row.get("total_mJ", ""),
        source,
        "; ".join(text for text in (row["why_not"], row.get("note", "")) if text),
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


if __name__ == "__main__":
    main()
