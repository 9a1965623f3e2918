"""quantity: a value of a hardware profile, with where it comes from."""

from dataclasses import dataclass
from typing import Literal, get_args

Confidence = Literal["sure", "likely", "assumption"]
CONFIDENCES: tuple[str, ...] = get_args(Confidence)

Scalar = int | float | str | bool
Value = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True)
class Quantity:
    """A value in base units (J, s, B, bit, W, V, m, count, ...), its source and how sure it is."""

    value: Value
    unit: str
    source: str
    confidence: Confidence
    note: str = ""
