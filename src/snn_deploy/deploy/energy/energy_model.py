"""energy_model: one way to estimate a network's energy, as a row of a table: what it counts and finds, its sources."""

from dataclasses import dataclass

Range = tuple[float, float]  # (least, most), J a sample


@dataclass(frozen=True)
class EnergyModel:
    """An estimate of the energy of a sample, in joules.

    counted: what it counts, in a few words. node: feature size of the technology of its unit costs, such as "45 nm".
    dynamic: (least, most); None where the model does not take the network, and `why`. total: the same with static
    power; None where the model has none. error: (least, most) by which the dynamic energy was off on networks that
    were measured on chips, 1 is as much again; None where it was held against none. citations: keys of references.bib.
    """

    name: str
    counted: str
    node: str
    dynamic: Range | None
    total: Range | None
    error: Range | None
    citations: tuple[str, ...]
    why: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the row as plain values; energies in joules."""
        pairs = {"dynamic": self.dynamic, "total": self.total, "error": self.error}
        return {
            "model": self.name,
            "counted": self.counted,
            "node": self.node,
            **{name: None if pair is None else list(pair) for name, pair in pairs.items()},
            "citations": list(self.citations),
            "why_not": self.why,
        }
