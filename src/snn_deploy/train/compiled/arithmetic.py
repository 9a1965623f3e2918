"""Arithmetic: what the synapses of spikes are computed in while training; int8_synapses.py says what each rounds."""

from collections.abc import Mapping
from typing import Literal

# Currents, and where it is another format, gradients.
Arithmetic = Literal["float32", "int8", "int8-bfloat16"]
EVERY_ARITHMETIC: tuple[Arithmetic, ...] = ("float32", "int8", "int8-bfloat16")
IN_WORDS: Mapping[Arithmetic, str] = {
    "float32": "float32",
    "int8": "int8 with gradients in float32",
    "int8-bfloat16": "int8 with gradients in bfloat16",
}
