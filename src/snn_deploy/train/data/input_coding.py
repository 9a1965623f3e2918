"""input_coding: how images become what a network is shown: as they are in every step, or as times of spikes.

TTFS, time to first spike (TB Sec. 2): a pixel spikes once, the brighter the earlier, a black one never.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples

Coding = Literal["direct", "ttfs"]


def coded(samples: Samples, coding: Coding, steps: int) -> Samples:
    """Return `samples` as a network of `steps` steps is shown them: "ttfs" as sequences of 0 and 1.

    Of n steps, step k has the pixels from (n - k - 1) / n of the largest value on that are not in an earlier one.
    """
    if coding == "direct":
        return samples
    if samples.is_sequence:
        raise UserError(
            "coding 'ttfs' turns images into spikes, and these samples are sequences already. Leave it out."
        )
    pixels = np.asarray(samples.inputs[np.arange(len(samples.labels))], np.int64)
    step = np.minimum((samples.largest_value - pixels) * steps // samples.largest_value, steps - 1)
    frames = (step[:, None] == np.arange(steps).reshape(1, -1, *[1] * (pixels.ndim - 1))) & (pixels[:, None] > 0)
    return replace(samples, inputs=frames.astype(np.uint8), largest_value=1, scale=1.0, is_sequence=True)
