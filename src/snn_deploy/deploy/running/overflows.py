"""overflows: how many states left their 24 bits while samples ran, in the populations where that can happen at all.

A potential that does is saturated, a current wraps (network/integer_semantics.py). Where the proof of bounds holds,
neither can happen, and there is nothing to count.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.export.proof.prove_bounds import bounds_of
from snn_deploy.network.integer_network import IntegerNetwork


@dataclass(frozen=True)
class Overflow:
    """The states of one population that left their 24 bits. neuron_steps: how many there were of each kind."""

    population: str
    wrapped_currents: int
    saturated_potentials: int
    neuron_steps: int

    @property
    def is_any(self) -> bool:
        """Whether any state did."""
        return bool(self.wrapped_currents or self.saturated_potentials)

    def __str__(self) -> str:
        kinds = ((self.saturated_potentials, "potentials saturated"), (self.wrapped_currents, "currents wrapped"))
        counted = ", ".join(f"{count} {what}" for count, what in kinds if count)
        return f"{self.population}: {counted or 'none'} of {self.neuron_steps}"


def can_overflow(network: IntegerNetwork) -> tuple[str, ...]:
    """Return the populations in which some input could make a state leave its 24 bits; in the others it is proved."""
    return tuple(p.name for p in network.populations if bounds_of(network, p).can_overflow)


def overflows(network: IntegerNetwork, simulation: Simulation) -> tuple[Overflow, ...] | None:
    """Return what was counted in each population that can overflow; None where the backend cannot count it."""
    wrapped, saturated = simulation.wrapped_currents, simulation.saturated_potentials
    names = can_overflow(network)
    if wrapped is None or saturated is None:
        return None if names else ()
    samples = len(simulation.outputs)
    return tuple(
        Overflow(
            name,
            int(wrapped[name].sum()),
            int(saturated[name].sum()),
            samples * network.steps * math.prod(network.shape_of(name)),
        )
        for name in names
    )


def overflow_line(found: Sequence[Overflow] | None, where: str) -> Iterable[str]:
    """Yield one line for people; none where nothing can overflow. where: what was counted on, such as "3 samples"."""
    if found is None:
        yield "states beyond 24 bits can occur in this network, and the first backend does not count them"
    elif any(one.is_any for one in found):
        yield f"states beyond 24 bits on {where}: {'; '.join(str(one) for one in found if one.is_any)}"
    elif found:
        names = ", ".join(one.population for one in found)
        yield f"states beyond 24 bits on {where}: none, though some input could cause them in {names}"
