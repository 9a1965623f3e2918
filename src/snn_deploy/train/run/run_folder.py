"""run_folder: the files of one run.

RUN/config.toml                     the resolved config
RUN/metrics.jsonl                   one JSON object per epoch
RUN/checkpoints/last.safetensors    the run's state; it alone decides where a run goes on
RUN/checkpoints/best.safetensors    that of the epoch with the best validation accuracy, where training.keep asks for it
RUN/float_network.npz               the trained FloatNetwork, what `export` reads; its presence says "finished"
RUN/tensorboard/                    the metrics again, where the config asks for them
RUN/relu/                           what the ReLU network left that it started from, where it did (relu_folder.py)
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from snn_deploy.support.atomic_file import remove_file, write_text
from snn_deploy.support.user_error import UserError
from snn_deploy.train.run.layer_statistics import HISTOGRAM_BINS
from snn_deploy.train.run.metrics_lines import read_lines


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its files. Every file appears whole or not at all."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.toml"

    @property
    def metrics(self) -> Path:
        """One JSON object per epoch."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The state that a run goes on from."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def best_checkpoint(self) -> Path:
        """The state after the epoch with the best validation accuracy."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def float_network(self) -> Path:
        """The trained network, which is written last."""
        return self.path / "float_network.npz"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def files(self) -> tuple[Path, ...]:
        """What is written by replacing it, the sign that a run is finished first."""
        return (self.float_network, self.checkpoint, self.best_checkpoint, self.metrics, self.config)

    @property
    def relu(self) -> Path:
        """The folder of what the ReLU network left."""
        return self.path / "relu"

    def write_config(self, table: Mapping[str, Any]) -> None:
        """Write the resolved config."""
        write_text(self.config, tomli_w.dumps(table))

    def write_metrics(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        """Write the metrics of all epochs so far."""
        write_text(self.metrics, "".join(json.dumps(metrics) + "\n" for metrics in epochs))

    def read_metrics(self, count: int | None = None) -> list[dict[str, Any]]:
        """Return the metrics of the first `count` epochs (None: of all)."""
        try:
            lines = self.metrics.read_text(encoding="utf-8").splitlines() if count != 0 else []
            epochs = read_lines(lines[:count], HISTOGRAM_BINS + 2)
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{self.metrics}: not the metrics of a run ({error}). Train again.") from error
        if count is not None and len(epochs) < count:
            raise UserError(
                f"{self.metrics}: {len(epochs)} epochs, and the checkpoint stands after {count}. "
                "The file was changed; train again with --force."
            )
        return epochs

    def clear(self, *, keeps_relu: bool = False) -> None:
        """Remove what a run that was here before has left, the sign that it is finished first.

        keeps_relu: what the ReLU network left is of this run.
        """
        for path in self.files:
            remove_file(path)
        shutil.rmtree(self.tensorboard, ignore_errors=True)
        if not keeps_relu:
            shutil.rmtree(self.relu, ignore_errors=True)
        self.remove_leftovers()

    def remove_leftovers(self) -> None:
        """Remove the half-written files of a run that was killed."""
        for path in self.files:
            for leftover in path.parent.glob(f".{path.name}.*"):
                remove_file(leftover)
