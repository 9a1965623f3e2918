"""snn-deploy energy: an estimate of the energy per sample, from spikes measured on the data set."""

from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.inputs import DATA_HELP, read_network, require_fit, test_samples
from snn_deploy.cli.output import Output, verb
from snn_deploy.deploy.energy.memory_estimates import integer_estimates
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate, EnergyTerm, estimate_energy, require_op_energy
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError


@click.command("energy")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--profile", default="cmos45", show_default=True, help="Hardware profile: a name, or a TOML file.")
@click.option("--data", help=DATA_HELP)
@click.option("--samples", default=0, show_default=True, help="How many test samples to measure on; 0 is all.")
@click.option("--placement", type=click.Path(path_type=Path), help="Of a chip's cores: a file that map --out wrote.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="How long the input of a sample lasts.")
@verb
def command(
    output: Output,
    network: Path,
    profile: str,
    data: str | None,
    samples: int,
    placement: Path | None,
    seconds: float | None,
) -> None:
    """Estimate the energy of one sample of NETWORK from spikes measured on the data set.

    With cmos45: arithmetic as the papers count it, in integers, and with memory, beside the equal ANN. With a chip,
    such as loihi1: events on its cores and links, and the time of a sample. Every term is a count times a unit cost
    with its source. --seconds 0.3 prints the energy of a second of input as well.
    Example: snn-deploy energy runs/digits-seed0/loihi --profile loihi1
    """
    chip, whole = load_profile(profile), read_network(network)
    if chip.kind == "neurocore":
        from snn_deploy.cli.verbs.chip_energy import chip_energy  # noqa: PLC0415 - scipy and numba are slow to import

        found = chip_energy(output, whole, chip, data, samples, placement)
        output.result(found | _of_a_second(output, found["range"], seconds))
        return
    if placement is not None:
        raise UserError(f"--placement {placement}; allowed with the profile of a chip, such as --profile loihi1.")
    found = energy_with_output(output, whole, profile, data, samples)
    output.result(found | _of_a_second(output, found["range"], seconds))


def _of_a_second(output: Output, energies: list[float], seconds: float | None) -> dict[str, Any]:
    """Return the range of joules a second of input, after saying it; nothing where no duration was given."""
    if seconds is None:
        return {}
    least, most = (energy / seconds for energy in energies)
    output.say(f"a second of input, samples of {seconds:g} s: {least * 1e6:,.4g} to {most * 1e6:,.4g} uJ")
    return {"seconds": seconds, "range_per_second": [least, most]}


def energy_with_output(
    output: Output, network: IntegerNetwork, profile: str, data: str | None, samples: int
) -> dict[str, Any]:
    """Measure, estimate and print; return what --json prints."""
    costs = load_profile(profile)
    require_op_energy(costs)
    chosen = test_samples(network.provenance, data, samples)
    require_fit(network, chosen)
    with output.progress("spikes", len(chosen.labels)) as advance:
        simulation = load_backend("cpu").run(network, chosen.shown, progress=advance)
    estimate = estimate_energy(network, simulation.synaptic_operations, costs)
    output.say(estimate.title)
    output.say(f"mean of {len(chosen.labels)} samples, {network.steps} steps each; profile {estimate.profile}")
    rows = [_row("spiking", t) for t in estimate.spiking] + [_row("equal ANN", t) for t in estimate.equal_ann]
    output.table(["network", "connection", "operation", "count a sample", "pJ each", "nJ a sample"], rows)
    total, ann = estimate.total, estimate.equal_ann_total
    ratio = f", {ann / total:.1f} times as much" if total > 0 else ""
    output.say(f"estimate: {total * 1e9:.1f} nJ a sample; the equal ANN {ann * 1e9:.1f} nJ{ratio}")
    _say_sources(output, estimate)
    others = integer_estimates(network, simulation.synaptic_operations, simulation.spike_counts, costs)
    everything = (estimate, *others)
    output.table(
        ["estimate", "spiking, nJ a sample", "equal ANN, nJ a sample", "ANN / spiking"],
        [(e.title.removeprefix("Energy estimate: "), *_totals(e)) for e in everything],
    )
    least, most = (f(e.total for e in everything) for f in (min, max))
    output.say(f"range: {least * 1e9:.1f} to {most * 1e9:.1f} nJ a sample; --json has every term of every estimate.")
    output.say("None is a measurement of a chip. With memory, unit costs are interpolated: assumptions of the profile.")
    return {
        "samples": len(chosen.labels),
        "steps": network.steps,
        **estimate.as_json(),
        "range": [least, most],
        "estimates": [e.as_json() for e in everything],
    }


def _say_sources(output: Output, estimate: EnergyEstimate) -> None:
    terms = (*estimate.spiking, *estimate.equal_ann)
    for cost, source, confidence in sorted({(t.unit_cost, t.source, t.confidence) for t in terms}):
        output.say(f"  {cost * 1e12:g} pJ: {source} ({confidence})")
    output.say(f"  left out: {'; '.join(estimate.left_out)}")


def _totals(estimate: EnergyEstimate) -> tuple[str, str, str]:
    total, ann = estimate.total, estimate.equal_ann_total
    return f"{total * 1e9:,.1f}", f"{ann * 1e9:,.1f}", f"{ann / total:.2f}" if total > 0 else "-"


def _row(network: str, term: EnergyTerm) -> tuple[str, ...]:
    return (
        network,
        term.connection,
        term.operation,
        f"{term.count:,.1f}",
        f"{term.unit_cost * 1e12:g}",
        f"{term.energy * 1e9:,.2f}",
    )
