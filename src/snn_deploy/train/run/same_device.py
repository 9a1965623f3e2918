"""same_device: a run goes on with the device that it began with, unless another is asked for by name.

Sums round differently on another device, so a run that moves ends as another network; the same state goes on.
"""

from pathlib import Path

import torch

from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import Origin

DEVICE_KEY = "training.device"  # the one key that may change when a run is resumed


def same_device(config: TrainConfig, origin: Origin, processes: Processes, folder: Path) -> torch.device:
    """Return the device on which the run of `folder` goes on, which began as `origin`."""
    if config.training.device != "auto":
        return processes.device(config.training.device)
    found = processes.device("auto")
    if found.type == origin.device:
        return found
    if found.type == "cpu":
        raise UserError(
            f"{folder}: was trained on a GPU so far, and torch {torch.__version__} finds none here. Resume it where "
            f"there is one, or go on on the CPU with --set {DEVICE_KEY}=cpu; its sums then round differently."
        )
    return processes.device(origin.device)
