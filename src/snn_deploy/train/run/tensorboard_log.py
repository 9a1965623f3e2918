"""tensorboard_log: the metrics of a run as TensorBoard reads them."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from snn_deploy.support.atomic_file import WriteError
from snn_deploy.support.user_error import UserError

Log = Callable[[Mapping[str, Any]], None]  # what writes one epoch's metrics


def require_tensorboard() -> None:
    """Raise a UserError where the package is missing."""
    if find_spec("tensorboard") is None:
        raise UserError(
            "training.tensorboard = true: the package tensorboard is not installed. "
            'Install it with pip install "snn-deploy[tensorboard]", or set training.tensorboard = false.'
        )


def tensorboard_log(folder: Path) -> Log:
    """Return a function that writes one epoch's metrics to `folder`, whose older event files are removed.

    A resumed run writes all of its epochs again, so that none is there twice. A full disk is a UserError.
    """
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - optional

    for old in folder.glob("events.*"):
        old.unlink()
    writer = SummaryWriter(str(folder))

    def log(metrics: Mapping[str, Any]) -> None:
        try:
            for name, value in metrics.items():
                if isinstance(value, (int, float)) and name not in ("epoch", "epochs"):
                    writer.add_scalar(name, value, metrics["epoch"])
            writer.flush()
        except OSError as error:  # of the thread that writes; it comes up with the next call
            raise WriteError(
                f"{folder}: cannot be written ({error.strerror or error}); the last checkpoint is kept. "
                "Make room and go on with --resume."
            ) from error

    return log


def no_log(metrics: Mapping[str, Any]) -> None:
    """Write nothing."""
