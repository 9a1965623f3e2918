"""snn-deploy map: which cores and chips a network needs, why, and the placement as a file and a picture."""

import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snn_deploy.cli.inputs import DATA_HELP, read_network, require_fit, test_samples
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.deploy.mapping.checking.fit import bottleneck, suggestions
from snn_deploy.deploy.mapping.checking.lower_bound import LowerBound, lower_bound
from snn_deploy.deploy.mapping.cores.placement import Placement, write_placement
from snn_deploy.deploy.mapping.cutting.partition import Partition, partition
from snn_deploy.deploy.mapping.memory.resources import NOT_COUNTED, limits
from snn_deploy.deploy.mapping.placing.place_on_mesh import chips_needed, place_on_mesh
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.atomic_file import atomic_path
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

_PICTURES, _DOTS_PER_INCH = (".png", ".svg"), 150


@click.command("map")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--profile", default="loihi1", show_default=True, help="Hardware profile: a name, or a TOML file.")
@click.option("--chips", type=click.IntRange(min=1), help="The most chips there are. Default: as many as needed.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="Measure spikes on so many test samples. Default: every neuron counts as firing once.",
)
@click.option("--data", help=DATA_HELP)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the search for good seats.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the placement to this file.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the chips to this .png or .svg.")
@verb
def command(
    output: Output,
    network: Path,
    profile: str,
    chips: int | None,
    samples: int | None,
    data: str | None,
    seed: int,
    out: Path | None,
    picture: Path | None,
) -> int:
    """Place the neurons of NETWORK on the cores of a chip, within the limits of its profile.

    Exit code 1 when it does not fit; then every violation is printed, and what was tried and would fit.
    Example: snn-deploy map runs/a/loihi --samples 20 --out placement.json --picture map.png
    """
    if picture is not None and picture.suffix not in _PICTURES:
        raise UserError(f"--picture {picture}; allowed are files that end with {' or '.join(_PICTURES)}.")
    chip, whole = load_profile(profile), read_network(network)
    found = partition(whole, chip)
    if found.violations or (chips is not None and chips_needed(found, chip) > chips):
        return _does_not_fit(output, whole, chip, found, chips)
    bound = lower_bound(whole, chip)
    traffic, placement, hops = _placed(output, whole, chip, found, _spikes(whole, data, samples), seed)
    assumed = "assumed: each neuron fires once" if samples is None else f"measured on {samples} samples"
    _say_fit(output, whole, chip, found, bound, placement)
    output.say(
        f"  spike-hops a sample: {hops['placed']:.0f}; in the order of the layers {hops['snake']:.0f} ({assumed})"
    )
    output.say(f"  not counted, so a fit is not proved: {'; '.join(NOT_COUNTED)}")
    if out is not None:
        write_placement(placement, out)
        output.say(f"placement: {out}")
    if picture is not None:
        _draw(whole, placement, found, traffic, chip, picture)
        output.say(f"picture: {picture}")
    output.result(_facts(whole, chip, found, bound, placement) | {"spike_hops": hops, "spikes": assumed})
    return 0


def _does_not_fit(
    output: Output, network: IntegerNetwork, chip: HardwareProfile, found: Partition, chips: int | None
) -> int:
    for violation in found.violations:
        output.say(f"does not fit: {violation}")
    facts: dict[str, Any] = {"fits": False, "violations": [vars(v) for v in found.violations]}
    if not found.violations:
        needed = chips_needed(found, chip)
        output.say(f"does not fit: {len(found.cores)} cores need {needed} chips of {chip.title}; allowed are {chips}")
        facts |= {"cores": len(found.cores), "chips": needed, "allowed": chips}
    output.say("every grid of rows, columns and channels was tried; now trying what would make it fit")
    tried = []
    for suggestion in suggestions(network, chip, found, chips):
        output.say(f"  fits, with {suggestion.cores} cores on {suggestion.chips} chips: {suggestion.what}")
        tried.append(vars(suggestion))
    if not tried:
        output.say("  nothing that was tried fits: fewer bits, fewer channels, other chips")
    output.result(facts | {"suggestions": tried})
    return FAILED_CHECK


def _spikes(network: IntegerNetwork, data: str | None, samples: int | None) -> "dict[str, np.ndarray] | None":
    """Return the mean spikes of each neuron in a sample, run on the CPU simulator; None without samples."""
    if samples is None:
        return None
    from snn_deploy.deploy.backends import cpu  # noqa: PLC0415 - torch and numba are slow to import

    chosen = test_samples(network.provenance, data, samples)
    require_fit(network, chosen)
    spikes = cpu.run(network, chosen.shown, record=True).spikes
    assert spikes is not None
    return {p.name: spikes[p.name].sum(axis=0, dtype=float).mean(axis=0) for p in network.populations}


