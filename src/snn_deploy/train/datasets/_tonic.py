"""_tonic: the published event sets as frames, read by tonic (Lenz et al.), which also downloads them when asked."""

from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.support.foreign_parser import foreign_parser
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.events import FrameValues, checked_events
from snn_deploy.train.data.samples import Samples


def tonic_set(name: str, ending: str, folder: str, download: bool, **options: Any) -> Any:
    """Return tonic's data set `name` from `folder`, where it lies in tonic's layout: FOLDER/NAME/...

    The set counts as present if it has any file that ends with `ending`; otherwise it is downloaded if `download`
    says so, or a UserError says how to get it.
    """
    try:
        import tonic  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        raise UserError(f"data {name}: is read by tonic: pip install 'snn-deploy[events]'.") from error
    kind = getattr(tonic.datasets, name)
    place = Path(folder).expanduser()
    is_there = any((place / name).rglob(f"*{ending}"))
    if not is_there and not download:
        raise UserError(
            f"data {name}: no {ending} files in {place / name}. Copy it there, or let it be downloaded: "
            "--set data.download=true."
        )
    local = type(name, (kind,), {"_check_exists": lambda self: is_there})  # a part of the set is enough
    try:
        return local(str(place), **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"data {name}: cannot be read or downloaded ({error}).") from error


def frames_of(recordings: Any, chosen: np.ndarray, classes: int, steps: int, size: int, values: FrameValues) -> Samples:
    """Return `chosen` recordings of a tonic data set as (2, size, size) frames in sequence; size 0: the sensor's."""
    width, height, _ = recordings.sensor_size
    shape = (size, size) if size else (height, width)
    frames, labels = [], []
    for index in chosen.tolist():
        where = str(recordings.data[index])
        try:
            with foreign_parser():
                events, label = recordings[index]
        except Exception as error:  # tonic's readers raise whatever they meet
            raise UserError(f"{where}: cannot be read ({error}). Download it again.") from error
        order = np.argsort(events["t"], kind="stable")  # some sets are not in order by a microsecond
        x, y, t, p = (np.asarray(events[name])[order] for name in "xytp")
        frames.append(checked_events(x, y, t, p, where).frames(steps, (height, width), shape, values, where))
        labels.append(int(label))
    if not frames:
        raise UserError(
            f"data {type(recordings).__name__}: no recordings of this split. Copy them there, or download it."
        )
    most = 1 if values == "binary" else 255
    return Samples(np.stack(frames), np.asarray(labels, np.int64), classes, most, 1.0, is_sequence=True)


def shuffled(count: int) -> np.ndarray:
    """Return the recordings in one fixed random order, so that the first are of all classes."""
    return np.random.default_rng(0).permutation(count)
