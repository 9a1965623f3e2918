"""model_error: how far a chip's model was off on networks that were measured on chips, as one line.

The numbers are the profile's `[silicon]`: estimate / measurement. benchmarks/silicon.py computes them; a test compares.
"""

from snn_deploy.hardware_profiles.profile import HardwareProfile

_PAGE = "snn-deploy help silicon"


def model_error(profile: HardwareProfile, quantity: str) -> tuple[float, float] | None:
    """Return (least, most) by which estimates of `quantity` ("cores", "step_time", ...) were off; 1 is as much again.

    None where nothing that was measured on the chip was estimated.
    """
    found = profile.find(f"silicon.{quantity}")
    if found is None or not isinstance(found.value, tuple):
        return None
    least, most = found.value
    return float(least) - 1, float(most) - 1


def error_line(profile: HardwareProfile, quantity: str) -> str:
    """Return what was found for `quantity`, for people."""
    found = model_error(profile, quantity)
    what = quantity.replace("_", " ")
    if found is None:
        return f"{what}: this model was held against no network that was measured on this chip ({_PAGE})"
    ends = dict.fromkeys(f"{100 * end:+.0f} %" for end in found)  # one where both are alike
    return f"{what}: on the networks measured on chips this model was off by {' to '.join(ends)} ({_PAGE})"
