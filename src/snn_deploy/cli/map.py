"""snn-deploy map: which cores and chips a network needs, and the placement as a file."""

import math
from collections import Counter
from pathlib import Path

import click

from snn_deploy.cli.inputs import read_network
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.deploy.partition import partition
from snn_deploy.deploy.place_on_mesh import chips_needed, place_on_mesh
from snn_deploy.deploy.placement import write_placement
from snn_deploy.deploy.resources import NOT_COUNTED, limits
from snn_deploy.hardware_profiles.profile import load_profile


@click.command("map")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--profile", default="loihi1", show_default=True, help="Hardware profile: a name, or a TOML file.")
@click.option("--chips", type=click.IntRange(min=1), help="The most chips there are. Default: as many as needed.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the placement to this file.")
@verb
def command(output: Output, network: Path, profile: str, chips: int | None, out: Path | None) -> int:
    """Place the neurons of NETWORK on the cores of a chip, within the limits of its profile.

    Exit code 1 when it does not fit; then every violation is printed. Example: snn-deploy map runs/a/loihi
    """
    chip, whole = load_profile(profile), read_network(network)
    found = partition(whole, chip)
    if found.violations:
        for violation in found.violations:
            output.say(f"does not fit: {violation}")
        output.result({"fits": False, "violations": [vars(v) for v in found.violations]})
        return FAILED_CHECK
    needed = chips_needed(found, chip)
    if chips is not None and needed > chips:
        output.say(f"does not fit: {len(found.cores)} cores need {needed} chips of {chip.title}; allowed are {chips}")
        output.result({"fits": False, "violations": [], "cores": len(found.cores), "chips": needed, "allowed": chips})
        return FAILED_CHECK
    placement = place_on_mesh(whole, found, chip)
    boxes = Counter(part.population for core in found.cores for part in core)
    worst = {name: max(use[name] for use in found.uses) for name in limits(chip)}
    output.table(
        ["population", "neurons", "boxes"], [(p.name, math.prod(p.shape), boxes[p.name]) for p in whole.populations]
    )
    output.table(["resource", "most on a core", "allowed", "source"], [(r, worst[r], *limits(chip)[r]) for r in worst])
    output.say(f"{len(found.cores)} cores on {placement.chips} chips of {chip.title}")
    output.say(f"  not counted, so a fit is not proved: {'; '.join(NOT_COUNTED)}")
    if out is not None:
        write_placement(placement, out)
        output.say(f"placement: {out}")
    output.result(
        {
            "fits": True,
            "cores": len(found.cores),
            "chips": placement.chips,
            "boxes": dict(boxes),
            "most": worst,
            "not_counted": list(NOT_COUNTED),
        }
    )
    return 0
