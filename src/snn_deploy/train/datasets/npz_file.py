"""Data set `npz_file`: images and labels of your own, in one numpy file.

Arrays train_images, train_labels, test_images, test_labels (x_train, y_train, x_test, y_test are understood too), or
images and labels alone, of which every fifth sample is held out for testing. Beside the first four there may be
val_images and val_labels (x_val, y_val) for validation. To measure a network that was trained elsewhere, test_images
and test_labels are enough. Images are uint8, (samples, height, width) or (samples, channels, height, width).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge

from snn_deploy.support.npz_file import DAMAGE, load_npz, open_npz
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split

_HELD_OUT = 5
_NAMES: dict[Split, tuple[tuple[str, str], ...]] = {
    "train": (("train_images", "train_labels"), ("x_train", "y_train")),
    "validation": (("val_images", "val_labels"), ("x_val", "y_val")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}


@dataclass(frozen=True)
class Dataset:
    """file: the .npz. channels_last: whether images are (samples, height, width, channels) instead.

    classes: how many there are; 0 counts them, and every number from 0 to the largest label must then occur.
    """

    file: str
    channels_last: bool = False
    classes: Annotated[int, Ge(0)] = 0

    @property
    def has_validation(self) -> bool:
        """Whether the file has arrays for each of the three splits."""
        try:
            with open_npz(Path(self.file).expanduser()) as members:
                return all(any(pair[0] in members.names for pair in pairs) for pairs in _NAMES.values())
        except DAMAGE:
            return False  # load says what is wrong

    def load(self, split: Split) -> Samples:
        """Return the samples of `split`."""
        path = Path(self.file).expanduser()
        arrays = load_npz(path)
        pairs = {s: next((p for p in pairs if p[0] in arrays), None) for s, pairs in _NAMES.items()}
        if pairs["train"] and pairs["test"]:
            samples = {s: self._samples(path, arrays, *pair) for s, pair in pairs.items() if pair}
            classes = self._counted(path, np.concatenate([s.labels for s in samples.values()]))
            return replace(samples[split], classes=classes)
        if pairs["test"] and split == "test":
            return self._samples(path, arrays, *pairs["test"])
        if "images" not in arrays:
            raise UserError(
                f"{path}: arrays {', '.join(arrays) or 'none'}; it needs train_images, train_labels, test_images and "
                "test_labels, or images and labels. Save it with numpy.savez(FILE, images=..., labels=...)."
            )
        every = self._samples(path, arrays, "images", "labels")
        classes = self._counted(path, every.labels)
        held_out = np.arange(len(every.labels)) % _HELD_OUT == _HELD_OUT - 1
        mask = held_out if split == "test" else ~held_out
        if not mask.any():
            raise UserError(f"{path}: {len(held_out)} samples leave none for testing; at least {_HELD_OUT} are needed.")
        return Samples(every.inputs[mask], every.labels[mask], classes)

    def _counted(self, path: Path, labels: np.ndarray) -> int:
        """Return how many classes there are; labels that cannot be meant are a UserError."""
        occurring = np.unique(labels)
        largest = int(occurring[-1])
        if self.classes:
            if largest >= self.classes:
                raise UserError(
                    f"{path}: a label {largest}; data.classes = {self.classes} allows 0..{self.classes - 1}."
                )
            return self.classes
        if len(occurring) <= largest:
            gap = int(np.argmax(occurring != np.arange(len(occurring))))  # the first number that is left out
            raise UserError(
                f"{path}: {len(occurring)} different labels, the largest {largest}, and none is {gap}: there would be "
                f"{largest + 1} outputs. Number the classes from 0 without gaps, or set data.classes = {largest + 1}."
            )
        return largest + 1

    def _samples(self, path: Path, arrays: dict[str, np.ndarray], images_name: str, labels_name: str) -> Samples:
        images = arrays[images_name]
        if labels_name not in arrays:
            raise UserError(f"{path}: {images_name} without {labels_name}. Add the labels, one whole number per image.")
        labels = arrays[labels_name]
        if images.dtype != np.uint8:
            raise UserError(
                f"{path}: {images_name} of type {images.dtype}; allowed is uint8, because a chip gets 0..255. "
                "Scale them yourself, so that you know what is rounded."
            )
        if images.ndim == 3:
            images = images[:, None]
        elif images.ndim == 4 and self.channels_last:
            images = images.transpose(0, 3, 1, 2)
        if images.ndim != 4 or 0 in images.shape:
            raise UserError(
                f"{path}: {images_name} of shape {images.shape}; allowed is (samples, height, width) or "
                "(samples, channels, height, width)."
            )
        if not self.channels_last and images.shape[3] in (1, 3) and images.shape[1] not in (1, 3):
            raise UserError(
                f"{path}: {images_name} of shape {images.shape}: the channels seem to be last. "
                "Set data.channels_last = true."
            )
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
            raise UserError(
                f"{path}: {labels_name} {labels.shape} of type {labels.dtype} for {len(images)} images; "
                "allowed is one whole number per image."
            )
        if labels.min() < 0:
            raise UserError(f"{path}: {labels_name} has {labels.min()}; allowed are whole numbers from 0.")
        return Samples(np.ascontiguousarray(images), labels.astype(np.int64), classes=int(labels.max()) + 1)
