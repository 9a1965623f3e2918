"""Data set `audio_folder`: sound as the loudness of mel bands."""

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.mel_bands import mel_bands
from snn_deploy.train.datasets.audio_folder import Dataset

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("torchaudio")
RATE = 8000


def tone(frequency, seconds=0.25):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


@pytest.fixture
def folder(tmp_path):
    for name, frequency in (("high", 3000), ("low", 300)):
        (tmp_path / name).mkdir()
        for i in range(5):
            soundfile.write(tmp_path / name / f"{i}.wav", tone(frequency, 0.2 + 0.02 * i), RATE)
    return tmp_path


def test_a_tone_is_loudest_in_its_band_and_at_most_80_decibels_above_the_others():
    found = mel_bands(tone(1000), RATE, 20, 0.032, 0.016)
    assert found.shape == (20, 1 + (2000 - 256) // 128)
    mel = 2595 * np.log10(1 + 1000 / 700)  # O'Shaughnessy's scale, of torchaudio's default
    edges = np.linspace(0, 2595 * np.log10(1 + (RATE / 2) / 700), 22)
    assert (found.argmax(0) == np.abs(edges[1:-1] - mel).argmin()).all()
    assert found.max() - found.min() <= 80


def test_a_sound_shorter_than_a_window_is_one_value():
    assert mel_bands(tone(1000, 0.01), RATE, 8, 0.032, 0.016).shape == (8, 1)


def test_classes_are_folders_and_every_fifth_recording_is_for_testing(folder):
    data = Dataset(str(folder), rate=RATE, bands=12)
    training, test = data.load("train"), data.load("test")
    assert (training.values.shape[:2], test.values.shape[:2], test.classes) == ((8, 12), (2, 12), 2)
    assert sorted(set(training.lengths.tolist())) == [
        1 + (round((0.2 + 0.02 * i) * RATE) - 256) // 80 for i in range(4)
    ]
    loudest = {int(label): int(v[:, 0].argmax()) for label, v in zip(test.labels, test.values, strict=True)}
    assert loudest[0] > loudest[1]  # high, low
    assert test.span.most.tolist() == training.span.most.tolist()


def test_what_is_no_such_sound_is_one_line(folder):
    with pytest.raises(UserError, match=r"8000 values a second; data\.rate is 16000"):
        Dataset(str(folder)).load("train")
    with pytest.raises(UserError, match=r"longer than 0\.1 s"):
        Dataset(str(folder), rate=RATE, longest=0.1).load("train")
    with pytest.raises(UserError, match="Make them longer"):
        Dataset(str(folder), rate=RATE, hop=1e-6).load("train")
    (folder / "low" / "0.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    with pytest.raises(UserError, match="cannot be read as sound"):
        Dataset(str(folder), rate=RATE).load("train")


def test_a_small_file_of_much_silence_is_not_unpacked(folder):
    path = folder / "low" / "0.flac"
    soundfile.write(path, np.zeros(RATE * 600, np.int16), RATE)
    assert path.stat().st_size < 100_000
    with pytest.raises(UserError, match="longer than 10 s"):
        Dataset(str(folder), rate=RATE).load("train")
