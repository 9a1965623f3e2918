"""latency: how long a sample takes on a chip: the busiest core and link of every step, and the barrier after it.

`model.estimate.step_time` of the profiles. Synaptic operations are given as maxima, barriers as a range; routers are
taken to pass one spike after another over a link.
"""

from dataclasses import asdict, dataclass

import numpy as np

from snn_deploy.deploy.energy.core_events import CoreEvents
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.support.result import Block, Result


@dataclass(frozen=True, repr=False)
class Latency(Result):
    """Seconds, each (least, most). step: of a mean step; sample: from its first step to its last output.

    alone, streamed: samples a second, one after another and in a pipeline of layers, (least, most). busiest_core: its
    index, and busiest_share: of all core time, how much is its own. busiest_cores, their_times: of each step, the core
    that works longest, and how long at most. static_energy: joules of one sample alone, apart
    from all events, (least, most), or None where no power is published. barrier: seconds, (least, most).
    """

    step: tuple[float, float]
    sample: tuple[float, float]
    alone: tuple[float, float]
    streamed: tuple[float, float]
    busiest_core: int
    busiest_share: float
    busiest_cores: tuple[int, ...]
    their_times: tuple[float, ...]
    static_energy: tuple[float, float] | None
    barrier: tuple[float, float]

    def headline(self) -> str:
        """Return the time of a sample and of a step."""
        return f"{span(self.sample, 1e-6)} us a sample, {span(self.step, 1e-9)} ns a step"

    def blocks(self) -> tuple[Block, ...]:
        """Return the times, the busiest core, and what static power takes meanwhile."""
        static = (
            "  static power: not published for this chip alone"
            if self.static_energy is None
            else f"  static power of the chips meanwhile: {span(self.static_energy, 1e-9)} nJ a sample"
        )
        alone, streamed = span(self.alone, 1), span(self.streamed, 1)
        return (
            f"time: {self.headline()}",
            f"  samples a second: {alone} one after another, {streamed} in a pipeline of layers",
            f"  busiest core: {self.busiest_core} with {100 * self.busiest_share:.1f} % of all cores' time; "
            f"barrier {span(self.barrier, 1e-9)} ns a step",
            static,
        )

    def to_dict(self) -> dict[str, object]:
        """Return every time, in seconds, as plain lists and numbers."""
        return asdict(self)


def span(pair: tuple[float, float], unit: float) -> str:
    """Return "LEAST to MOST" in units of `unit`, for people."""
    return " to ".join(f"{value / unit:,.4g}" if value / unit < 1e4 else f"{value / unit:,.0f}" for value in pair)


def latency(events: CoreEvents, profile: HardwareProfile) -> Latency:
    """Return how long one sample takes. Only events that `events` counts; the host is left out."""
    cost = {name: profile.number(f"latency.{name}") for name in _COSTS}
    extra = cost["neuron_update_active"] - cost["neuron_update_inactive"]
    idle = events.compartments * cost["neuron_update_inactive"]
    base = events.core_operations * cost["synaptic_op"] + idle
    least = base + events.core_spikes * extra
    most = base + events.compartments * extra
    hop = max(cost["hop_east_west"], cost["hop_north_south"])
    links = events.busiest_links * hop
    route = events.farthest[0] * cost["hop_east_west"] + events.farthest[1] * cost["hop_north_south"]
    barrier = _barrier(events.chips, profile)
    worked = [np.maximum(core.max(axis=1), links).sum() for core in (least, most)]
    waiting = events.depth - 1  # steps in which most layers have nothing to do yet, or no more
    sample = tuple(
        float(w + (events.steps + waiting) * (route + b) + waiting * idle.max())
        for w, b in zip(worked, barrier, strict=True)
    )
    streamed = tuple(float(w + events.steps * (route + b)) for w, b in zip(worked, barrier, strict=True))
    busiest = int(most.sum(axis=0).argmax())
    return Latency(
        step=(streamed[0] / events.steps, streamed[1] / events.steps),
        sample=(sample[0], sample[1]),
        alone=(1 / sample[1], 1 / sample[0]),
        streamed=(1 / streamed[1], 1 / streamed[0]),
        busiest_core=busiest,
        busiest_share=float(most.sum(axis=0)[busiest] / most.sum()),
        busiest_cores=tuple(most.argmax(axis=1).tolist()),
        their_times=tuple(most.max(axis=1).tolist()),
        static_energy=_static(events.chips, (sample[0], sample[1]), profile),
        barrier=barrier,
    )


_COSTS = ("synaptic_op", "neuron_update_active", "neuron_update_inactive", "hop_east_west", "hop_north_south")


def _barrier(chips: int, profile: HardwareProfile) -> tuple[float, float]:
    """Return the least and the most that the barrier after a step takes; 0 is the least where none is published."""
    least = profile.number("latency.barrier_min") if profile.find("latency.barrier_min") else 0.0
    several = chips > 1 and profile.find("latency.barrier_multichip")
    return least, profile.number("latency.barrier_multichip" if several else "latency.barrier_max")


def _static(chips: int, sample: tuple[float, float], profile: HardwareProfile) -> tuple[float, float] | None:
    if not profile.find("power.static_chip"):
        return None
    least = profile.number("power.idle_chip" if profile.find("power.idle_chip") else "power.static_chip")
    return chips * least * sample[0], chips * profile.number("power.static_chip") * sample[1]
