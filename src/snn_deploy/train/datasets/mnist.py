"""Data set `mnist`: 70,000 handwritten digits of 28x28 (LeCun et al. 1998)."""

from dataclasses import dataclass

from snn_deploy.train.data.mnist_like import load_mnist_like
from snn_deploy.train.data.samples import Samples, Split

_USUAL_PLACES: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """folder: with the four idx files; empty: found where Debian installs them, or downloaded by torchvision.

    download: what is not there.
    """

    folder: str = ""
    download: bool = True

    def load(self, split: Split) -> Samples:
        """Return 60,000 training or 10,000 test images of shape (1, 28, 28)."""
        return load_mnist_like("MNIST", self.folder, _USUAL_PLACES, split, download=self.download)
