"""snn-deploy profiles: the chips and the ways to count energy, number by number with their sources."""

from typing import Any

import click

from snn_deploy.cli.output import Output, verb
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile, profile_names
from snn_deploy.hardware_profiles.quantity import Quantity

_USUAL = {"J": ("pJ", 1e-12), "s": ("ns", 1e-9), "W": ("mW", 1e-3), "m": ("nm", 1e-9)}  # base unit -> usual, its size


@click.command("profiles")
@click.argument("profile", required=False)
@verb
def command(output: Output, profile: str | None) -> None:
    """List the hardware profiles, or print every number of PROFILE, a name or a TOML file.

    Example: snn-deploy profiles loihi1
    """
    if profile is None:
        found = [load_profile(name) for name in profile_names()]
        output.table(["profile", "kind", "numbers", "title"], [_row(p) for p in found])
        output.say("snn-deploy profiles NAME prints one of them. A copy of its TOML file is where your own begins.")
        output.result({"profiles": [{"name": p.name, "kind": p.kind, "title": p.title} for p in found]})
        return
    chip = load_profile(profile)
    output.say(f"{chip.name}: {chip.title}")
    output.table(
        ["quantity", "value", "unit", "confidence", "source"],
        [(name, *_shown(q), q.confidence, q.source) for name, q in chip.quantities.items()],
    )
    for short, meaning in chip.sources.items():
        output.say(f"{short}: {meaning}")
    output.result({"name": chip.name, "kind": chip.kind, "title": chip.title} | _as_json(chip))


def _row(profile: HardwareProfile) -> tuple[str, str, int, str]:
    return profile.name, profile.kind, len(profile.quantities), profile.title


def _shown(q: Quantity) -> tuple[str, str]:
    """Return value and unit as people write them: picojoules, not joules."""
    if isinstance(q.value, tuple):
        return ", ".join(map(str, q.value)), q.unit
    if q.unit in _USUAL and isinstance(q.value, int | float):
        unit, size = _USUAL[q.unit]
        return f"{q.value / size:.6g}", unit
    return f"{q.value:.6g}" if isinstance(q.value, float) else str(q.value), q.unit


def _as_json(chip: HardwareProfile) -> dict[str, Any]:
    """Return sources and quantities; values are in base units (J, s, W, ...)."""
    quantities = {
        name: {"value": q.value, "unit": q.unit, "source": q.source, "confidence": q.confidence, "note": q.note}
        for name, q in chip.quantities.items()
    }
    return {"sources": dict(chip.sources), "quantities": quantities}
