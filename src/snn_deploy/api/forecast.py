"""forecast: a series continued by a network that predicts its next value, each prediction being the next input."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from snn_deploy.api.signal_sources import series_of, streamed_signals
from snn_deploy.api.sources import network_file
from snn_deploy.deploy.running.closed_loop import Advance, continued, one_ahead
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.deploy.running.streaming import open_stream
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.network.float_semantics import FloatStepper
from snn_deploy.network.integer_network import IntegerNetwork, read_integer_network
from snn_deploy.network.value_errors import ValueErrors, value_errors
from snn_deploy.network.value_reading import ValueReading, read_values, reading_of
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

FLOATS = "floats"  # in the place of a backend's name, of a network that is not exported
_FAR = 0.4  # of the standard deviation: a common bound of a valid prediction of a chaotic series (a convention)


@dataclass(frozen=True, repr=False)
class Forecast(Result):
    """A series and how a network continues it.

    backend: what ran it, or "floats". truth: float64 (points,), the values after the last that was shown. predicted:
    (points,), each prediction the next input. one_ahead: (points,), each from the true values before it. mean,
    deviation: of the values that the network was trained on. spikes, operations: of one value, the means in the
    closed loop; None in floats. clipped: predicted values that lay outside of the range of the inputs and went back in
    as its end. published: name -> sMAPE that was published for such a series.
    """

    backend: str
    truth: np.ndarray
    predicted: np.ndarray
    one_ahead: np.ndarray
    mean: float
    deviation: float
    spikes: float | None = None
    operations: float | None = None
    clipped: int = 0
    published: Mapping[str, float] = field(default_factory=dict)

    @property
    def errors(self) -> ValueErrors:
        """How far `predicted` is from the truth."""
        return value_errors(self.predicted, self.truth)

    @property
    def one_ahead_errors(self) -> ValueErrors:
        """How far `one_ahead` is from the truth."""
        return value_errors(self.one_ahead, self.truth)

    @property
    def constant_errors(self) -> ValueErrors:
        """How far the mean of the training part is from the truth, a forecast that knows nothing of the moment."""
        return value_errors(np.full_like(self.truth, self.mean), self.truth)

    @property
    def valid(self) -> int:
        """How many of the first predictions are within 0.4 standard deviations of the truth."""
        is_far = np.abs(self.predicted - self.truth) > _FAR * self.deviation
        return int(is_far.argmax()) if is_far.any() else len(is_far)

    def headline(self) -> str:
        """Return backend and errors."""
        ahead = counted(len(self.truth), "value")
        return f"{self.backend}: {self.errors}, {ahead} ahead, each prediction the next input"

    def blocks(self) -> tuple[Block, ...]:
        """Return the errors in a closed loop, of first parts of it, and one value ahead, beside what was published."""
        parts = [n for n in (75, 150, 300) if n < len(self.truth)] + [len(self.truth)]
        count = len(self.truth)
        rows = [("closed loop", n, *_cells(value_errors(self.predicted[:n], self.truth[:n]))) for n in parts]
        work = (
            "" if self.spikes is None else f"; {self.spikes:,.1f} spikes and {self.operations:,.0f} operations a value"
        )
        published = ", ".join(f"{name} {smape:.2f}" for name, smape in self.published.items())
        return (
            self.headline(),
            Table(
                ("inputs", "values", "sMAPE", "MSE"),
                (
                    *rows,
                    ("the true values", count, *_cells(self.one_ahead_errors)),
                    ("none: the training mean", count, *_cells(self.constant_errors)),
                ),
            ),
            f"within {_FAR:g} standard deviations for the first {counted(self.valid, 'value')}{work}",
            *(
                (f"{counted(self.clipped, 'prediction')} lay outside of the range of the inputs",)
                if self.clipped
                else ()
            ),
            *((f"published sMAPE in a closed loop: {published}",) if published else ()),
        )

    def to_dict(self) -> dict[str, object]:
        """Return errors and all values."""
        return {
            "backend": self.backend,
            "closed_loop": self.errors.to_dict(),
            "one_ahead": self.one_ahead_errors.to_dict(),
            "constant": self.constant_errors.to_dict(),
            "valid_values": self.valid,
            "spikes": self.spikes,
            "synaptic_operations": self.operations,
            "clipped": self.clipped,
            "published_smape": dict(self.published),
            "truth": self.truth.tolist(),
            "predicted": self.predicted.tolist(),
            "predicted_one_ahead": self.one_ahead.tolist(),
        }


def forecast(
    network: IntegerNetwork | FloatNetwork | str | Path,
    *,
    backend: str = "cpu",
    data: str | None = None,
    watch: Watch = SILENT,
) -> Forecast:
    """Return how `network` continues the series that it was trained on the first part of.

    It is shown the true values up to the end of that part, a step after the other, and keeps its state. From there on
    each prediction, made integers of by the encoder, is its next input.

    Parameters
    ----------
    network
        An exported network, its file or its folder; or a network in floats, its file or the folder of its run.
    backend
        What runs an exported one: "cpu" or "reference". Floats run in float64.
    data
        The data set whose series it is, as of `run`; None is the one that the network was trained on.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a network that gives classes or several values, or data that have no series.
    """
    whole = _read(network)
    reading = reading_of(whole)
    if reading is None or reading.offset.shape != (1,):
        raise UserError("forecast: needs a network that gives one value for each input. Train one on a series.")
    series, encoder = series_of(whole.provenance, data), streamed_signals(whole, data)
    if encoder is None or whole.input.shape[-2:] != (series.window, 1):
        raise UserError(
            f"forecast: the network takes inputs of shape {whole.input.shape}, and the series has windows of "
            f"{series.window} values. Choose the data it was trained on."
        )
    values, window = series.values, series.window
    known = series.trained + 1  # the last label of the training part is known, too
    counts = _Counts()
    encoder.start()
    ahead = one_ahead(_runner(whole, backend, reading, counts), encoder, values, window)
    encoder.start()
    runner, count = _runner(whole, backend, reading, counts), len(values) - known
    with watch.progress("forecast", count - 1) as advance:
        predicted = continued(runner, encoder, values[:known], window, count, advance)
    of_loop = counts.simulations[-(count - 1) :]  # those of a single value
    training = values[: series.trained]
    return Forecast(
        FLOATS if isinstance(whole, FloatNetwork) else backend,
        values[known:],
        predicted,
        ahead[known - window :],
        float(training.mean()),
        float(training.std()),
        _mean([[n for name, n in s.spike_counts.items() if name != whole.input.name] for s in of_loop]),
        _mean([list(s.synaptic_operations.values()) for s in of_loop]),
        int(((predicted < training.min()) | (predicted > training.max())).sum()),
        series.published,
    )


class _Counts:
    """simulations: of each value, in their order."""

    def __init__(self) -> None:
        self.simulations: list[Simulation] = []


def _read(network: IntegerNetwork | FloatNetwork | str | Path) -> IntegerNetwork | FloatNetwork:
    if isinstance(network, IntegerNetwork | FloatNetwork):
        return network
    path = Path(network)
    floats = path / "float_network.npz" if path.is_dir() else path
    if floats.name == "float_network.npz" and floats.exists() and not (path / "network.npz").exists():
        return read_float_network(floats)
    return read_integer_network(network_file(path))


def _runner(network: IntegerNetwork | FloatNetwork, backend: str, reading: ValueReading, counts: _Counts) -> Advance:
    """Return `network` at rest, as what reads its values; `counts` gets what integers do."""
    if isinstance(network, FloatNetwork):
        return _floats(network, reading)
    running = open_stream(backend, network)

    def advance(frames: np.ndarray) -> np.ndarray:
        simulation = running.advance(frames[:, None])
        assert simulation.outputs_by_step is not None  # of a network that gives values
        counts.simulations.append(simulation)
        return read_values(network, simulation.outputs_by_step)[0, :, 0]

    return advance


def _floats(network: FloatNetwork, reading: ValueReading) -> Advance:
    stepper, name = FloatStepper(network, 1), network.output.name

    def advance(frames: np.ndarray) -> np.ndarray:
        potentials = np.array([stepper.step(frame[None])[name].potential.ravel() for frame in frames])
        return reading.values(reading.read_steps(potentials))[:, 0]

    return advance


def _mean(counts: list[list[np.ndarray]]) -> float | None:
    """Return the mean over values of the counts of each, (1,) for every name; None where nothing was counted."""
    return float(np.mean([sum(int(n[0]) for n in each) for each in counts])) if counts else None


def _cells(errors: ValueErrors) -> tuple[str, str]:
    return f"{errors.smape:.2f}", f"{errors.mse:.3g}"
