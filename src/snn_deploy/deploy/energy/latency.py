"""latency: how long a sample takes on a chip: the busiest core and link of every step, and the barrier after it.

`model.estimate.step_time` of the profiles. Synaptic operations are given as maxima, barriers as a range; routers are
taken to pass one spike after another over a link.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from snn_deploy.deploy.energy.core_events import CoreEvents
from snn_deploy.hardware_profiles.model_error import error_line
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.support.result import Block, Result

Range = tuple[float, float]  # (least, most), in seconds where nothing else is said


@dataclass(frozen=True, repr=False)
class Latency(Result):
    """How long samples take. Times are (least, most), in seconds: what the profile leaves open.

    step: of a step, the mean over steps and samples. sample: from its first step to its last output, the mean over
    samples; sample_median, sample_p99: the median and the 99th percentile over samples. alone, streamed: samples a
    second, one after another and in a pipeline of layers, which samples that stop early are not. busiest_core: the core
    that works longest in the mean of all samples, and busiest_share: of all cores' time, how much is its own.
    busiest_cores, their_times: of each step, the core that works longest in the mean of all samples, and how long at
    most. static_energy: joules of one sample alone, apart from all events, or None where no power is published.
    barrier: of each step. step_second_hand, sample_second_hand: by the profile's second set of constants, or None.
    model_errors: how far the model was off.
    """

    step: Range
    sample: Range
    sample_median: Range
    sample_p99: Range
    alone: Range
    streamed: Range
    busiest_core: int
    busiest_share: float
    busiest_cores: tuple[int, ...]
    their_times: tuple[float, ...]
    static_energy: Range | None
    barrier: Range
    step_second_hand: float | None
    sample_second_hand: float | None
    model_errors: tuple[str, ...]

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
            f"  median {span(self.sample_median, 1e-6)} us a sample, 99th percentile {span(self.sample_p99, 1e-6)} us",
            f"  samples a second: {alone} one after another, {streamed} in a pipeline of layers",
            f"  busiest core: {self.busiest_core} with {100 * self.busiest_share:.1f} % of all cores' time; "
            f"barrier {span(self.barrier, 1e-9)} ns a step",
            static,
            *self._second_hand(),
            *(f"  {line}" for line in self.model_errors),
        )

    def _second_hand(self) -> tuple[Block, ...]:
        if self.step_second_hand is None or self.sample_second_hand is None:
            return ()
        step, sample = amount(self.step_second_hand, 1e-9), amount(self.sample_second_hand, 1e-6)
        return (f"  by constants known second hand: {sample} us a sample, {step} ns a step",)

    def to_dict(self) -> dict[str, object]:
        """Return every time, in seconds, as plain lists and numbers."""
        return asdict(self)


def span(pair: tuple[float, float], unit: float) -> str:
    """Return "LEAST to MOST" in units of `unit`, for people."""
    return " to ".join(amount(value, unit) for value in pair)


def amount(value: float, unit: float) -> str:
    """Return `value` in units of `unit`, for people."""
    return f"{value / unit:,.4g}" if value / unit < 1e4 else f"{value / unit:,.0f}"


def latency(events: CoreEvents, profile: HardwareProfile, reading: float = 0.0) -> Latency:
    """Return how long the samples of `events` take, each by its own busiest core and link; the host is left out.

    reading: seconds for each of the events' reads of the output (reading.py). Samples that stop early are no pipeline:
    when the next one can begin is known when the last one has stopped.
    """
    cost = {name: profile.number(f"latency.{name}") for name in _COSTS}
    extra = cost["neuron_update_active"] - cost["neuron_update_inactive"]
    idle = events.compartments * cost["neuron_update_inactive"]
    busy = np.minimum(events.chip_steps, events.steps)  # steps with something to do, (samples,)
    happens = np.arange(events.steps) < busy[:, None]  # (samples, steps)
    base = (events.core_operations * cost["synaptic_op"] + idle) * happens[..., None]  # (samples, steps, cores)
    works = (
        base + events.core_spikes * extra,  # at least
        base + events.compartments * extra * happens[..., None],  # at most
    )
    hop = max(cost["hop_east_west"], cost["hop_north_south"])
    links = events.busiest_links * hop
    route = events.farthest[0] * cost["hop_east_west"] + events.farthest[1] * cost["hop_north_south"]
    barrier = _barrier(events, profile)
    waiting = events.chip_steps - busy  # steps in which most layers have nothing to do yet, or no more
    read = 0.0 if events.reads is None else events.reads * reading
    in_steps, alone = [], []
    for work, b in zip(works, barrier, strict=True):
        # (samples, steps): each sample's own busiest core
        steps = (np.maximum(work.max(axis=2), links) + route + b) * happens
        in_steps.append(steps.sum(axis=1))
        alone.append(steps.sum(axis=1) + waiting * (route + b + idle.max()) + read)
    mean = works[1].mean(axis=0)  # (steps, cores)
    busiest = int(mean.sum(axis=0).argmax())
    sample = _over(alone, np.mean)
    whole = _over(in_steps, np.mean)
    steps_of_a_sample = float(busy.mean())
    apart = whole if events.exits is None else sample  # from one sample to the next
    second = _second_hand(events, profile, links, happens, read)
    return Latency(
        step=(whole[0] / steps_of_a_sample, whole[1] / steps_of_a_sample),
        sample=sample,
        sample_median=_over(alone, np.median),
        sample_p99=_over(alone, _percentile_99),
        alone=(1 / sample[1], 1 / sample[0]),
        streamed=(1 / apart[1], 1 / apart[0]),
        busiest_core=busiest,
        busiest_share=float(mean.sum(axis=0)[busiest] / mean.sum()),
        busiest_cores=tuple(mean.argmax(axis=1).tolist()),
        their_times=tuple(mean.max(axis=1).tolist()),
        static_energy=_static(events.chips, sample, profile),
        barrier=barrier,
        step_second_hand=second[0],
        sample_second_hand=second[1],
        model_errors=tuple(error_line(profile, quantity) for quantity in times_with_errors(profile)),
    )


def _second_hand(
    events: CoreEvents, profile: HardwareProfile, links: np.ndarray, happens: np.ndarray, read: np.ndarray | float
) -> tuple[float | None, float | None]:
    """Return the times of a step and of a sample by the second set of constants, where the profile has one."""
    if not profile.section("latency.second_hand"):
        return None, None
    operation, update, barrier = (
        profile.number(f"latency.second_hand.{name}") for name in ("synaptic_op", "neuron_update", "barrier")
    )
    idle = events.compartments * update
    work = (events.core_operations * operation + idle).max(axis=2)
    busy = happens.sum(axis=1)
    in_steps = float(((np.maximum(work, links) + barrier) * happens).sum(axis=1).mean())
    waiting = float((events.chip_steps - busy).mean()) * float(idle.max() + barrier)
    return in_steps / float(busy.mean()), in_steps + waiting + float(np.mean(read))


def times_with_errors(profile: HardwareProfile) -> tuple[str, ...]:
    """Return the times that are held against measurements, as model_error names them."""
    return ("step_time", *(("step_time_second_hand",) if profile.section("latency.second_hand") else ()))


def _over(times: Sequence[np.ndarray], statistic: Callable[[np.ndarray], np.floating]) -> Range:
    least, most = (float(statistic(t)) for t in times)
    return least, most


def _percentile_99(times: np.ndarray) -> np.floating:
    return np.percentile(times, 99)


_BY_TILES = "latency.fitted.barrier_by_tiles"
_COSTS = ("synaptic_op", "neuron_update_active", "neuron_update_inactive", "hop_east_west", "hop_north_south")


def _barrier(events: CoreEvents, profile: HardwareProfile) -> tuple[float, float]:
    """Return the least and the most that the barrier after a step takes; 0 is the least where none is published.

    Published figures are minima. What was fitted on boards, for so many tiles in use, is the most where it is known.
    """
    least = profile.number("latency.barrier_min") if profile.find("latency.barrier_min") else 0.0
    if events.chips > 1 and profile.find("latency.barrier_multichip"):
        return least, profile.number("latency.barrier_multichip")
    fitted = sorted((int(tiles), tiles) for tiles in profile.section(_BY_TILES))
    if not fitted:
        return least, profile.number("latency.barrier_max")
    _, name = next((pair for pair in fitted if pair[0] >= events.tiles), fitted[-1])
    return least, max(profile.number("latency.barrier_max"), profile.number(f"{_BY_TILES}.{name}"))


def _static(chips: int, sample: tuple[float, float], profile: HardwareProfile) -> tuple[float, float] | None:
    if not profile.find("power.static_chip"):
        return None
    least = profile.number("power.idle_chip" if profile.find("power.idle_chip") else "power.static_chip")
    return chips * least * sample[0], chips * profile.number("power.static_chip") * sample[1]
