"""input_coding: how samples become what a network is shown.

Images are shown as they are in every step, or as times of spikes (first_spikes.py); signals by an encoder
(encoded_signals.py).
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.encoded_signals import Encoder, encoded
from snn_deploy.train.data.first_spikes import first_spikes
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.signals import Signals

Coding = Literal["direct", "ttfs"]


def coded(samples: Samples | Signals, coding: Coding, steps: int, encoder: Encoder | None = None) -> Samples:
    """Return `samples` as a network of `steps` steps is shown them: "ttfs" as sequences of 0 and 1.

    encoder: of signals, which need one; what are none take none.
    """
    if isinstance(samples, Signals):
        if encoder is None:
            raise UserError("the data are signals, and no encoder makes integers of them. Choose one: [encoder] name.")
        samples = encoded(samples, encoder, steps)
    elif encoder is not None:
        raise UserError("[encoder] encodes signals, and these samples are integers already. Leave it out.")
    if coding == "direct":
        return samples
    if samples.is_sequence:
        raise UserError(
            "coding 'ttfs' turns images into spikes, and these samples are sequences already. Leave it out."
        )
    pixels = samples.inputs[np.arange(len(samples.labels))]
    frames = np.moveaxis(first_spikes(pixels, samples.largest_value, steps), -1, 1)
    return replace(samples, inputs=np.ascontiguousarray(frames), largest_value=1, scale=1.0, is_sequence=True)
