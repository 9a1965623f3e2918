"""mnist_like: where the files of MNIST and Fashion-MNIST come from: a folder of idx files, or torchvision."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.idx_file import has_idx_files, read_idx_samples
from snn_deploy.train.data.samples import Samples, Split

LARGEST_PADDING = 64
CACHE = Path("~/.cache/snn-deploy")
DOWNLOAD_HELP = "Let it be downloaded: --data NAME, or --set data.download=true for a training."


def load_mnist_like(
    torchvision_name: str, folder: str, usual_places: tuple[str, ...], split: Split, *, download: bool
) -> Samples:
    """Return one split of the data set that torchvision calls `torchvision_name`.

    folder: where the idx files are; empty: they are searched for in `usual_places` and in the cache, and downloaded
    into the cache by torchvision if they are in none of these and `download` says so.
    """
    if folder:
        return read_idx_samples(Path(folder).expanduser(), split)
    cache = CACHE.expanduser()
    for place in (*usual_places, str(cache / torchvision_name)):
        if has_idx_files(Path(place)):
            return read_idx_samples(Path(place), split)
    if not download:
        raise UserError(f"data set {torchvision_name}: not on this machine. {DOWNLOAD_HELP}")
    from torchvision import datasets  # noqa: PLC0415 - only a download needs it, and it loads torch

    try:
        getattr(datasets, torchvision_name)(str(cache), download=True)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"data set {torchvision_name}: not on this machine, and the download failed ({error}). Get the four idx "
            "files another way and give their folder: --set data.folder=FOLDER. "
            "(Debian and Ubuntu: apt install dataset-fashion-mnist installs Fashion-MNIST.)"
        ) from error
    return read_idx_samples(cache / torchvision_name, split)


def padded(samples: Samples, padding: int) -> Samples:
    """Return images, (count, channels, height, width), with `padding` pixels of zeros on each side."""
    if not padding:
        return samples
    sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    return replace(samples, inputs=np.pad(samples.inputs, sides))
