"""_image_files: images that stay on disk until they are indexed, cut to one size."""

import logging
import os
import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.support.npz_file import EXPANSION, reason
from snn_deploy.support.user_error import UserError

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else what it says of damage goes to standard error

_MOST_READERS = 8
_SLACK = 1 << 24  # bytes of pixels that need no proof: some formats write one colour in next to nothing
_MOST_PIXELS = 1 << 26  # of an image after resizing
# What pillow's readers raise on damage.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, struct.error,
           zlib.error, OverflowError, MemoryError, RuntimeError, ArithmeticError, AssertionError)  # fmt: skip
_NARROW_MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV", "LAB")  # eight bits or fewer, without transparency


@dataclass(frozen=True)
class ImageFiles:
    """Behaves like a uint8 array (images, channels, height, width); indexing reads the files.

    resize: what the shorter side becomes (bilinear, as torchvision's Resize); then the middle is cut out.
    """

    paths: tuple[str, ...]
    channels: int
    height: int
    width: int
    resize: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(images, channels, height, width)."""
        return len(self.paths), self.channels, self.height, self.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of every value: uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        """Return the chosen images; a number gives one of them, without the first axis."""
        picked = np.arange(len(self.paths))[chosen]
        if picked.ndim == 0:
            return self._read(self.paths[int(picked)])
        images = np.empty((len(picked), *self.shape[1:]), np.uint8)
        with ThreadPoolExecutor(min(_MOST_READERS, os.cpu_count() or 1)) as readers:
            for place, image in enumerate(readers.map(self._read, (self.paths[i] for i in picked))):
                images[place] = image
        return images

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.uint8, copy=False)

    def first(self, count: int) -> "ImageFiles":
        """Return the first `count` images, still unread."""
        return replace(self, paths=self.paths[:count])

    def ordered(self, order: Sequence[int] | np.ndarray) -> "ImageFiles":
        """Return the images in another order, still unread."""
        return replace(self, paths=tuple(self.paths[i] for i in order))

    def _read(self, path: str) -> np.ndarray:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only data sets of files need it

        try:
            with Image.open(path) as image:
                _require_honest(path, image)
                _require_eight_bits(path, image)
                pixels = self._cut(image.convert("RGB" if self.channels == 3 else "L"))
        except UserError:
            raise
        except (UnidentifiedImageError, Image.DecompressionBombError, *_DAMAGE) as error:
            raise UserError(f"{path}: not a readable image ({reason(error)}). Repair or remove the file.") from error
        return pixels.transpose(2, 0, 1) if self.channels == 3 else pixels[None]

    def _cut(self, image: Any) -> np.ndarray:
        from PIL import Image  # noqa: PLC0415

        shorter = min(image.size)
        width, height = (max(round(side * self.resize / shorter), self.resize) for side in image.size)
        if width * height > _MOST_PIXELS:
            raise ValueError(f"{image.size[0]} x {image.size[1]} pixels are too narrow for {self.resize}")
        if (width, height) != image.size:
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = round((width - self.width) / 2), round((height - self.height) / 2)
        return np.asarray(image)[top : top + self.height, left : left + self.width]


def _require_honest(path: str, image: Any) -> None:
    """Raise ValueError for an image that claims more pixels than its bytes can be, before any is unpacked."""
    (width, height), size = image.size, Path(path).stat().st_size
    claimed = width * height * len(image.getbands())
    if claimed > EXPANSION * size + _SLACK:
        raise ValueError(f"it claims {width} x {height} pixels and has {size} bytes")


def _require_eight_bits(path: str, image: Any) -> None:
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        if image.convert("RGBA").getextrema()[3][0] < 255:
            raise UserError(f"{path}: has transparent pixels, which have no colour. Save it on a background.")
    elif image.mode not in _NARROW_MODES:
        raise UserError(f"{path}: pixels of type {image.mode}; allowed are 8 bits per channel. Convert it.")
