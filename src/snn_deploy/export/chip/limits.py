"""limits: what a chip can hold of weights, thresholds, biases and states, from its profile."""

from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.state_units import STATE_SHIFT
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.user_error import UserError


def limits_of(chip: HardwareProfile, weight_bits: int, *, per_channel: bool = False, lava_dl: bool = False) -> Limits:
    """Return what `chip` can hold, with weights of `weight_bits`.

    lava_dl: whether lava-dl's files must hold it as well, in which biases count weight steps and not fractions of one,
    and the connections that reach a population share an exponent.
    """
    if chip.kind != "neurocore":
        raise UserError(f"profile {chip.name!r} is a way to count energy, not a chip. Choose loihi1 or loihi2.")
    stored, most = chip.whole("weight.stored_bits_max"), most_weight_bits(chip)
    if not 2 <= weight_bits <= most:
        raise UserError(
            f"weights of {weight_bits} bits; {chip.name} stores signed weights of 2 to {stored} bits"
            + (f", and {most} where all weights of a connection share their sign." if most > stored else ".")
        )
    bias_exponent = chip.whole("neuron.bias_exponent_max")
    if lava_dl and bias_exponent < STATE_SHIFT:
        raise UserError(f"--lava-dl: biases of {chip.name} have exponents up to {bias_exponent}. Leave it out.")
    thresholds, accumulator = chip.find("core.max_threshold_profiles"), chip.find("neuron.accumulator_bits")
    return Limits(
        weight_bits,
        per_channel,
        chip.whole("neuron.threshold_mantissa_max"),
        min(chip.whole("neuron.u_bits"), chip.whole("neuron.v_bits")),
        chip.whole("core.max_threshold_profiles") if thresholds else None,
        min(chip.whole("neuron.bias_mantissa_max"), -chip.whole("neuron.bias_mantissa_min")),
        STATE_SHIFT if lava_dl else bias_exponent,
        STATE_SHIFT if lava_dl else 0,
        chip.whole("neuron.accumulator_bits") if accumulator else None,
        lava_dl,
    )


def most_weight_bits(chip: HardwareProfile) -> int:
    """Return the bits of the widest weights: one more than are stored where a connection can have one sign."""
    stored, modes = chip.whole("weight.stored_bits_max"), chip.quantity("weight.sign_modes").value
    return stored + 1 if isinstance(modes, tuple) and {"excitatory", "inhibitory"} <= set(modes) else stored
