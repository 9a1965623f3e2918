"""chip_estimate: the energy of one sample on a chip, as a sum over counted events: `model.estimate.step_energy`.

Davies et al., IEEE Micro 2018, Table 2 gives the unit costs of Loihi 1; Loihi 2's are carried over from it, as its
profile says. Every allocated compartment pays an inactive update in every step. Which updates are active is not
published in a form that can be counted: at least those of neurons that fire, at most all. Where a profile has costs
that were fitted on boards (SANA-FE), they are a second estimate.

Where the output is read in every step, because samples may stop early, that is counted too (reading.py).
"""

import math

import numpy as np

from snn_deploy.deploy.energy.core_events import CoreEvents
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate, EnergyTerm
from snn_deploy.deploy.energy.reading import HOST_ENERGY, Reader, longest_route
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork

LEFT_OUT = (
    "static power, which stands apart",
    "the barrier at the end of each step: never published, 0 J is a placeholder",
    "the way from the host, and what the embedded processors do",
    "learning",
)


def event_energy(
    network: IntegerNetwork,
    events: CoreEvents,
    profile: HardwareProfile,
    *,
    alone: bool = True,
    reader: Reader = "embedded processor",
) -> tuple[EnergyEstimate, ...]:
    """Return the estimates of a sample in joules, the mean over those of `events`: fewest active updates, most, others.

    The others: the least energy published for a synaptic operation, and unit costs fitted on boards, where the profile
    has them. Where a chip stores kernels whole (Loihi 2), all but the second count only weights that are not 0.
    alone: the chip is idle before and after the sample; else samples follow each other without a gap, and share the
    steps in which the layers fill and empty; none that stop early do. reader: who reads the output, where that is
    counted.
    """
    assert alone or events.exits is None
    left_out: tuple[str, ...] = LEFT_OUT
    if borders := float(events.borders.mean()):
        left_out += (f"the way between chips: {borders:,.4g} times a sample, and no energy of it is published",)
    terms = _Terms(profile, left_out)
    operations, messages = events.operations, events.messages
    east_west, north_south = events.hops_east_west, events.hops_north_south
    # The output ends so many steps after the first layer began.
    chip_steps = events.chip_steps if alone else np.full(events.samples, events.steps)
    allocated = int(events.compartments.sum())
    spikes = events.core_spikes.sum(axis=(1, 2), dtype=np.float64)
    ways = [
        terms.of("all cores", "spike to a core", messages, "energy.spike_within_tile"),
        terms.of("mesh", "hop east or west", east_west, "energy.hop_east_west"),
        terms.of("mesh", "hop north or south", north_south, "energy.hop_north_south"),
    ]
    inactive = terms.of(
        "all cores", "update of an allocated compartment", allocated * chip_steps, "energy.neuron_update_inactive"
    )
    fire = ("only neurons that fire are updated actively", spikes)
    every = ("every neuron is updated actively in every step", events.updates)
    ways_to_count = [(*fire, operations, "energy.synaptic_op"), (*every, operations, "energy.synaptic_op")]
    if profile.find("core.synapse_memory_words") is None:  # kernels are stored whole; what a weight of 0 costs is open
        of_weights = f"{fire[0]}, weights of 0 cost nothing"
        ways_to_count[0] = (of_weights, spikes, events.operations_of_weights, "energy.synaptic_op")
    if profile.find("energy.synaptic_op_low"):
        title, active, counts, _ = ways_to_count[0]
        ways_to_count.append((f"{title}, at the least energy published", active, counts, "energy.synaptic_op_low"))
    found = []
    for title, active, counts, cost in ways_to_count:
        synapses = [terms.of(c.name, "synaptic operation", counts[c.name], cost) for c in network.connections]
        more = terms.difference(
            "all cores", "more for an active update", active, "energy.neuron_update_active", inactive
        )
        found.append(terms.estimate(title, [*synapses, inactive, more, *ways, *terms.reading(network, events, reader)]))
    if profile.section("energy.fitted"):
        kinds = {c.name: "dense" if c.weights.ndim == 2 else "conv" for c in network.connections}
        fitted = [
            terms.of(name, f"synaptic operation, {kind}", operations[name], f"energy.fitted.synaptic_op_{kind}")
            for name, kind in kinds.items()
        ]
        fitted += [
            terms.of("all cores", "access of a compartment", allocated * chip_steps, "energy.fitted.neuron_access"),
            terms.of("all cores", "update", events.updates, "energy.fitted.neuron_update"),
            terms.of("all cores", "spike", spikes, "energy.fitted.spike_out"),
            terms.of("all cores", "message out", messages, "energy.fitted.axon_out_message"),
            terms.of("mesh", "hop east or west", east_west, "energy.fitted.hop_east_west"),
            terms.of("mesh", "hop north or south", north_south, "energy.fitted.hop_north_south"),
            *terms.reading(network, events, reader, fitted=True),
        ]
        found.append(terms.estimate("unit costs fitted on boards, every neuron updated in every step", fitted))
    return tuple(found)


class _Terms:
    """Terms in joules, from the profile."""

    def __init__(self, profile: HardwareProfile, left_out: tuple[str, ...]) -> None:
        self.profile = profile
        self.left_out = left_out

    def of(self, where: str, event: str, count: np.ndarray | float, quantity: str) -> EnergyTerm:
        q = self.profile.quantity(quantity)
        source = "; ".join((q.source, *self.profile.references(q)))
        return EnergyTerm(where, event, count, self.profile.number(quantity), source, q.confidence)

    def reading(
        self, network: IntegerNetwork, events: CoreEvents, reader: Reader, *, fitted: bool = False
    ) -> list[EnergyTerm]:
        """Return what reading the output takes; nothing where that is not counted."""
        reads = events.reads
        if reads is None:
            return []
        if reader == "host":
            return [self.of("host", "step in which it reads the output", reads, HOST_ENERGY)]
        columns, rows = longest_route(self.profile)
        messages = reads * math.prod(network.output.shape)
        section, sent = ("energy.fitted", "axon_out_message") if fitted else ("energy", "spike_within_tile")
        where = "embedded processor"
        return [
            self.of(where, "output neuron read, a spike message", messages, f"{section}.{sent}"),
            self.of(where, "hop east or west", messages * columns, f"{section}.hop_east_west"),
            self.of(where, "hop north or south", messages * rows, f"{section}.hop_north_south"),
        ]

    def difference(
        self, where: str, event: str, count: np.ndarray | float, quantity: str, less: EnergyTerm
    ) -> EnergyTerm:
        """Return the term whose unit cost is `quantity` beyond the one of `less`."""
        whole = self.of(where, event, count, quantity)
        return EnergyTerm(where, event, count, whole.unit_cost - less.unit_cost, whole.source, whole.confidence)

    def estimate(self, title: str, terms: list[EnergyTerm]) -> EnergyEstimate:
        return EnergyEstimate(f"Event model: {title}", self.profile.name, tuple(terms), (), self.left_out)
