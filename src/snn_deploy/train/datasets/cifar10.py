"""Data set `cifar10`: 60,000 photographs of 32x32 in 10 classes (Krizhevsky 2009)."""

from dataclasses import dataclass

from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._cifar import Cifar

_CIFAR10 = Cifar(
    "CIFAR10",
    classes=10,
    label_bytes=1,
    binary_folder="cifar-10-batches-bin",
    binary_files={"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test": ("test_batch.bin",)},
    python_folder="cifar-10-batches-py",
)


@dataclass(frozen=True)
class Dataset:
    """folder: where the archive was unpacked; empty: downloaded by torchvision. download: what is not there."""

    folder: str = ""
    download: bool = True

    def load(self, split: Split) -> Samples:
        """Return 50,000 training or 10,000 test images of shape (3, 32, 32)."""
        return _CIFAR10.load(self.folder, split, download=self.download)
