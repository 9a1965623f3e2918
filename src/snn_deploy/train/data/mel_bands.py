"""mel_bands: how loud sound is in bands that are equally wide to the ear, by torchaudio.

Window, hop and bands are as in ordinary speech recognition; every band's energy is in decibels, at most 80 below the
loudest of the recording.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from snn_deploy.support.foreign_parser import foreign_parser
from snn_deploy.support.npz_file import DAMAGE, reason
from snn_deploy.support.user_error import UserError

_DECIBELS = 80.0
_PART = 1 << 16  # values that are read at a time


def read_sound(path: Path, rate: int, longest: float) -> np.ndarray:
    """Return the recording at `path` as float64, (time,), the mean of its channels, of -1 to 1.

    rate: in Hz, that it must have. longest: in seconds, that it may last: a small file can hold much silence.
    """
    soundfile = _library("soundfile")
    try:
        with foreign_parser(), soundfile.SoundFile(path) as file:
            found, parts, most = file.samplerate, [], round(longest * rate)
            while len(part := file.read(_PART, always_2d=True)):
                parts.append(part.mean(1))
                if sum(map(len, parts)) > most:
                    break
    except DAMAGE as error:
        raise UserError(f"{path}: cannot be read as sound ({reason(error)}). Record or convert it again.") from error
    if found != rate:
        raise UserError(f"{path}: {found} values a second; data.rate is {rate}. Convert it, or set data.rate.")
    if sum(map(len, parts)) > most:
        raise UserError(f"{path}: longer than {longest:g} s. Cut it, or set data.longest.")
    sound = np.concatenate(parts) if parts else np.empty(0)
    if not len(sound) or not np.isfinite(sound).all():
        raise UserError(f"{path}: {len(sound)} values, or one that is infinite. Record it again.")
    return sound


def mel_bands(sound: np.ndarray, rate: int, bands: int, window: float, hop: float) -> np.ndarray:
    """Return decibels, float64 (bands, time), of `sound` in windows of `window` seconds, one every `hop` seconds."""
    functional = _library("torchaudio.functional")
    width, step = round(window * rate), round(hop * rate)
    size = 1 << (width - 1).bit_length()  # of the transform
    weights = functional.melscale_fbanks(size // 2 + 1, 0.0, rate / 2, bands, rate).double()
    whole = torch.from_numpy(np.pad(sound, (0, max(size - len(sound), 0))))
    powers = functional.spectrogram(
        whole, 0, torch.hann_window(width, dtype=torch.float64), size, step, width, 2.0, normalized=False, center=False
    )
    found = functional.amplitude_to_DB((powers.T @ weights).T[None], 10.0, 1e-10, 0.0, _DECIBELS)[0]
    return found.numpy()


def _library(name: str) -> Any:
    try:
        return __import__(name, fromlist=["_"])
    except (ImportError, OSError) as error:  # OSError: libsndfile is missing, or torchaudio is of another torch
        raise UserError(
            f"data audio_folder: needs {name.partition('.')[0]} ({reason(error)}): pip install 'snn-deploy[signals]'."
        ) from error
