"""memory_estimates: what the papers' estimate leaves out: integers instead of floats, and memory.

The formulas are `[model.estimate]` and `[model.memory]` of the profile, with their sources there. Integers alone: an
8-bit weight is added to 32 bits, a pixel is multiplied by one. With memory: every synaptic operation reads its weight
and reads and writes an accumulator, every neuron reads and writes two states in every step (three where its threshold
adapts), every spike looks up one table for each connection that it feeds. The equal ANN reads a weight and an
activation for each multiply-accumulate; how often it can use again what it has read depends on its hardware, so both
ends are given: never, and always.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate, EnergyTerm
from snn_deploy.deploy.running.event_counts import multiply_accumulates
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork

WEIGHT_BITS, STATE_BITS, ACTIVATION_BITS, TABLE_BITS = 8, 24, 8, 64
_INT = "energy.conventional"
_SIZES = {8192: "energy.memory.sram_8KB_64b", 32768: "energy.memory.sram_32KB_64b", 2**20: "energy.memory.sram_1MB_64b"}
Counts = np.ndarray | float  # of each sample, or one number for all
_LEFT_OUT = ("static power", "input encoding and host traffic", "wires between the parts of the chip")


def integer_estimates(
    network: IntegerNetwork,
    synaptic_operations: Mapping[str, np.ndarray],
    spike_counts: Mapping[str, np.ndarray],
    profile: HardwareProfile,
    steps: np.ndarray | None = None,
) -> tuple[EnergyEstimate, ...]:
    """Return the estimates in integers: arithmetic alone, then with memory for an ANN that reuses nothing and all.

    synaptic_operations: connection -> (samples,). spike_counts: population or input -> (samples,), as in Simulation.
    steps: (samples,), that each sample took; None: all of the network's. Joules of one sample, the mean over them.
    """
    taken: Counts = float(network.steps) if steps is None else np.asarray(steps, np.float64)
    costs, dense = _Costs(profile), multiply_accumulates(network)
    spiking = [_events(c, network, synaptic_operations, dense, taken) for c in network.connections]
    compute = tuple(costs.compute(name, count, is_multiplied) for name, count, is_multiplied in spiking)
    ann = tuple(costs.compute(name, float(count), True) for name, count in dense.items())
    alone = EnergyEstimate(
        "Energy estimate: operations of 8-bit integers",
        profile.name,
        compute,
        ann,
        ("memory access, which often costs more than arithmetic", "updates of the neurons' states", *_LEFT_OUT),
    )
    memory = list(compute)
    for name, count, is_multiplied in spiking:
        memory += costs.operands(name, count, is_multiplied)
    for p in network.populations:
        memory += costs.updates(p.name, math.prod(p.shape) * taken, adapts=p.adapts)
    for c in network.connections:
        memory.append(costs.lookup(c.name, spike_counts[c.source]))
    without, always = [*ann], [*ann]
    for c in network.connections:
        count = float(dense[c.name])
        without += costs.reads(c.name, count, count)
        inputs = math.prod(network.shape_of(c.source)) / math.prod(c.pool)
        always += costs.reads(c.name, float(c.weights.size), float(inputs))
    with_memory = EnergyEstimate(
        "Energy estimate: integers and memory, with an ANN that reads every operand anew",
        profile.name,
        tuple(memory),
        tuple(without),
        _LEFT_OUT,
    )
    reused = replace(
        with_memory,
        title="Energy estimate: integers and memory, with an ANN that reads every weight and activation once",
        equal_ann=tuple(always),
    )
    return alone, with_memory, reused


def _events(
    c: IntegerConnection,
    network: IntegerNetwork,
    operations: Mapping[str, np.ndarray],
    dense: Mapping[str, int],
    steps: Counts,
) -> tuple[str, Counts, bool]:
    """Return (connection, operations of the samples, whether each multiplies)."""
    if c.source == network.input.name and network.input.largest_value > 1:
        return c.name, dense[c.name] * steps, True
    return c.name, operations[c.name], False


class _Costs:
    """Terms in joules, from the profile."""

    def __init__(self, profile: HardwareProfile) -> None:
        self.profile = profile

    def compute(self, name: str, count: Counts, is_multiplied: bool) -> EnergyTerm:
        kind = "multiply_accumulate_int8" if is_multiplied else "addition_int8"
        word = "multiply-accumulate, 8 bits" if is_multiplied else "addition of 8 bits to 32"
        return self._of(name, word, count, f"{_INT}.{kind}")

    def operands(self, name: str, count: Counts, is_multiplied: bool) -> list[EnergyTerm]:
        read = [self._access(name, "weight read", count, "weight_capacity", WEIGHT_BITS)]
        if is_multiplied:
            read.append(self._access(name, "pixel read", count, "state_capacity", ACTIVATION_BITS))
        return [*read, self._access(name, "accumulator read and write", 2 * count, "state_capacity", STATE_BITS)]

    def updates(self, name: str, count: Counts, *, adapts: bool) -> list[EnergyTerm]:
        terms = [
            self._access(name, "two states read and written", 4 * count, "state_capacity", STATE_BITS),
            self._of(name, "leak, a multiplication of 32 bits", count, "energy.op.int32_multiply"),
            self._of(name, "update, two additions of 32 bits", 2 * count, "energy.op.int32_add"),
        ]
        if not adapts:
            return terms
        return [
            *terms,
            self._access(name, "rise of the threshold read and written", 2 * count, "state_capacity", STATE_BITS),
            self._of(name, "its decay, a multiplication of 32 bits", count, "energy.op.int32_multiply"),
            self._of(name, "its step and the threshold's, two additions of 32 bits", 2 * count, "energy.op.int32_add"),
        ]

    def lookup(self, name: str, count: Counts) -> EnergyTerm:
        return self._access(name, "table looked up for a spike", count, "state_capacity", TABLE_BITS)

    def reads(self, name: str, weights: float, activations: float) -> list[EnergyTerm]:
        return [
            self._access(name, "weight read", weights, "weight_capacity", WEIGHT_BITS),
            self._access(name, "activation read", activations, "state_capacity", ACTIVATION_BITS),
        ]

    def _of(self, name: str, word: str, count: Counts, quantity: str) -> EnergyTerm:
        q = self.profile.quantity(quantity)
        source = "; ".join((q.source, *self.profile.references(q)))
        return EnergyTerm(name, word, count, self.profile.number(quantity), source, q.confidence)

    def _access(self, name: str, word: str, count: Counts, memory: str, bits: int) -> EnergyTerm:
        """The formula `model.memory.access`, E64(capacity) * max(bits, min_bits) / 64."""
        capacity = self.profile.whole(f"model.memory.{memory}")
        shown = f"{word}, {bits} bits of {capacity // 1024} KiB"
        share = max(bits, self.profile.whole("model.memory.min_bits")) / self.profile.whole("model.memory.word_bits")
        rule = self.profile.quantity("model.memory.access")
        return EnergyTerm(name, shown, count, self._word(capacity) * share, rule.source, rule.confidence)

    def _word(self, capacity: int) -> float:
        """Return the joules of one word from a memory of `capacity` bytes, linear in log2 between the sizes given."""
        sizes = sorted(_SIZES)
        costs = [self.profile.number(_SIZES[size]) for size in sizes]
        return float(np.interp(math.log2(capacity), [math.log2(size) for size in sizes], costs))
