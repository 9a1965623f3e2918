"""Data set `moving_shapes`: events of bars and discs that move in one of four directions, made by a seeded script.

Eight classes, shape by direction. A shape crosses the picture from a random place at a random speed. A pixel sends an
event, brighter or darker, whenever its brightness has changed by a third since its last event; some noise is added. No
single frame tells the direction: only their order does.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.train.data.events import Events, FrameValues
from snn_deploy.train.data.samples import Samples, Split

_INSTANTS = 32  # at which brightness is compared
_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # (down, right) of a unit step: right, left, down, up
_SHAPES = ("bar", "disc")
_CHANGE = 1 / 3  # of the brightness since its last event, from which on a pixel sends one
_SEEDS = {"train": 0, "test": 1}


@dataclass(frozen=True)
class Dataset:
    """steps: frames of a sample; the config's steps must be the same. size: of the picture. values: of a frame's pixel.

    samples: of the training split; a fifth as many are tested. noise: events of noise a sample, on average.
    """

    steps: Annotated[int, Ge(1), Le(1000)] = 8
    size: Annotated[int, Ge(8), Le(128)] = 16
    values: FrameValues = "binary"
    samples: Annotated[int, Ge(10)] = 1600
    noise: Annotated[float, Ge(0)] = 10.0
    seed: Annotated[int, Ge(0)] = 0

    def load(self, split: Split) -> Samples:
        """Return sequences of shape (2, size, size), `steps` frames each."""
        count = self.samples if split == "train" else self.samples // 5
        rng = np.random.default_rng((self.seed, _SEEDS[split]))
        labels = np.arange(count) % (len(_SHAPES) * len(_DIRECTIONS))
        sides, where = (self.size, self.size), "moving_shapes"
        frames = [self.events(int(n), rng).frames(self.steps, sides, sides, self.values, where) for n in labels]
        most = 1 if self.values == "binary" else 255
        return Samples(np.stack(frames), labels.astype(np.int64), 8, most, 1.0, is_sequence=True)

    def events(self, label: int, rng: np.random.Generator) -> Events:
        """Return the events of one sample of class `label`, 2 * direction + shape."""
        direction, shape = divmod(label, len(_SHAPES))
        pictures = self._pictures(_DIRECTIONS[direction], _SHAPES[shape], rng)
        known, changes = pictures[0].copy(), np.zeros_like(pictures[1:])
        for instant, picture in enumerate(pictures[1:]):
            sends = np.abs(picture - known) > _CHANGE
            changes[instant] = np.where(sends, picture - known, 0)
            known = np.where(sends, picture, known)
        t, y, x = np.nonzero(changes)
        polarity = (changes[t, y, x] > 0).astype(np.int64)
        extra = rng.poisson(self.noise)
        noisy = [rng.integers(0, n, extra) for n in (_INSTANTS - 1, self.size, self.size, 2)]
        t, y, x, polarity = (np.concatenate(pair) for pair in zip((t, y, x, polarity), noisy, strict=True))
        t = t + rng.random(len(t))  # between two instants
        order = np.argsort(t)
        return Events(x[order], y[order], t[order], polarity[order])

    def _pictures(self, direction: tuple[int, int], shape: str, rng: np.random.Generator) -> np.ndarray:
        """Return the brightness, (_INSTANTS, size, size), 0 to 1."""
        travelled = self.size * rng.uniform(0.6, 1.0)
        along = (np.linspace(-0.5, 0.5, _INSTANTS) * travelled)[:, None, None]
        across = rng.uniform(-0.2, 0.2) * self.size
        row, column = np.mgrid[: self.size, : self.size] - (self.size - 1) / 2
        down, right = direction
        ahead = row * down + column * right - along
        aside = row * right + column * down - across
        half = self.size / 6
        if shape == "disc":
            inside = half - np.hypot(ahead, aside)
        else:
            inside = np.minimum(half / 2 - np.abs(ahead), 2 * half - np.abs(aside))
        return np.clip(inside + 0.5, 0, 1)
