"""training_progress: what a person sees of a training: the line that moves with the means so far, a line per epoch."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from snn_deploy.cli.live_line import LineParts, speed, time_left
from snn_deploy.cli.output import Output
from snn_deploy.cli.pace import Pace
from snn_deploy.cli.stop_signals import lost_stops

if TYPE_CHECKING:
    from snn_deploy.train.run.loop import Watcher

_WHOLE_RUN = 600.0  # seconds over which the rate of a run is taken: some epochs, with what is measured after them


@contextmanager
def training_progress(output: Output) -> Iterator["Watcher"]:
    """Yield a watcher that moves a bar on standard error (on a terminal) and says a line after every epoch."""
    shown = _Epochs()
    with lost_stops() as raise_lost, output.live.shows(shown.parts):
        from snn_deploy.train.run.loop import Watcher  # noqa: PLC0415 - slow to import: the line is there already

        def on_batch(epoch: int, batch: int, batches: int, means: Mapping[str, float]) -> None:
            raise_lost()
            shown.reached(epoch, batch, batches, means)

        def on_epoch(metrics: Mapping[str, Any]) -> None:
            begun = f"epoch {metrics['epoch']:>3}/{shown.epochs}  "
            line, columns = begun + _summary(metrics), output.columns
            if columns is not None and len(line) > columns:  # one line each; metrics.jsonl has the rates
                line = begun + _summary(metrics, with_rates=False)
            output.say(line)
            shown.end_epoch(metrics["epoch"])

        yield Watcher(shown.start, on_batch, on_epoch)


class _Epochs:
    """How far a training is, as the line shows it. epochs: how many there are; 0 before the training has begun."""

    def __init__(self) -> None:
        self.epochs = 0
        self._reset()

    def start(self, epochs: int) -> None:
        """Begin with the first of so many epochs; of a fit or an --ann-first it is called for each training."""
        self.epochs = epochs
        self._reset()

    def _reset(self) -> None:
        self._begun = time.monotonic()
        self._run, self._epoch = Pace(recent=_WHOLE_RUN), Pace()
        self._place = (0, 0, 0)  # epoch, batch, batches
        self._means = ""
        self._is_over = False

    def reached(self, epoch: int, batch: int, batches: int, means: Mapping[str, float]) -> None:
        """Take note of a batch that is done."""
        if epoch != self._place[0]:
            self._epoch = Pace()
        self._place = epoch, batch, batches
        self._run.reached(epoch - 1 + batch / batches)
        self._epoch.reached(batch)
        self._means = _summary(means, with_rates=False)

    def end_epoch(self, epoch: int) -> None:
        """Take note of an epoch whose line was said; behind the last one there is nothing more to show."""
        self._is_over = epoch >= self.epochs

    def parts(self) -> LineParts | None:
        """Return what the line says: the bar and the rate are of the epoch, the time left is of all epochs."""
        if self._is_over:
            return None
        epoch, batch, batches = self._place
        until = time_left(self._run.seconds_left(self.epochs), self._begun)
        if self.epochs == 0:
            return LineParts("getting ready", left=until)
        if epoch == 0:
            return LineParts("first batch, for which kernels are compiled once", left=until)
        title = f"epoch {epoch}/{self.epochs}"
        if batch == batches:
            return LineParts(f"{title}: measuring", left=until)
        rate = speed(self._epoch.rate, "batch")
        return LineParts(title, batch / batches, f"{batch:,}/{batches:,}", until, rate, self._means)


def _summary(metrics: Mapping[str, Any], *, with_rates: bool = True) -> str:
    """Return the loss terms, the scores and the spike rates as one line."""
    from snn_deploy.train.run.score import score_of  # noqa: PLC0415 - by then training is imported

    score = score_of(metrics)
    losses = ", ".join(f"{k.removeprefix('loss/')} {v:.4f}" for k, v in metrics.items() if k.startswith("loss/"))
    rates = " ".join(f"{v:.3f}" for k, v in metrics.items() if k.startswith("spike_rate/"))  # of training samples
    training = f"training {score.shown(metrics[f'train_{score.key}'])}"
    found = training + (f" (spike rates {rates})" if rates and with_rates else "")
    validation = score.of(metrics, "validation")
    if validation is not None:
        found += f"  validation {score.shown(validation)}"
    return f"{losses}  {found}"
