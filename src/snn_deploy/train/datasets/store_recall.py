"""Data set `store_recall`: values go by, a cue stores some of them, and the class is the value stored last.

The task of Bellec et al. 2018 ("Long short-term memory and learning-to-learn in networks of spiking neurons"): each
frame shows one of two values; in some frames the store cue is on as well, and in the last frame the recall cue alone.
What is asked for is the value at the last store cue. The outputs here sum up what arrives in all steps, so each store
but the first overwrites another value than its own: sums alone cannot tell the classes, only their order does, over
frames that neurons without a long memory have forgotten.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split

_SEEDS = {"train": 0, "test": 1}
_STORE, _RECALL = 2, 3  # the inputs behind those of the two values


@dataclass(frozen=True)
class Dataset:
    """frames: of a sample; the last one recalls. width: steps of a frame; the config's steps must be frames * width.

    stores: how many frames have the store cue, each with the other value than the one before. samples: of the training
    split; half as many are tested.
    """

    frames: Annotated[int, Ge(3), Le(200)] = 10
    width: Annotated[int, Ge(1), Le(100)] = 4
    stores: Annotated[int, Ge(2), Le(100)] = 2
    samples: Annotated[int, Ge(10)] = 2000
    seed: Annotated[int, Ge(0)] = 0

    def load(self, split: Split) -> Samples:
        """Return sequences of shape (4,), value 0, value 1, store and recall: frames * width frames of 0 and 1."""
        count, shown = (self.samples if split == "train" else self.samples // 2), self.frames - 1
        if self.stores > shown:
            raise UserError(
                f"data.stores {self.stores} with data.frames {self.frames}: the last frame recalls, so that at most "
                f"{shown} store. Set data.frames to {self.stores + 1} or more."
            )
        rng = np.random.default_rng((self.seed, _SEEDS[split]))
        labels = np.arange(count, dtype=np.int64) % 2
        values = rng.integers(0, 2, (count, shown))
        places = np.sort(rng.permuted(np.tile(np.arange(shown), (count, 1)), axis=1)[:, : self.stores], axis=1)
        each = np.arange(count)[:, None]
        values[each, places] = (labels[:, None] + np.arange(self.stores)[::-1]) % 2
        frames = np.zeros((count, self.frames, 4), bool)
        frames[each, np.arange(shown), values] = True
        frames[each, places, _STORE] = True
        frames[:, -1, _RECALL] = True
        steps = frames.repeat(self.width, axis=1)
        return Samples(steps.astype(np.uint8), labels, 2, 1, 1.0, is_sequence=True)
