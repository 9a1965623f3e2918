"""paper_estimate: what the spiking-network papers would estimate, from counted events and energies per operation.

Dspike (Li et al., NeurIPS 2021), Sec. 5.4 and Table 3: every synaptic operation is one 32-bit float addition
(0.9 pJ at 45 nm), every multiplication costs a multiply-accumulate (4.6 pJ). Graded pixels are multiplied in the
first layer, in every step; spikes never are. Beside it stands the equal ANN: all its multiply-accumulates, once.

It leaves out memory, which often costs more than arithmetic (Dampfhoffer et al. 2023; Yan et al. 2024, both cited
in the profile), the neurons' own updates, static power and the way to and from the host.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn_deploy.deploy.running.event_counts import multiply_accumulates
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

_ADDITION = "energy.conventional.addition_fp32"
_MULTIPLY_ACCUMULATE = "energy.conventional.multiply_accumulate_fp32"
LEFT_OUT = (
    "memory access, which often costs more than arithmetic",
    "updates of the neurons' states, paid in every step",
    "the additions of pooling in the equal ANN",
    "static power",
    "input encoding and host traffic",
)


@dataclass(frozen=True, eq=False)
class EnergyTerm:
    """One kind of operation at one connection: count per sample times unit_cost in joules.

    counts: of each sample, (samples,), or one number for all.
    """

    connection: str
    operation: str
    counts: np.ndarray | float
    unit_cost: float
    source: str
    confidence: str

    @property
    def count(self) -> float:
        """Operations of a sample, the mean."""
        return float(np.mean(self.counts))

    @property
    def energy(self) -> float:
        """Joules per sample."""
        return self.count * self.unit_cost


@dataclass(frozen=True)
class EnergyEstimate:
    """The estimated energy of one sample, term by term, and that of the equal ANN.

    left_out: what the convention does not count.
    """

    title: str
    profile: str
    spiking: tuple[EnergyTerm, ...]
    equal_ann: tuple[EnergyTerm, ...]
    left_out: tuple[str, ...] = LEFT_OUT

    @property
    def total(self) -> float:
        """Joules per sample of the spiking network."""
        return sum(term.energy for term in self.spiking)

    @property
    def of_samples(self) -> np.ndarray:
        """Joules of the spiking network for each sample, (samples,), or one number where all are equal."""
        return np.asarray(sum(term.unit_cost * np.asarray(term.counts, np.float64) for term in self.spiking))

    @property
    def equal_ann_total(self) -> float:
        """Joules per sample of the equal ANN."""
        return sum(term.energy for term in self.equal_ann)

    def as_json(self) -> dict[str, Any]:
        """Return the estimate as plain dictionaries and lists; every energy in joules."""

        def rows(terms: tuple[EnergyTerm, ...]) -> list[dict[str, Any]]:
            return [
                {
                    "connection": term.connection,
                    "operation": term.operation,
                    "count": term.count,
                    "unit_cost": term.unit_cost,
                    "source": term.source,
                    "confidence": term.confidence,
                    "energy": term.energy,
                }
                for term in terms
            ]

        return {
            "title": self.title,
            "profile": self.profile,
            "unit": "J per sample",
            "spiking": rows(self.spiking),
            "total": self.total,
            "equal_ann": rows(self.equal_ann),
            "equal_ann_total": self.equal_ann_total,
            "left_out": list(self.left_out),
        }


def estimate_energy(
    network: IntegerNetwork,
    synaptic_operations: Mapping[str, np.ndarray],
    profile: HardwareProfile,
    steps: np.ndarray | None = None,
) -> EnergyEstimate:
    """Return the estimated energy of one sample in joules, the mean over the samples that were counted.

    synaptic_operations: connection -> (samples,), as in Simulation.
    An input of several levels is multiplied: its connections count their dense multiply-accumulates in every step,
    the addition of each included. Every other synaptic operation is one addition. steps: (samples,), that each sample
    took; None: all of the network's.
    """
    require_op_energy(profile)
    dense = multiply_accumulates(network)
    spiking = []
    for connection in network.connections:
        name = connection.name
        if connection.source == network.input.name and network.input.largest_value > 1:
            count = dense[name] * (float(network.steps) if steps is None else np.asarray(steps, np.float64))
            spiking.append(_term(name, "multiply-accumulate", count, profile, _MULTIPLY_ACCUMULATE))
        else:
            counts = np.asarray(synaptic_operations[name])
            if counts.size == 0:
                raise UserError("energy: no samples were counted. Give at least one.")
            spiking.append(_term(name, "addition", counts, profile, _ADDITION))
    ann = tuple(
        _term(name, "multiply-accumulate", float(count), profile, _MULTIPLY_ACCUMULATE) for name, count in dense.items()
    )
    title = "Energy estimate: operations of 32-bit float arithmetic, as the spiking-network papers count them"
    return EnergyEstimate(title, profile.name, tuple(spiking), ann)


def energy_of_counts(
    additions: float, multiplications: float, profile: HardwareProfile, *, multiplication: str = _MULTIPLY_ACCUMULATE
) -> float:
    """Return additions and multiplications in joules: a row of Dspike's Table 3 from its two counts.

    Two things about that table. Its counts are in millions, which gives MICROJOULES; the paper prints joules and
    millijoules, 1000 times too large. And it charges a multiplication 4.6 pJ, the addition included, beside an
    addition of 0.9 pJ for the same multiply-accumulate: the additions of the multiplications are counted twice.
    With 3.7 pJ, the multiplication alone ("energy.op.fp32_multiply"), ResNet-18 needs 860 against 77.1 uJ, a ratio
    of 11.2 instead of 12.8.
    """
    require_op_energy(profile)
    return additions * profile.number(_ADDITION) + multiplications * profile.number(multiplication)


def require_op_energy(profile: HardwareProfile) -> None:
    """Raise UserError unless `profile` gives energies per arithmetic operation."""
    if profile.kind != "op_energy":
        raise UserError(
            f"profile {profile.name!r} is a {profile.kind}: it has no energies of arithmetic. "
            "Take the profile cmos45, or count a chip's events (deploy/energy/chip_estimate.py)."
        )


def _term(
    connection: str, operation: str, count: np.ndarray | float, profile: HardwareProfile, name: str
) -> EnergyTerm:
    cost = profile.quantity(name)
    source = "; ".join((cost.source, *profile.references(cost)))
    return EnergyTerm(connection, operation, count, profile.number(name), source, cost.confidence)
