"""devices: what a run can compute on, by name."""

from typing import Literal

Device = Literal["cpu", "cuda"]
EVERY_DEVICE: tuple[Device, ...] = ("cpu", "cuda")
