"""_sides: a channel as two inputs, of which one is 0: how far it is below its mean, and how far above."""

import numpy as np

from snn_deploy.train.data.signals import QuantizedSignals


def sides(signals: QuantizedSignals, signed: bool) -> np.ndarray:
    """Return uint8 (samples, kinds, channels, time): below and above the mean, or the values where not `signed`."""
    if not signed:
        return signals.values[:, None]
    difference = signals.values.astype(np.int64) - signals.middles[:, None]
    return np.stack([np.maximum(-difference, 0), np.maximum(difference, 0)], axis=1).astype(np.uint8)
