"""trade: the mapping with the fewest cores beside those with short steps: what these cost and what they save."""

from dataclasses import dataclass

from snn_deploy.api.energy_result import ChipEnergy
from snn_deploy.deploy.energy.latency import span
from snn_deploy.support.result import Block, Table


@dataclass(frozen=True)
class Trade:
    """What the same samples take on several mappings.

    fewest: with the fewest cores. balanced: with a busiest core that does little, on fewer and fewer cores, each number
    of them with few blocks and with few messages.
    """

    fewest: ChipEnergy
    balanced: tuple[ChipEnergy, ...]

    @property
    def quickest(self) -> int | None:
        """Which of `balanced` has the shortest step, at most; None where that of `fewest` is as short."""
        steps = [found.latency.step[1] for found in self.balanced]
        return steps.index(min(steps)) if min(steps) < self.fewest.latency.step[1] else None

    def blocks(self) -> tuple[Block, ...]:
        """Return the mappings as a table, and in a sentence what the quickest takes."""
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
            for name, found in (("fewest cores", self.fewest), *(("balanced", found) for found in self.balanced))
        )
        return (Table(columns, rows), self._said())

    def _said(self) -> str:
        if self.quickest is None:
            return "for latency: no mapping with a shorter step was found; this is the one with the fewest cores"
        best = self.balanced[self.quickest]
        quicker = self.fewest.latency.step[1] / best.latency.step[1]
        more = len(best.placement.cores) / len(self.fewest.placement.cores)
        cost = best.range[1] / self.fewest.range[1]
        return (
            f"for latency: {quicker:.2f} times as many steps a second as with the fewest cores, for {more:.2f} times "
            f"the cores and {cost:.2f} times the energy, each at most; static power apart"
        )

    def to_dict(self) -> dict[str, object]:
        """Return cores, chips, times in seconds and joules of all, as plain numbers."""
        return {
            "fewest_cores": _facts(self.fewest),
            "balanced": [_facts(found) for found in self.balanced],
            "quickest": self.quickest,
        }


def _facts(found: ChipEnergy) -> dict[str, object]:
    return {
        "cores": len(found.placement.cores),
        "chips": found.placement.chips,
        "step": list(found.latency.step),
        "sample": list(found.latency.sample),
        "energy": list(found.range),
    }
