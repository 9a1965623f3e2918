"""source_comparison: what is known of a network and the one that it came from, for a network's file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from snn_deploy.support.counted import counted


@dataclass(frozen=True)
class ComparedLayer:
    """A population beside its source. compared: neurons times steps times samples; spikes: how many of them fired."""

    population: str
    compared: int
    spikes: int


@dataclass(frozen=True)
class SourceComparison:
    """A network was compared with its source, and no spike differs.

    source: what it was compared with. takes: how a module was called. samples, steps: that ran. random: whether the
    inputs were made at random. undecided: samples that were compared up to a potential at its threshold, within
    `tolerance`. layers: what was compared.
    """

    source: str
    samples: int
    steps: int
    layers: tuple[ComparedLayer, ...]
    tolerance: float
    undecided: int = 0
    takes: str | None = None
    random: bool = False

    @property
    def compared(self) -> int:
        """How many values were compared: neurons times steps times samples."""
        return sum(layer.compared for layer in self.layers)

    @property
    def spikes(self) -> int:
        """How many of them were spikes."""
        return sum(layer.spikes for layer in self.layers)

    @property
    def silent(self) -> tuple[str, ...]:
        """The populations that never fired, of which little is known."""
        return tuple(layer.population for layer in self.layers if not layer.spikes)

    def __str__(self) -> str:
        never = f"; {', '.join(self.silent)} never fired" if self.silent else ""
        left = f"; {self.undecided} of {self.samples} samples up to a potential at its threshold" * bool(self.undecided)
        layers = counted(len(self.layers), "layer")
        return f"{self.compared:,} values of {layers}, {counted(self.spikes, 'spike')}, 0 differ{left}{never}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for a network's provenance."""
        return {**asdict(self), "layers": [asdict(layer) for layer in self.layers]}

    @staticmethod
    def from_dict(found: Mapping[str, Any]) -> "SourceComparison":
        """Return what `to_dict` wrote."""
        layers = tuple(ComparedLayer(**layer) for layer in found["layers"])
        return SourceComparison(**{**found, "layers": layers})


def source_line(provenance: Mapping[str, Any]) -> str | None:
    """Return what the provenance of a network says of a comparison with its source; None where it was trained here.

    A record that cannot be read counts as none.
    """
    try:
        found = SourceComparison.from_dict(provenance["compared"])
        return f"compared with {found.source}: {found}"
    except (KeyError, TypeError, ValueError, AttributeError):
        elsewhere = {"torch", "nir", "net"} & set(provenance)
        return "not compared with its source: give --against FILE" if elsewhere else None
