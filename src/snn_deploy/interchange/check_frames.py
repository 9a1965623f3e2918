"""check_frames: the inputs on which a network is compared with its source."""

import numpy as np

from snn_deploy.network.float_network import FloatInput
from snn_deploy.support.user_error import UserError

RANDOM_SAMPLES = 4  # where none are given
_SEED = 0


def check_frames(check: np.ndarray | int, entry: FloatInput, steps: int, *, steady: bool = False) -> np.ndarray:
    """Return whole numbers, (steps, samples, *input shape).

    check: such numbers; or (samples, *input shape), shown in every step; or how many samples are made at random, some
    fainter than others. steady: random samples show the same in every step.
    """
    if not isinstance(check, int):
        return _given(np.asarray(check), entry, steps)
    if check < 1:
        raise UserError(f"check is {check}; allowed is a number of samples from 1, or the samples.")
    rng, samples = np.random.default_rng(_SEED), max(2, int(check))  # of one sample, batch and steps look alike
    strength = np.linspace(1.0, 0.3, samples).reshape(1, samples, *[1] * len(entry.shape))
    values = rng.random((1 if steady else steps, samples, *entry.shape))
    frames = np.rint(values * strength * entry.largest_value) if entry.largest_value > 1 else values < strength / 2
    return np.ascontiguousarray(np.broadcast_to(frames, (steps, samples, *entry.shape)).astype(np.int64))


def _given(check: np.ndarray, entry: FloatInput, steps: int) -> np.ndarray:
    size = int(np.prod(entry.shape))
    inner = next((i for i in (1, 2) if check.ndim > i and int(np.prod(check.shape[i:])) == size), 0)
    if not inner or (inner == 2 and check.shape[0] != steps) or not len(check):
        raise UserError(
            f"check has the shape {check.shape}; allowed are (samples, *{entry.shape}) and ({steps}, samples, "
            f"*{entry.shape})."
        )
    if (check != np.rint(check)).any() or check.min() < 0 or check.max() > entry.largest_value:
        raise UserError(
            f"check holds {check.min():g}..{check.max():g}; allowed are whole numbers 0..{entry.largest_value}, which "
            f"times {entry.scale:g} are what the module gets. Of what it gets, give numpy.rint(check / "
            f"{entry.scale:g})."
        )
    frames = check.astype(np.int64).reshape(*check.shape[:inner], *entry.shape)
    if inner == 1:
        frames = np.broadcast_to(frames, (steps, *frames.shape))
    return frames if frames.shape[1] > 1 else np.repeat(frames, 2, axis=1)
