"""neurons: what the neurons of a chip can do, from its profile."""

from dataclasses import dataclass

from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.state_units import DECAY_UNITY


@dataclass(frozen=True)
class ChipNeurons:
    """Abilities of a chip's neurons.

    is_programmable: whether its neurons can have a soft reset, a reset value other than 0, an initial value and a
    threshold that adapts. soft_reset_neurons: how many neurons a soft reset takes where it is not programmable; 0:
    unknown. voltage_keeps, current_keeps: the least and the most that a step can leave, in 1/4096. largest_delay: in
    steps.
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


def _keeps(profile: HardwareProfile, state: str) -> tuple[int, int]:
    """Return what a step can leave: a decay of b bits plus the offset is what it takes."""
    largest = 2 ** profile.whole(f"neuron.{state}_decay_bits") - 1
    offset = profile.whole(f"neuron.{state}_decay_offset")
    return max(0, DECAY_UNITY - offset - largest), DECAY_UNITY - offset
