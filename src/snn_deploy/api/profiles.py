"""profiles: the chips and the ways to count energy, number by number with their sources."""

from dataclasses import dataclass

from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile, profile_names
from snn_deploy.hardware_profiles.quantity import Quantity
from snn_deploy.hardware_profiles.used import is_used
from snn_deploy.support.result import Block, Result, Table

_USUAL = {"J": ("pJ", 1e-12), "s": ("ns", 1e-9), "W": ("mW", 1e-3), "m": ("nm", 1e-9)}  # base unit -> usual, its size


@dataclass(frozen=True, repr=False)
class ProfileList(Result):
    """The hardware profiles that come with the package."""

    profiles: tuple[HardwareProfile, ...]

    def headline(self) -> str:
        """Return their names."""
        return ", ".join(p.name for p in self.profiles)

    def blocks(self) -> tuple[Block, ...]:
        """Return one row for each."""
        rows = tuple((p.name, p.kind, len(p.quantities), p.title) for p in self.profiles)
        return (
            Table(("profile", "kind", "numbers", "title"), rows),
            "snn-deploy profiles NAME prints one of them. Start your own from a copy of its TOML file.",
        )

    def to_dict(self) -> dict[str, object]:
        """Return name, kind and title of each."""
        return {"profiles": [{"name": p.name, "kind": p.kind, "title": p.title} for p in self.profiles]}


@dataclass(frozen=True, repr=False)
class ProfileResult(Result):
    """One hardware profile with all its numbers."""

    profile: HardwareProfile

    def headline(self) -> str:
        """Return name and title."""
        return f"{self.profile.name}: {self.profile.title}"

    def blocks(self) -> tuple[Block, ...]:
        """Return every number with its unit, confidence and source, and what the sources are."""
        rows = tuple(
            (name, *_shown(q), "yes" if is_used(self.profile.kind, name) else "", q.confidence, q.source)
            for name, q in self.profile.quantities.items()
        )
        return (
            self.headline(),
            Table(("quantity", "value", "unit", "used", "confidence", "source"), rows, is_asked_for=True),
            "used: read by the program; the others are for reference",
            *(f"{short}: {meaning}" for short, meaning in self.profile.sources.items()),
        )

    def to_dict(self) -> dict[str, object]:
        """Return sources and quantities; values are in base units (J, s, W, ...)."""
        chip = self.profile
        quantities = {
            name: {
                "value": q.value,
                "unit": q.unit,
                "used": is_used(chip.kind, name),
                "source": q.source,
                "confidence": q.confidence,
                "note": q.note,
            }
            for name, q in chip.quantities.items()
        }
        return {
            "name": chip.name,
            "kind": chip.kind,
            "title": chip.title,
            "sources": dict(chip.sources),
            "quantities": quantities,
        }


def profiles() -> ProfileList:
    """Return the hardware profiles that come with the package."""
    return ProfileList(tuple(load_profile(name) for name in profile_names()))


def profile(name: str) -> ProfileResult:
    """Return every number of a hardware profile, a name or a TOML file, with its source; else a UserError."""
    return ProfileResult(load_profile(name))


def _shown(q: Quantity) -> tuple[str, str]:
    """Return value and unit as people write them: picojoules, not joules."""
    if isinstance(q.value, tuple):
        return ", ".join(map(str, q.value)), q.unit
    if q.unit in _USUAL and isinstance(q.value, int | float):
        unit, size = _USUAL[q.unit]
        return f"{q.value / size:.6g}", unit
    return f"{q.value:.6g}" if isinstance(q.value, float) else str(q.value), q.unit
