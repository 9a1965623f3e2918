"""packed_frames: frames of 0 and 1 that take a bit each until they are indexed."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PackedFrames:
    """Behaves like a uint8 array (samples, *sample_shape) of 0 and 1; indexing unpacks.

    bits: (samples, bytes), as numpy.packbits makes them.
    """

    bits: np.ndarray
    sample_shape: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(samples, *sample_shape)."""
        return len(self.bits), *self.sample_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of every value: uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.bits)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        """Return the chosen samples; a number gives one of them, without the first axis."""
        bits = self.bits[chosen]
        values = np.unpackbits(bits, axis=-1, count=int(np.prod(self.sample_shape)))
        return values.reshape(*bits.shape[:-1], *self.sample_shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.uint8, copy=False)

    def first(self, count: int) -> "PackedFrames":
        """Return the first `count` samples, still packed."""
        return replace(self, bits=self.bits[:count])

    def ordered(self, order: np.ndarray) -> "PackedFrames":
        """Return the samples in another order, still packed."""
        return replace(self, bits=self.bits[order])
