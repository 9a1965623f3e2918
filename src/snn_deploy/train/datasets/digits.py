"""Data set `digits`: 1,797 handwritten 8x8 digits that come with scikit-learn (UCI optical recognition, test part).

Every fifth image is held out for testing. Pixels 0..16 become 0..240 (times 15), so that they fill the 8 bits of
an image and stay exact.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from snn_deploy.train.data.samples import Samples, Split


@dataclass(frozen=True)
class Dataset:
    """No options: the data are part of the installation."""

    def load(self, split: Split) -> Samples:
        """Return 1,438 training or 359 test images of shape (1, 8, 8)."""
        images, labels = _digits()
        held_out = np.arange(len(labels)) % 5 == 4
        chosen = held_out if split == "test" else ~held_out
        pixels = (images[chosen] * 15).astype(np.uint8).reshape(-1, 1, 8, 8)
        return Samples(pixels, labels[chosen].astype(np.int64), classes=10)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Return pixels, (1797, 64), and labels, as sklearn.datasets.load_digits does.

    Its file is read as it lies there: importing scikit-learn takes longer than training on the digits.
    """
    found = find_spec("sklearn")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "datasets/data/digits.csv.gz"
        if path.is_file():
            table = np.loadtxt(path, delimiter=",")
            return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits  # noqa: PLC0415 - only where its file lies elsewhere

    images, labels = load_digits(return_X_y=True)
    return images, labels
