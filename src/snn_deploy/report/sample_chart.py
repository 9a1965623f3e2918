"""sample_chart: one sample on its way through a network: what goes in, which neurons spike when, and the outputs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.exits.outputs_by_step import outputs_by_step
from snn_deploy.deploy.running.mean_spikes import recorded_spikes
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.report.charts import Chart, as_chart

_ROWS = 100  # of an input or a layer that are drawn
_LAYERS = 6
_NARROW = 40  # steps from which on a spike is a line
_DOTS = 1000
_CLASSES = 10  # whose outputs are lines of their own; more are grey


def sample_chart(network: IntegerNetwork, inputs: np.ndarray, label: int | None) -> Chart:
    """Return a chart of the first sample of `inputs`, as simulation.as_frames takes them.

    label: its class; None of a network that gives values.
    """
    frames = as_frames(network, inputs)[:, :1]
    spikes = recorded_spikes(cpu.run(network, frames, record=True))
    hidden = [p.name for p in network.populations if p.fires and p.name != network.output.name]
    places = np.linspace(0, len(hidden) - 1, min(_LAYERS, len(hidden))).round().astype(int)
    drawn = [hidden[i] for i in places]
    figure = Figure(figsize=(7, 1.6 + 1.1 * len(drawn) + 2.2), layout="constrained")
    heights = [1.4, *[1.0] * len(drawn), 1.8]
    first, *rasters, last = figure.subplots(len(heights), 1, height_ratios=heights)
    is_still = bool((frames == frames[:1]).all())
    _draw_input(first, network, frames[:, 0], is_still=is_still)
    for axes, name in zip(rasters, drawn, strict=True):
        _draw_raster(axes, name, spikes[name][:, 0].reshape(network.steps, -1))
    outputs = outputs_by_step(network, cpu.prepared(network), frames)[:, 0].reshape(network.steps, -1)
    chosen = int(outputs[-1].argmax())
    _draw_outputs(last, network, outputs, label)
    for axes in (*rasters, last):
        axes.set_xlim(0.5, network.steps + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    last.set_xlabel("step")
    total = sum(int(spikes[name].sum()) for name in hidden)
    said = "The first sample." if label is None else f"The first sample, of class {label}, is taken for class {chosen}."
    words = (
        f"{said} It takes {total:,} spikes in hidden layers. "
        f"Of inputs and layers at most {_ROWS} rows are drawn, evenly chosen among those that are not silent."
    )
    return as_chart("One sample, step by step", words, figure)


def _draw_input(axes: Axes, network: IntegerNetwork, frames: np.ndarray, *, is_still: bool) -> None:
    """Draw a picture that is shown in every step, or else the inputs as rows over the steps."""
    shape = network.input.shape
    if is_still and len(shape) == 3:
        axes.imshow(frames[0].mean(0), cmap="Greys", interpolation="nearest")
        axes.set_axis_off()
        axes.set_title("input, in every step", fontsize="medium")
        return
    rows = _rows(frames.reshape(len(frames), -1))
    axes.imshow(
        rows.T, cmap="Greys", aspect="auto", interpolation="nearest", extent=(0.5, len(frames) + 0.5, rows.shape[1], 0)
    )
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_ylabel("input", rotation=0, ha="right", va="center")
    axes.set_yticks([])


def _draw_raster(axes: Axes, name: str, spikes: np.ndarray) -> None:
    rows = _rows(spikes)
    step, neuron = np.nonzero(rows)
    size = max(0.5, min(6.0, 250 / max(rows.shape)))
    marker = "|" if len(rows) > _NARROW else "s"
    is_many = len(step) > _DOTS  # a point each would make the page large
    axes.scatter(step + 1, neuron, s=size, marker=marker, color="black", linewidths=0.7, rasterized=is_many)
    axes.set_ylim(rows.shape[1], -1)
    axes.set_ylabel(f"{name}\n{100 * spikes.mean():.1f} %", rotation=0, ha="right", va="center")
    axes.set_yticks([])
    axes.tick_params(labelbottom=False)


def _draw_outputs(axes: Axes, network: IntegerNetwork, outputs: np.ndarray, label: int | None) -> None:
    steps = np.arange(1, len(outputs) + 1)
    for k in range(outputs.shape[1]):
        is_named = k == label or outputs.shape[1] <= _CLASSES
        color = "#0072B2" if k == label else "#777777"
        axes.plot(steps, outputs[:, k], color=color, linewidth=2 if k == label else 0.8, marker="." if is_named else "")
    axes.set_ylabel("spikes" if network.output.fires else "potential", rotation=0, ha="right", va="center")
    axes.set_title("outputs" if label is None else f"outputs; class {label} is blue", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)


def _rows(values: np.ndarray) -> np.ndarray:
    """Return (steps, rows) of `values`, (steps, all): those that are not silent, evenly chosen if there are many."""
    active = np.flatnonzero(values.any(0))
    if not len(active):
        active = np.arange(min(values.shape[1], 1))
    if len(active) > _ROWS:
        active = active[np.linspace(0, len(active) - 1, _ROWS).round().astype(int)]
    return values[:, active]
