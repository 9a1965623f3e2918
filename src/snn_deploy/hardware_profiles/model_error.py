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
    ends = _ends(profile, quantity)
    if ends is None:
        told = "this model was held against no network that was measured on this chip"
    else:
        told = f"on the networks measured on chips this model was off by {ends}"
    return f"{_words(quantity)}: {told} ({_PAGE})"


def error_item(profile: HardwareProfile, quantity: str) -> str:
    """Return the same as an item of a list that says what its numbers are."""
    return f"{_words(quantity)}: {_ends(profile, quantity) or 'not measured'}"


def _ends(profile: HardwareProfile, quantity: str) -> str | None:
    found = model_error(profile, quantity)
    ends = () if found is None else dict.fromkeys(f"{100 * end:+.0f} %" for end in found)  # one where both are alike
    return " to ".join(ends) or None


def _words(quantity: str) -> str:
    return quantity.replace("_", " ").replace(" second hand", ", by constants known second hand")
