"""Data set `cifar100`: 60,000 photographs of 32x32 in 100 classes (Krizhevsky 2009); the fine labels."""

from dataclasses import dataclass

from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._cifar import Cifar

_CIFAR100 = Cifar(
    "CIFAR100",
    classes=100,
    label_bytes=2,  # the coarse label, then the fine one
    binary_folder="cifar-100-binary",
    binary_files={"train": ("train.bin",), "test": ("test.bin",)},
    python_folder="cifar-100-python",
)


@dataclass(frozen=True)
class Dataset:
    """folder: where the archive was unpacked; empty: downloaded by torchvision. download: what is not there."""

    folder: str = ""
    download: bool = True

    def load(self, split: Split) -> Samples:
        """Return 50,000 training or 10,000 test images of shape (3, 32, 32)."""
        return _CIFAR100.load(self.folder, split, download=self.download)
