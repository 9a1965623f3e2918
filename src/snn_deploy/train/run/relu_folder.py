"""relu_folder: the files of the ReLU network that a run starts from; those with the run's config are the run's own.

RUN/relu/metrics.jsonl              one JSON object per epoch
RUN/relu/checkpoint.safetensors     its state, under a name that is not a run's: it is no spiking network to start from
RUN/relu/conversion.json            the spiking network before its first batch, layer by layer
RUN/relu/tensorboard/               the metrics again, where the config asks for them
"""

from dataclasses import dataclass
from pathlib import Path

from snn_deploy.train.run.run_folder import RunFolder


@dataclass(frozen=True)
class ReluFolder(RunFolder):
    """Where the first stage of the run in `path` keeps its files."""

    @property
    def metrics(self) -> Path:
        """One JSON object per epoch."""
        return self.relu / "metrics.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The state that the stage goes on from."""
        return self.relu / "checkpoint.safetensors"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files."""
        return self.relu / "tensorboard"

    @property
    def conversion(self) -> Path:
        """What the spiking network was before its first batch."""
        return self.relu / "conversion.json"

    @property
    def files(self) -> tuple[Path, ...]:
        """What is written by replacing it."""
        return (*super().files, self.conversion)

    def clear(self, *, keeps_relu: bool = False) -> None:
        """Remove what a run that was here before has left; all of it, as this stage is the first."""
        RunFolder(self.path).clear()
