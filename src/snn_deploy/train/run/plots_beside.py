"""plots_beside: pictures of several runs with the same layers: what a loss does to their rates and potentials.

As IM-Loss Fig. 2 (the rate of every layer, early and late in training) and RMP-Loss Fig. 2 (the distribution of a
layer's potentials with and without the loss).
"""

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
    finish_layer_grid,
    layer_grid,
    layers_of,
    measured_on,
    shares,
)

Runs = Mapping[str, Sequence[Line]]  # name -> its lines of metrics


def draw_beside(runs: Runs) -> dict[str, Figure]:
    """Return name -> picture of `runs`, whose layers were measured and have the same names."""
    return {"rates_beside": _rates(runs), "membranes_beside": _membranes(runs)}


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
    figure, grid = layer_grid(len(layers), 3, 4.2)
    for axes, layer in zip(grid.flat, layers, strict=False):
        errors = []
        for i, (name, lines) in enumerate(runs.items()):
            drawn = shares(lines[-1][HISTOGRAM + layer])[1:-1]
            axes.stairs(drawn, EDGES, fill=i == 0, alpha=0.45 if i == 0 else 1, color=colour(i, len(runs)), label=name)
            errors.append(f"{lines[-1][ERROR + layer]:.3f}")
        axes.axvline(1, color=GREY, linestyle="--", label="threshold")
        axes.set_title(f"{layer}, q(u) {', '.join(errors)}", fontsize="medium")
    finish_layer_grid(figure, grid, len(layers), _split(runs))
    return figure


def _split(runs: Runs) -> str:
    return " and ".join(dict.fromkeys(measured_on(lines) for lines in runs.values()))
