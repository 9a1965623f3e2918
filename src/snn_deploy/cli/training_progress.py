"""training_progress: what a person sees of a training: a moving bar with the means so far, and a line per epoch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from snn_deploy.cli.output import Output, percent
from snn_deploy.cli.stop_signals import lost_stops
from snn_deploy.support.printable import one_line

if TYPE_CHECKING:
    from snn_deploy.train.run.loop import Watcher


@contextmanager
def training_progress(output: Output) -> Iterator["Watcher"]:
    """Yield a watcher that moves a bar on standard error (on a terminal) and says a line after every epoch."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, as is what loads torch
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from snn_deploy.train.run.loop import Watcher  # noqa: PLC0415

    columns = (
        TextColumn("epoch {task.fields[epoch]}", markup=False),
        BarColumn(20),
        TextColumn("{task.percentage:.0f} %"),
    )
    console = Console(stderr=True)
    with lost_stops() as raise_lost, Progress(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[means]}", markup=False),
        console=console, transient=True, disable=output.is_silent or not console.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("training", total=None, epoch="1", means="")

        epochs = 0

        def on_start(count: int) -> None:
            nonlocal epochs
            epochs = count
            bar.update(task, total=float(count), epoch=f"1/{count}")

        def on_batch(epoch: int, batch: int, batches: int, means: Mapping[str, float]) -> None:
            raise_lost()
            done = epoch - 1 + batch / batches
            bar.update(task, completed=done, epoch=f"{epoch}/{epochs}", means=one_line(_summary(means)))

        def on_epoch(metrics: Mapping[str, Any]) -> None:
            output.say(f"epoch {metrics['epoch']:>3}/{epochs}  {_summary(metrics)}")

        yield Watcher(on_start, on_batch, on_epoch)


def _summary(metrics: Mapping[str, Any]) -> str:
    """Return the loss terms, the accuracies and the spike rates as one line."""
    losses = ", ".join(f"{k.removeprefix('loss/')} {v:.4f}" for k, v in metrics.items() if k.startswith("loss/"))
    rates = " ".join(f"{v:.3f}" for k, v in metrics.items() if k.startswith("spike_rate/"))  # of training samples
    accuracies = f"training {percent(metrics['train_accuracy'])}" + (f" (spike rates {rates})" if rates else "")
    if "validation_accuracy" in metrics:
        accuracies += f"  validation {percent(metrics['validation_accuracy'])}"
    return f"{losses}  {accuracies}"
