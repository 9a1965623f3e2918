"""plots_beside: pictures of several runs with the same layers: what a loss does to their rates and potentials.

As IM-Loss Fig. 2 (the rate of every layer, early and late in training) and RMP-Loss Fig. 2 (the distribution of a
layer's potentials with and without the loss).
"""

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from snn_deploy.train.run.drawing import (
    EDGES,
    ERROR,
    GREY,
    HISTOGRAM,
    MARKERS,
    RATE,
    Line,
    colour,
    finish,
    keys,
    measured_on,
    shares,
)

Runs = Mapping[str, Sequence[Line]]  # name -> its lines of metrics


def draw_beside(runs: Runs) -> dict[str, Figure]:
    """Return name -> picture of `runs`, whose layers were measured and have the same names."""
    return {"rates_beside": _rates(runs), "membranes_beside": _membranes(runs)}


def layers_of(lines: Sequence[Line]) -> list[str]:
    """Return the layers of a run that were measured, in their order."""
    return keys(lines[-1], HISTOGRAM)


def _rates(runs: Runs) -> Figure:
    """Return the rate of every layer by its depth, after the first epoch (dashed) and the last one."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for i, (name, lines) in enumerate(runs.items()):
        layers = layers_of(lines)
        for line, style in ((lines[0], "--"), (lines[-1], "-"))[len(lines) == 1 :]:
            rates = [line[RATE + layer] for layer in layers]
            label = f"{name}, epoch {line['epoch']}"
            axes.plot(layers, rates, style, marker=MARKERS[i], markersize=4, color=colour(i, len(runs)), label=label)
    axes.set_ylim(bottom=0)
    axes.tick_params(axis="x", rotation=45)
    title = f"Spike rate of each layer, on {_split(runs)} samples"
    axes.set(title=title, xlabel="layer", ylabel="spikes per neuron and step")
    finish(axes)
    return figure


def _membranes(runs: Runs) -> Figure:
    """Return the distribution of every layer's potentials before the reset after the last epoch, with its q(u)."""
    layers = layers_of(next(iter(runs.values())))
    columns = min(len(layers), 3)
    rows = math.ceil(len(layers) / columns)
    figure = Figure(figsize=(max(4.2 * columns, 6), 2.9 * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for axes, layer in zip(grid.flat, layers, strict=False):
        errors = []
        for i, (name, lines) in enumerate(runs.items()):
            drawn = shares(lines[-1][HISTOGRAM + layer])[1:-1]
            axes.stairs(drawn, EDGES, fill=i == 0, alpha=0.45 if i == 0 else 1, color=colour(i, len(runs)), label=name)
            errors.append(f"{lines[-1][ERROR + layer]:.3f}")
        axes.axvline(1, color=GREY, linestyle="--", label="threshold")
        axes.set_title(f"{layer}, q(u) {', '.join(errors)}", fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in list(grid.flat)[len(layers) :]:
        axes.set_visible(False)
    for column in range(columns):  # the lowest picture of each column carries the axis
        axes = grid[(len(layers) - 1 - column) // columns, column]
        axes.set_xlabel("potential / threshold")
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("share of potentials (%)")
    figure.suptitle(f"Membrane potentials before the reset, on {_split(runs)} samples")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _split(runs: Runs) -> str:
    return " and ".join(dict.fromkeys(measured_on(lines) for lines in runs.values()))
