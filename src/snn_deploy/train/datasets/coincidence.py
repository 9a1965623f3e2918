"""Data set `coincidence`: two inputs spike once each, and the class is by how many steps the second is later.

A network without delays, whose neurons forget between two spikes, cannot tell the classes: in every step it sees one
spike or none, the same ones whatever the class. A neuron whose first input waits as long as the second is late gets
both at once. It is the smallest task that needs delays; Hammouamri et al. (ICLR 2024) learn such ones on speech.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split

_SEEDS = {"train": 0, "test": 1}


@dataclass(frozen=True)
class Dataset:
    """steps: of a sample; the config's steps must be the same. classes: class k is a lag of (k + 1) * apart steps.

    samples: of the training split; half as many are tested. noise: the share of silent places that spike by chance.
    """

    steps: Annotated[int, Ge(4), Le(1000)] = 32
    classes: Annotated[int, Ge(2), Le(20)] = 4
    apart: Annotated[int, Ge(1), Le(62)] = 4
    samples: Annotated[int, Ge(10)] = 2000
    noise: Annotated[float, Ge(0), Le(0.5)] = 0.0
    seed: Annotated[int, Ge(0)] = 0

    def load(self, split: Split) -> Samples:
        """Return sequences of shape (2,): `steps` frames of 0 and 1."""
        longest = self.classes * self.apart
        if longest >= self.steps:
            raise UserError(
                f"data.classes {self.classes} that are data.apart {self.apart} steps apart: the longest lag is "
                f"{longest} steps, and a sample has {self.steps}. Set data.steps and steps to {longest + 1} or more."
            )
        count = self.samples if split == "train" else self.samples // 2
        rng = np.random.default_rng((self.seed, _SEEDS[split]))
        labels = np.arange(count, dtype=np.int64) % self.classes
        lags = (labels + 1) * self.apart
        first = rng.integers(0, self.steps - lags)
        frames = rng.random((count, self.steps, 2)) < self.noise
        each = np.arange(count)
        frames[each, first, 0] = True
        frames[each, first + lags, 1] = True
        return Samples(frames.astype(np.uint8), labels, self.classes, 1, 1.0, is_sequence=True)
