"""Units of hardware profiles: what each one measures and how much of the base unit it is.

Base units are joule, second, byte, bit, watt, volt, meter. Files convert here, when they are read, and nowhere else.
"""

from decimal import Decimal

# unit -> (base unit, how many base units). Decimal, so that 4.6 pJ becomes the float nearest to 4.6e-12 J.
UNITS: dict[str, tuple[str, Decimal]] = {
    "count": ("count", Decimal(1)),  # a whole number from 0
    "step": ("step", Decimal(1)),  # time steps of the network, a whole number from 0
    "1": ("1", Decimal(1)),  # a whole number that may be negative
    "ratio": ("ratio", Decimal(1)),
    "bit": ("bit", Decimal(1)),
    "B": ("B", Decimal(1)),
    "KiB": ("B", Decimal(1024)),
    "MiB": ("B", Decimal(1024**2)),
    "J": ("J", Decimal(1)),
    "nJ": ("J", Decimal("1e-9")),
    "pJ": ("J", Decimal("1e-12")),
    "fJ": ("J", Decimal("1e-15")),
    "s": ("s", Decimal(1)),
    "ms": ("s", Decimal("1e-3")),
    "us": ("s", Decimal("1e-6")),
    "ns": ("s", Decimal("1e-9")),
    "W": ("W", Decimal(1)),
    "mW": ("W", Decimal("1e-3")),
    "uW": ("W", Decimal("1e-6")),
    "V": ("V", Decimal(1)),
    "nm": ("m", Decimal("1e-9")),
    "mm2": ("m2", Decimal("1e-6")),
    "1/s": ("1/s", Decimal(1)),
    "name": ("name", Decimal(1)),  # a word or a sentence
    "formula": ("formula", Decimal(1)),  # a rule written as text
    "flag": ("flag", Decimal(1)),  # true or false
}
WHOLE = {"count", "step", "1", "bit", "B"}  # base units whose values are whole numbers
TEXT = {"name", "formula"}
