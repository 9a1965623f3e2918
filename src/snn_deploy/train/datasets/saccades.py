"""Data set `saccades`: the images of another data set, seen by an event camera that is moved as it was for N-MNIST.

What a pixel sends, and the sources: train/data/moved_camera.py. Equal options give equal bytes.
"""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le

from snn_deploy.support.atomic_file import atomic_path
from snn_deploy.support.npz_file import load_npy
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.checked_options import checked_options
from snn_deploy.train.data.data_set_name import DataSetName
from snn_deploy.train.data.moved_camera import DURATION, SACCADES, Camera, camera
from snn_deploy.train.data.packed_frames import PackedFrames
from snn_deploy.train.data.samples import Samples, Split

_CLOTHES = DataSetName("fashion_mnist")
_VERSION = 1  # of what equal options give; the name of the cached file has it
_SPLITS: dict[Split, int] = {"train": 0, "test": 1, "validation": 2}
_RED, _GREEN, _BLUE = 299, 587, 114  # thousandths of the brightness (ITU-R BT.601)
_MOST_PIXELS = 1 << 16


@dataclass(frozen=True)
class Dataset:
    """folder: where the images are, the first option of their data set; empty is that set's own default. images: the
    name of that data set. download: what is not there.

    steps_per_saccade: frames of each of the three saccades of 0.1 s; the config's steps must be three times as many.
    reach: pixels that the camera moves to either side and back; frames are so much higher and wider than the images.
    threshold: of an event, in natural logarithms of the brightness. mismatch: its standard deviation from pixel to
    pixel. refractory: milliseconds in which a pixel that sent an event sends none. noise: events a pixel and second.
    seed: of mismatch and noise. cache: where frames are kept once they are made; empty is nowhere.
    """

    folder: str = ""
    images: DataSetName = _CLOTHES
    download: bool = False
    steps_per_saccade: Annotated[int, Ge(1), Le(100)] = 8
    reach: Annotated[int, Ge(1), Le(64)] = 4
    threshold: Annotated[float, Gt(0.01), Le(5)] = 2.0
    mismatch: Annotated[float, Ge(0), Le(1)] = 0.03
    refractory: Annotated[float, Ge(0), Le(100)] = 1.0
    noise: Annotated[float, Ge(0), Le(1000)] = 0.1
    seed: Annotated[int, Ge(0)] = 0
    cache: str = "~/.cache/snn-deploy/saccades"

    @property
    def has_validation(self) -> bool:
        """Whether the images have a validation split."""
        return bool(getattr(self._images(), "has_validation", False))

    def load(self, split: Split) -> Samples:
        """Return sequences of frames (2, height + reach, width + reach) of 0 and 1, darker first."""
        samples = self._images().load(split)
        if not isinstance(samples, Samples) or samples.is_sequence:
            raise UserError(f"data.images {self.images!r}: are no images. Choose a data set of images.")
        pixels = _brightness(samples.inputs[np.arange(len(samples.labels))], samples.largest_value)
        height, width = pixels.shape[1:]
        if height * width > _MOST_PIXELS:
            raise UserError(
                f"data.images {self.images!r}: {height} x {width} pixels; allowed are {_MOST_PIXELS} in all."
            )
        shape = (SACCADES * self.steps_per_saccade, 2, height + self.reach, width + self.reach)
        bits = self._kept(pixels, split, shape)
        frames = PackedFrames(bits, shape)
        return Samples(frames, samples.labels, samples.classes, 1, 1.0, is_sequence=True)  # type: ignore[arg-type]

    def camera(self, size: tuple[int, int]) -> Camera:
        """Return the camera for images of `size`, (height, width): the same one for all of them."""
        return camera(
            size,
            reach=self.reach,
            threshold=self.threshold,
            mismatch=self.mismatch,
            refractory=round(1000 * self.refractory),
            noise=self.noise,
            rng=np.random.default_rng(self.seed),
        )

    def _images(self) -> Any:
        kind = load_plugin("train.datasets", self.images).Dataset
        known = [field.name for field in fields(kind)]
        options: dict[str, Any] = {known[0]: self.folder} if self.folder and known else {}
        if "download" in known:
            options["download"] = self.download
        return checked_options(kind, options, f"data.images {self.images!r}")

    def _kept(self, pixels: np.ndarray, split: Split, shape: tuple[int, ...]) -> np.ndarray:
        """Return the packed frames of images `pixels`, from the cache if they are there."""
        if not self.cache:
            return self._made(pixels, split, shape)
        path = Path(self.cache).expanduser() / f"{self._digest(pixels, split)}.npy"
        size = (len(pixels), -(-int(np.prod(shape)) // 8))
        if path.is_file():
            try:
                bits = load_npy(path)
                if bits.shape == size and bits.dtype == np.uint8:
                    return bits
            except UserError:
                pass  # damaged: made again
        bits = self._made(pixels, split, shape)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, bits)
        return bits

    def _digest(self, pixels: np.ndarray, split: Split) -> str:
        places = {"folder", "images", "download", "cache"}
        stated = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in places}
        text = json.dumps([_VERSION, split, pixels.shape, stated], sort_keys=True)
        return hashlib.sha256(text.encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()

    def _made(self, pixels: np.ndarray, split: Split, shape: tuple[int, ...]) -> np.ndarray:
        _, height, width = pixels.shape
        seen, steps = self.camera((height, width)), shape[0]
        packed = []
        for index, image in enumerate(pixels):
            rng = np.random.default_rng((self.seed, _SPLITS[split], index))
            events = seen.events(image, rng)
            step = events.t.astype(np.int64) * steps // DURATION
            frames = events.counted(step, steps, seen.sensor, seen.sensor, "binary", "saccades")
            packed.append(np.packbits(frames))
        return np.stack(packed)


def _brightness(images: np.ndarray, largest: int) -> np.ndarray:
    """Return uint8 (samples, height, width), 0 to 255, of images (samples, channels, height, width)."""
    channels = images.shape[1]
    if channels not in (1, 3):
        raise UserError(f"data.images: {channels} channels; allowed are 1 and 3.")
    grey = images[:, 0].astype(np.int64)
    if channels == 3:
        grey = (_RED * grey + _GREEN * images[:, 1].astype(np.int64) + _BLUE * images[:, 2]) // 1000
    return (grey * 255 // largest).astype(np.uint8)