def _placed(
    output: Output,
    network: IntegerNetwork,
    chip: HardwareProfile,
    found: Partition,
    spikes: "dict[str, np.ndarray] | None",
    seed: int,
) -> "tuple[csr_matrix, Placement, dict[str, float]]":
    from snn_deploy.deploy.mapping.placing.core_traffic import core_traffic  # noqa: PLC0415 - scipy and numba are slow to import
    from snn_deploy.deploy.mapping.placing.place_by_traffic import place_by_traffic, spike_hops  # noqa: PLC0415

    traffic = core_traffic(network, found.cores, spikes)
    snake = place_on_mesh(network, found, chip)
    placement = place_by_traffic(snake, traffic, chip, seed)
    hops = {"placed": spike_hops(placement, traffic, chip), "snake": spike_hops(snake, traffic, chip)}
    return traffic, placement, hops


def _say_fit(
    output: Output,
    network: IntegerNetwork,
    chip: HardwareProfile,
    found: Partition,
    bound: LowerBound,
    placement: Placement,
) -> None:
    layers = _layers(network, chip, found, bound)
    output.table(
        ["population", "neurons", "boxes", "at least", "that binds it", "its cores are full of"],
        [(r["population"], r["neurons"], r["boxes"], r["at_least"], r["binds_at_least"], r["fullest"]) for r in layers],
    )
    most = {name: max(use[name] for use in found.uses) for name in limits(chip)}
    output.table(["resource", "most on a core", "allowed", "source"], [(r, most[r], *limits(chip)[r]) for r in most])
    output.say(f"{len(found.cores)} cores on {placement.chips} chips of {chip.title}")
    output.say(f"  no mapping needs fewer than {bound.cores}; with each population in cores of its own, {bound.alone}")


def _layers(
    network: IntegerNetwork, chip: HardwareProfile, found: Partition, bound: LowerBound
) -> list[dict[str, Any]]:
    full: dict[str, Counter[str]] = {p.name: Counter() for p in network.populations}
    boxes: Counter[str] = Counter()
    for core, use in zip(found.cores, found.uses, strict=True):
        resource, _ = bottleneck(use, chip)
        for part in core:
            boxes[part.population] += 1
            full[part.population][resource] += 1
    rows = []
    for p in network.populations:
        least = bound.by_population[p.name]
        binds = max(least, key=lambda resource: least[resource])
        rows.append(
            {
                "population": p.name,
                "neurons": math.prod(p.shape),
                "boxes": boxes[p.name],
                "at_least": least[binds],
                "binds_at_least": binds,
                "fullest": full[p.name].most_common(1)[0][0],
            }
        )
    return rows


def _facts(
    network: IntegerNetwork, chip: HardwareProfile, found: Partition, bound: LowerBound, placement: Placement
) -> dict[str, Any]:
    layers = _layers(network, chip, found, bound)
    return {
        "fits": True,
        "cores": len(found.cores),
        "chips": placement.chips,
        "lower_bound": {"cores": bound.cores, "each_population_alone": bound.alone, "by_resource": bound.by_resource},
        "populations": layers,
        "boxes": {row["population"]: row["boxes"] for row in layers},
        "most": {name: max(use[name] for use in found.uses) for name in limits(chip)},
        "bottlenecks": [dict(zip(("resource", "share"), bottleneck(use, chip), strict=True)) for use in found.uses],
        "not_counted": list(NOT_COUNTED),
    }


def _draw(
    network: IntegerNetwork,
    placement: Placement,
    found: Partition,
    traffic: "csr_matrix",
    chip: HardwareProfile,
    picture: Path,
) -> None:
    from snn_deploy.deploy.mapping.placing.mesh_picture import mesh_picture  # noqa: PLC0415 - matplotlib is slow to import

    loads = [bottleneck(use, chip)[1] for use in found.uses]
    title = f"{len(placement.cores)} cores on {placement.chips} chips: {chip.title}"
    figure = mesh_picture(placement, [p.name for p in network.populations], loads, traffic, chip, title)
    with atomic_path(picture) as temporary:
        figure.savefig(temporary, dpi=_DOTS_PER_INCH, format=picture.suffix[1:], bbox_inches="tight")
