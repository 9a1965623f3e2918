"""neurons: what the neurons of a chip can do, from its profile, and which populations they cannot be."""

from dataclasses import dataclass

import numpy as np

from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.float_network import FloatNetwork, FloatPopulation
from snn_deploy.network.state_units import DECAY_UNITY
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class ChipNeurons:
    """Abilities of a chip's neurons.

    is_programmable: whether its neurons can have a soft reset, a reset value other than 0 and an initial value.
    soft_reset_neurons: how many neurons a soft reset takes where it is not programmable; 0: unknown. voltage_keeps,
    current_keeps: the least and the most that a step can leave, in 1/4096. largest_delay: in steps.
    """

    name: str
    is_programmable: bool = True
    soft_reset_neurons: int = 0
    voltage_keeps: tuple[int, int] = (0, DECAY_UNITY)
    current_keeps: tuple[int, int] = (0, DECAY_UNITY)
    largest_delay: int | None = None


ANY_NEURONS = ChipNeurons("any")


def chip_neurons(profile: HardwareProfile) -> ChipNeurons:
    """Return what the neurons of `profile` can do."""
    programmable, soft = profile.find("neuron.programmable"), profile.find("neuron.soft_reset_compartments")
    delay = profile.find("neuron.delay_max")
    return ChipNeurons(
        profile.name,
        programmable is not None and bool(programmable.value),
        profile.whole("neuron.soft_reset_compartments") if soft else 0,
        _keeps(profile, "voltage"),
        _keeps(profile, "current"),
        profile.whole("neuron.delay_max") if delay else None,
    )


def check_neurons(network: FloatNetwork, chip: ChipNeurons) -> None:
    """Raise UserError where the chip's neurons cannot be a population of the folded `network`, by name."""
    for population in network.populations:
        _check_decays(population, chip)
        if not chip.is_programmable:
            _check_reset(population, chip)
    for c in network.connections:
        if chip.largest_delay is not None and c.delay > chip.largest_delay:
            raise UserError(
                f"connection {c.name!r}: a delay of {c.delay} steps; {chip.name} holds {chip.largest_delay}. "
                "Train with shorter delays, or choose another profile."
            )


def _keeps(profile: HardwareProfile, state: str) -> tuple[int, int]:
    """Return what a step can leave: a decay of b bits plus the offset is what it takes."""
    largest = 2 ** profile.whole(f"neuron.{state}_decay_bits") - 1
    offset = profile.whole(f"neuron.{state}_decay_offset")
    return max(0, DECAY_UNITY - offset - largest), DECAY_UNITY - offset


def _check_decays(population: FloatPopulation, chip: ChipNeurons) -> None:
    for name, (least, most) in (("voltage_keep", chip.voltage_keeps), ("current_keep", chip.current_keeps)):
        keeps = getattr(population, name) * DECAY_UNITY
        outside = np.flatnonzero((keeps < least) | (keeps > most))
        if len(outside):
            raise UserError(
                f"population {population.name!r}, channel {outside[0]}: {name} {keeps[outside[0]] / DECAY_UNITY:g}; "
                f"{chip.name} holds {least} to {most} / {DECAY_UNITY}. Choose --round-decays or another profile."
            )


def _check_reset(population: FloatPopulation, chip: ChipNeurons) -> None:
    where, way_out = f"population {population.name!r}", "Choose a chip with programmable neurons: --profile loihi2."
    if population.fires and population.reset == "subtract":
        cost = f" (it takes {chip.soft_reset_neurons} neurons each)" if chip.soft_reset_neurons else ""
        raise UserError(f"{where}: a soft reset; {chip.name} resets to 0 alone{cost}. {way_out}")
    for name in ("reset_value", "initial_value"):
        values = getattr(population, name)
        if values.any() and (population.fires or name == "initial_value"):
            channel = int((values != 0).argmax())
            raise UserError(
                f"{where}, channel {channel}: {name} {values[channel]:.3g}; {chip.name} has 0 alone. {way_out}"
            )
