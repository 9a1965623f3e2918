"""Data set `mnist`: 70,000 handwritten digits of 28x28 (LeCun et al. 1998)."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from snn_deploy.train.data.mnist_like import LARGEST_PADDING, load_mnist_like, padded
from snn_deploy.train.data.samples import Samples, Split

_USUAL_PLACES: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """folder: with the four idx files; empty: found where Debian installs them, or downloaded by torchvision.

    download: what is not there. padding: pixels of zeros on each side; 2 makes images of 32x32, as deep networks need.
    """

    folder: str = ""
    download: bool = True
    padding: Annotated[int, Ge(0), Le(LARGEST_PADDING)] = 0

    def load(self, split: Split) -> Samples:
        """Return 60,000 training or 10,000 test images of shape (1, 28, 28), or larger by `padding`."""
        samples = load_mnist_like("MNIST", self.folder, _USUAL_PLACES, split, download=self.download)
        return padded(samples, self.padding)
