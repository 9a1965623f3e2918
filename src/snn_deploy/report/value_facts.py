"""value_facts: what a report says of the values that a network gives: how far off they are, and a picture of them."""

import numpy as np
from matplotlib.figure import Figure

from snn_deploy.deploy.running.simulation import Simulation, as_frames
from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_errors import ValueErrors, value_errors
from snn_deploy.network.value_reading import Readable, read_values, reading_of
from snn_deploy.report.charts import Chart, as_chart
from snn_deploy.report.findings import Continuation, ValueRung, Values
from snn_deploy.support.counted import counted
from snn_deploy.support.watch import Watch

_BLUE, _RED, _GREY = "#0072B2", "#D55E00", "#777777"
_MOST_FLOATS, _FLOATS_AT_A_TIME = 100, 20  # samples


def value_facts(
    network: IntegerNetwork,
    floats: FloatNetwork | None,
    inputs: np.ndarray,
    labels: np.ndarray,
    simulation: Simulation,
    continued: Continuation | None,
    watch: Watch,
) -> Values:
    """Return what is to be said of the values that `network` gives for `inputs`, as simulation.as_frames takes them.

    labels: (samples, steps, values). simulation: of the same inputs. floats: the network that it was made of, or None.
    """
    assert simulation.outputs_by_step is not None  # every backend reads the potentials of such a network
    wanted = _read(network, labels)
    values = read_values(network, simulation.outputs_by_step)
    rungs = [ValueRung("integers", value_errors(values, wanted), f"{counted(len(labels), 'test sample')}, on cpu")]
    if floats is not None and reading_of(floats) is not None:
        count = min(len(labels), _MOST_FLOATS)
        in_floats = _in_floats(floats, as_frames(network, inputs)[:, :count], watch)
        note = f"the first {counted(count, 'test sample')}" if count < len(labels) else counted(count, "test sample")
        rungs.insert(0, ValueRung("floats", value_errors(in_floats, wanted[:count]), note))
    chart = _sample_chart(values, wanted) if continued is None else _continuation_chart(continued)
    return Values(tuple(rungs), chart, continued)


def _read(network: Readable, labels: np.ndarray) -> np.ndarray:
    """Return those of `labels`, (samples, steps, values), that stand where a value is read."""
    reading = reading_of(network)
    assert reading is not None  # the caller's network gives values
    return np.swapaxes(reading.read_steps(np.swapaxes(labels, 0, 1)), 0, 1)


def _in_floats(floats: FloatNetwork, frames: np.ndarray, watch: Watch) -> np.ndarray:
    """Return the values that `floats` gives, (samples, readings, values)."""
    found, samples = [], frames.shape[1]
    with watch.progress("floats", samples) as advance:
        for start in range(0, samples, _FLOATS_AT_A_TIME):
            part = frames[:, start : start + _FLOATS_AT_A_TIME]
            potentials = float_semantics.run(floats, part).potentials[floats.output.name]
            found.append(read_values(floats, potentials.reshape(*potentials.shape[:2], -1)))
            advance(part.shape[1])
    return np.concatenate(found)


def _sample_chart(values: np.ndarray, wanted: np.ndarray) -> Chart:
    """Return the values for the first sample beside those that were wanted, one picture for each value of a step."""
    count = values.shape[2]
    figure = Figure(figsize=(7, 0.6 + 1.9 * count), layout="constrained")
    for k, axes in enumerate(figure.subplots(count, 1, squeeze=False)[:, 0]):
        axes.plot(wanted[0, :, k], color=_GREY, linewidth=2.5, label="wanted")
        axes.plot(values[0, :, k], color=_BLUE, linewidth=1, marker=".", label="network")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylabel("value")
        axes.set_xlabel("reading")
        axes.legend(frameon=False)
    words = f"The first sample, {_words(value_errors(values[:1], wanted[:1]))}."
    return as_chart("The values for a sample", words, figure)


def _continuation_chart(found: Continuation) -> Chart:
    """Return the series with what the network says of it, in a closed loop and one value ahead."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    places = np.arange(1, len(found.truth) + 1)
    for axes, predicted, color, label in (
        (above, found.predicted, _RED, "each prediction the next input"),
        (below, found.one_ahead, _BLUE, "each from the true values before it"),
    ):
        axes.plot(places, found.truth, color=_GREY, linewidth=2.5, label="truth")
        axes.plot(places, predicted, color=color, linewidth=1, label="predicted")
        axes.set_title(label, fontsize="medium")
        axes.set_ylabel("value")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    below.set_xlabel("values after the last that was shown")
    words = (
        f"The grey line is the series after the part that was trained on. Above each prediction is the next input: "
        f"{_words(found.errors)}. Below the network is shown the true values: "
        f"{_words(value_errors(found.one_ahead, found.truth))}."
    )
    return as_chart("The series and its prediction", words, figure)


def _words(errors: ValueErrors) -> str:
    return f"{errors} of {counted(errors.count, 'value')}"
