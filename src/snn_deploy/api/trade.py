"""trade: a mapping with few cores beside one with short steps: what the one costs and what the other saves."""

from dataclasses import dataclass

from snn_deploy.api.energy import ChipEnergy
from snn_deploy.deploy.energy.latency import span
from snn_deploy.support.result import Block, Table


@dataclass(frozen=True)
class Trade:
    """What the same samples take on both mappings. fewest: with the fewest cores; balanced: with a busiest core that
    does little."""

    fewest: ChipEnergy
    balanced: ChipEnergy

    @property
    def is_worth_it(self) -> bool:
        """Whether a step is shorter on the balanced mapping, at most."""
        return self.balanced.latency.step[1] < self.fewest.latency.step[1]

    def blocks(self) -> tuple[Block, ...]:
        """Return both mappings as a table, and the trade between them in a sentence."""
        columns = ("mapping", "cores", "chips", "a step, ns", "a sample, us", "energy of a sample, nJ")
        rows = tuple(
            (
                name,
                len(found.placement.cores),
                found.placement.chips,
                span(found.latency.step, 1e-9),
                span(found.latency.sample, 1e-6),
                span(found.range, 1e-9),
            )
            for name, found in (("for cores", self.fewest), ("for latency", self.balanced))
        )
        ratio = self.fewest.latency.step[1] / self.balanced.latency.step[1]
        cost = self.balanced.range[1] / self.fewest.range[1]
        more = len(self.balanced.placement.cores) / len(self.fewest.placement.cores)
        said = (
            f"for latency: {ratio:.2f} times as many steps a second, for {more:.2f} times the cores and "
            f"{cost:.2f} times the energy, each at most; static power apart"
            if self.is_worth_it
            else "for latency: no mapping with a shorter step was found; this is the one for cores"
        )
        return (Table(columns, rows), said)

    def to_dict(self) -> dict[str, object]:
        """Return cores, chips, times in seconds and joules of both, as plain numbers."""
        return {
            name: {
                "cores": len(found.placement.cores),
                "chips": found.placement.chips,
                "step": list(found.latency.step),
                "sample": list(found.latency.sample),
                "energy": list(found.range),
            }
            for name, found in (("cores", self.fewest), ("latency", self.balanced))
        }
