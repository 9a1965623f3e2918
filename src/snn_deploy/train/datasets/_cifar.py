"""_cifar: CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from the authors' files, the binary or the Python version.

The binary version is read here. The Python version is a pickle: torchvision reads it, after comparing its MD5.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.mnist_like import CACHE, DOWNLOAD_HELP
from snn_deploy.train.data.samples import Samples, Split

_PIXELS = 3 * 32 * 32
_MOST_RECORDS = 50_000  # of the largest file, CIFAR-100's train.bin


@dataclass(frozen=True)
class Cifar:
    """What the two data sets differ in. label_bytes: before each image in the binary files; the last is the class."""

    torchvision_name: str
    classes: int
    label_bytes: int
    binary_folder: str
    binary_files: dict[Split, tuple[str, ...]]
    python_folder: str

    def load(self, folder: str, split: Split, *, download: bool) -> Samples:
        """Return one split, (3, 32, 32) each; an empty `folder` is the cache, filled where `download` says so."""
        place = Path(folder).expanduser() if folder else CACHE.expanduser() / self.torchvision_name
        if folder and not place.is_dir():
            raise UserError(f"data folder {place}: no such folder. {self._help}")
        for binary in (place, place / self.binary_folder):
            if all((binary / name).is_file() for name in self.binary_files[split]):
                return self._read_binary(binary, split)
        if place.name == self.python_folder:
            place = place.parent
        is_there = (place / self.python_folder).is_dir()
        if folder and not is_there:
            raise UserError(f"data folder {place}: neither {self.binary_folder} nor {self.python_folder}. {self._help}")
        if not is_there and not download:
            raise UserError(f"data set {self.torchvision_name}: not on this machine. {DOWNLOAD_HELP} {self._help}")
        return self._read_with_torchvision(place, split, download=not is_there)

    def _read_binary(self, folder: Path, split: Split) -> Samples:
        record = self.label_bytes + _PIXELS
        parts = []
        for name in self.binary_files[split]:
            try:
                size = (folder / name).stat().st_size
                if size == 0 or size % record or size > _MOST_RECORDS * record:
                    raise UserError(
                        f"{folder / name}: {size} bytes, no whole number of records of {record}, or more than "
                        f"{_MOST_RECORDS}. Download it again."
                    )
                parts.append(np.fromfile(folder / name, np.uint8).reshape(-1, record))
            except OSError as error:
                raise UserError(f"{folder / name}: cannot be read ({error.strerror}).") from error
        records = np.concatenate(parts)
        labels = records[:, self.label_bytes - 1].astype(np.int64)
        if labels.max() >= self.classes:
            raise UserError(f"{folder}: a label {labels.max()}; {self.torchvision_name} has 0..{self.classes - 1}.")
        images = np.ascontiguousarray(records[:, self.label_bytes :]).reshape(-1, 3, 32, 32)
        return Samples(images, labels, self.classes)

    def _read_with_torchvision(self, place: Path, split: Split, *, download: bool) -> Samples:
        from torchvision import datasets  # noqa: PLC0415 - only this format needs it, and it loads torch

        try:
            data = getattr(datasets, self.torchvision_name)(str(place), train=split == "train", download=download)
        except (OSError, RuntimeError) as error:
            what = "not on this machine, and the download failed" if download else f"{place / self.python_folder}"
            raise UserError(f"data set {self.torchvision_name}: {what} ({error}). {self._help}") from error
        images = np.ascontiguousarray(np.asarray(data.data).transpose(0, 3, 1, 2))
        return Samples(images, np.asarray(data.targets, np.int64), self.classes)

    @property
    def _help(self) -> str:
        archive = self.python_folder.replace("-batches-py", "").replace("-python", "")
        return (
            f"Download {archive}-python.tar.gz or {archive}-binary.tar.gz from www.cs.toronto.edu/~kriz/cifar.html, "
            "unpack it, and give the folder it is in: --set data.folder=FOLDER."
        )
