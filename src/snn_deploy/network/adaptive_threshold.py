"""adaptive_threshold: thresholds that rise with each spike and sink back, for both network types.

The rise a of a threshold is a state of its own (ALIF, Bellec et al. 2018 and 2020): in step t a neuron fires above
threshold + a[t-1], then a[t] = keep * a[t-1], + step where it fired in t. In integers the product is
rounded toward zero as every decay, so a never exceeds step / (1 - keep / 4096), however long it fires: with that held
within 24 bits, no backend has to cut it off.
"""

import numpy as np

from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_STATE
from snn_deploy.support.user_error import UserError

ARRAYS = ("threshold_step", "threshold_keep")  # of a population; a file has them where some threshold adapts
LARGEST_KEEP = DECAY_UNITY - 1  # with 4096 the threshold would rise without end


def where_adapting(step: np.ndarray, keep: np.ndarray, *, fires: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return threshold_step and threshold_keep, (channels,) each, with 0 where they have no effect."""
    adapts = (step != 0) & fires
    return np.where(adapts, step, 0), np.where(adapts, keep, 0)


def largest_rise(step: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Return what no threshold rises beyond, in state units, int64 (channels,).

    step: int64, in state units. keep: in 1/4096, at most LARGEST_KEEP.
    """
    return step.astype(np.int64) * DECAY_UNITY // (DECAY_UNITY - keep.astype(np.int64))


def require_bounded(where: str, step: np.ndarray, keep: np.ndarray) -> None:
    """Raise UserError unless the thresholds of an integer population stay within 24 bits."""
    rises = largest_rise(step, keep)
    if (rises > LARGEST_STATE).any():
        channel = int(rises.argmax())
        raise UserError(
            f"{where}, channel {channel}: threshold_step {step[channel]} with threshold_keep {keep[channel]} / "
            f"{DECAY_UNITY} raises the threshold by up to {rises[channel]}; allowed is {LARGEST_STATE}, 24 bits. Take "
            "a smaller threshold_step or threshold_keep."
        )
