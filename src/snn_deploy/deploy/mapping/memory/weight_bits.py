"""weight_bits: how many bits the weights of a block take, as a chip stores them.

A core stores the synapses of a connection in the fewest bits that hold them. With both signs, b bits hold
-2^(b - 1)..2^(b - 1) - 1; weights of one sign need no bit for it (nengo-loihi block.py:523-525: the mantissa is the
weight shifted left by 8 - b, and by one more with both signs; the exponent takes it back).
"""

from snn_deploy.hardware_profiles.profile import HardwareProfile


def weight_bits(least: int, most: int, profile: HardwareProfile) -> int:
    """Return the bits of weights from `least` to `most` on a chip of `profile`; its widest where none holds them."""
    if least < 0 < most:
        needed = 1 + max(most.bit_length(), (-least - 1).bit_length())
    else:
        needed = max(1, most.bit_length(), (-least).bit_length())
    widest = profile.whole("weight.stored_bits_max")
    return next((bits for bits in stored_widths(profile) if bits >= needed), widest)


def stored_widths(profile: HardwareProfile) -> list[int]:
    """Return the numbers of bits that weights can be stored in, smallest first."""
    listed, widest = profile.find("weight.stored_bits_allowed"), profile.whole("weight.stored_bits_max")
    widths = listed.value if listed and isinstance(listed.value, tuple) else range(1, widest + 1)
    return sorted(int(bits) for bits in widths if int(bits) <= widest)
