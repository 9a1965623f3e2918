"""What `snn-deploy energy` prints for a chip: events on cores and links, energy as a range, time of a sample."""

from pathlib import Path
from typing import Any

from snn_deploy.cli.inputs import require_fit, test_samples
from snn_deploy.cli.output import Output
from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import CoreEvents, core_events
from snn_deploy.deploy.energy.latency import Latency, latency
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate
from snn_deploy.deploy.mapping.cores.placement import Placement, read_placement
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.placing.core_traffic import core_traffic
from snn_deploy.deploy.mapping.placing.place_by_traffic import place_by_traffic
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

_STEPS_SHOWN = 20


def chip_energy(
    output: Output,
    network: IntegerNetwork,
    chip: HardwareProfile,
    data: str | None,
    samples: int,
    placement: Path | None,
) -> dict[str, Any]:
    """Measure spikes, place the network where no placement is given, estimate and print; return what --json prints."""
    chosen = test_samples(network.provenance, data, samples)
    require_fit(network, chosen)
    with output.progress("spikes", len(chosen.labels)) as advance:
        spikes = mean_spikes(network, chosen.shown, advance)
    found = _placed(network, chip, spikes) if placement is None else _read(network, chip, placement)
    events = core_events(network, found, spikes, chip)
    estimates, times = event_energy(network, events, chip), latency(events, chip)
    output.say(f"{len(found.cores)} cores on {found.chips} chips of {chip.title}")
    allocated = int(events.compartments.sum())
    output.say(f"mean of {len(chosen.labels)} samples, {network.steps} steps each; {allocated} compartments allocated")
    for e in estimates:
        output.say(e.title)
        output.table(
            ["where", "event", "count a sample", "pJ each", "nJ a sample", "sure?"],
            [
                (
                    t.connection,
                    t.operation,
                    f"{t.count:,.1f}",
                    f"{t.unit_cost * 1e12:g}",
                    f"{t.energy * 1e9:,.2f}",
                    t.confidence,
                )
                for t in e.spiking
            ],
        )
        output.say(f"  sum: {e.total * 1e9:,.1f} nJ a sample")
    least, most = (f(e.total for e in estimates) for f in (min, max))
    output.say(f"energy: {least * 1e9:,.1f} to {most * 1e9:,.1f} nJ a sample, static power apart")
    _say_times(output, events, times, found)
    for source, confidence in sorted({(t.source, t.confidence) for e in estimates for t in e.spiking}):
        output.say(f"  {source} ({confidence})")
    output.say(f"  left out: {'; '.join(estimates[0].left_out)}")
    if network.input.largest_value > 1:
        output.say("  pixels: each value that is not 0 counts as one spike in every step; Loihi 1 has no graded spikes")
    return {
        "samples": len(chosen.labels),
        "steps": network.steps,
        "profile": chip.name,
        "cores": len(found.cores),
        "chips": found.chips,
        "unit": "J per sample",
        "range": [least, most],
        "estimates": [_as_json(e) for e in estimates],
        "latency": times.as_json(),
        "busiest_links": events.busiest_links.tolist(),
        "left_out": list(estimates[0].left_out),
    }


def _placed(network: IntegerNetwork, chip: HardwareProfile, spikes: dict[str, Any]) -> Placement:
    """Return the placement that `snn-deploy map --samples` makes."""
    found = partition(network, chip)
    if found.violations:
        raise UserError(
            f"energy on {chip.name}: the network does not fit ({found.violations[0]}). "
            f"Call snn-deploy map --profile {chip.name} for all of it and for what would fit."
        )
    sums = {p.name: spikes[p.name].sum(axis=0) for p in network.populations}
    return place_by_traffic(place_on_mesh(network, found, chip), core_traffic(network, found.cores, sums), chip, 0)


def _read(network: IntegerNetwork, chip: HardwareProfile, path: Path) -> Placement:
    found = read_placement(path)
    if found.network_digest != network.digest or found.profile != chip.name:
        raise UserError(
            f"{path}: is for another network or chip ({found.profile}). Make one with snn-deploy map --out, "
            f"--profile {chip.name}, from this network."
        )
    return found


def _say_times(output: Output, events: CoreEvents, times: Latency, placement: Placement) -> None:
    layers = [", ".join(sorted({part.population for part in core.slices})) for core in placement.cores]
    output.table(
        ["step", "busiest core", "its layers", "busy at most, ns", "spikes on the busiest link"],
        [
            (step, core, layers[core], f"{time * 1e9:,.0f}", f"{link:,.1f}")
            for step, (core, time, link) in enumerate(
                zip(times.busiest_cores, times.their_times, events.busiest_links, strict=True)
            )
        ][:_STEPS_SHOWN],
    )
    if events.steps > _STEPS_SHOWN:
        output.say(f"  of {events.steps} steps the first {_STEPS_SHOWN}; --json has them all")
    output.say(f"time: {_span(times.sample, 1e-6)} us a sample, {_span(times.step, 1e-9)} ns a step")
    alone, streamed = _span(times.alone, 1), _span(times.streamed, 1)
    output.say(f"  samples a second: {alone} one after another, {streamed} in a pipeline of layers")
    output.say(
        f"  busiest core: {times.busiest_core} ({layers[times.busiest_core]}) with {100 * times.busiest_share:.1f} % "
        f"of all cores' time; barrier {_span(times.barrier, 1e-9)} ns a step"
    )
    if times.static_energy is None:
        output.say("  static power: not published for this chip alone")
    else:
        output.say(f"  static power of the chips meanwhile: {_span(times.static_energy, 1e-9)} nJ a sample")


def _span(pair: tuple[float, float], unit: float) -> str:
    return " to ".join(f"{value / unit:,.4g}" if value / unit < 1e4 else f"{value / unit:,.0f}" for value in pair)


def _as_json(estimate: EnergyEstimate) -> dict[str, Any]:
    found = estimate.as_json()
    return {"title": found["title"], "terms": found["spiking"], "total": found["total"]}
