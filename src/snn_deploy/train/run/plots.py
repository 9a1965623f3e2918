"""plots: pictures of a run, from its config and its lines of metrics."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.run.drawing import (
    EDGES,
    GREY,
    HISTOGRAM,
    MARKERS,
    OKABE_ITO,
    RATE,
    Line,
    colour,
    finish,
    finish_layer_grid,
    keys,
    layer_grid,
    layers_of,
    measured_on,
    shares,
)
from snn_deploy.train.run.score import score_of

_MOST_SHAPES = 6


def draw(config: TrainConfig, lines: Sequence[Line]) -> dict[str, Figure]:
    """Return name -> picture: training, spike_rates, surrogate and, where layers were measured, membranes."""
    figures = {
        "training": training(lines),
        "spike_rates": spike_rates(lines),
        "surrogate": surrogate(config, lines),
    }
    if layers_of(lines):
        figures["membranes"] = membranes(lines)
    if "time_gradient/sum" in lines[-1]:
        del figures["surrogate"]  # there is none
        figures["time_gradients"] = time_gradients(lines)
    return figures


def time_gradients(lines: Sequence[Line]) -> Figure:
    """Return sum, scale (L1 norm) and positive share of the gradients with respect to spike times (TB Fig. 3)."""
    figure = Figure(figsize=(8, 8), layout="constrained")
    panels = figure.subplots(3, sharex=True)
    quantities = (("sum", "sum, all layers"), ("scale", "sum of sizes"), ("positive_share", "share of positive ones"))
    for axes, (name, label) in zip(panels, quantities, strict=True):
        _curve(axes, lines, [line[f"time_gradient/{name}"] for line in lines], label, 0, 1)
        axes.set(ylabel=label)
        finish(axes)
    panels[0].set_title("Gradients of the loss with respect to spike times, mean over batches")
    panels[2].axhline(0.5, color=GREY, linestyle="--")
    panels[2].set(xlabel="epoch")
    return figure


def training(lines: Sequence[Line]) -> Figure:
    """Return the score on both splits and the loss terms over the epochs."""
    figure = Figure(figsize=(8, 6.5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    score = score_of(lines[-1])
    splits = [("validation", "validation"), ("train", "training")]
    for i, (split, label) in enumerate(splits):
        key = f"{split}_{score.key}"
        if key in lines[-1]:
            _curve(above, lines, [score.factor * line[key] for line in lines], label, i, 2)
    at_end = score.of(lines[-1], "test")
    tested = "" if at_end is None else f" (test: {score.shown(at_end)} at the end)"
    unit = f" ({score.unit})" if score.unit else ""
    above.set(title=f"{score.name[0].upper() if score.unit else score.name[0]}{score.name[1:]}{tested}")
    above.set(ylabel=f"{score.name}{unit}")
    terms = keys(lines[-1], "loss/")
    for i, name in enumerate(terms):
        _curve(below, lines, [line[f"loss/{name}"] for line in lines], name, i, len(terms))
    values = [line[f"loss/{name}"] for name in terms for line in lines]
    if min(values) > 0 and max(values) > 30 * min(values):
        below.set_yscale("log")
    below.set(title="Loss terms, with their weights", xlabel="epoch", ylabel="mean over the epoch's samples")
    for axes in (above, below):
        finish(axes)
    return figure


def spike_rates(lines: Sequence[Line]) -> Figure:
    """Return the rate of every layer over the epochs: measured after each epoch, or else over the training."""
    start = RATE if keys(lines[-1], RATE) else "spike_rate/"
    layers = keys(lines[-1], start)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for i, layer in enumerate(layers):
        _curve(axes, lines, [line[start + layer] for line in lines], layer, i, len(layers))
    axes.set_ylim(bottom=0)
    where = f"{measured_on(lines) if start == RATE else 'training'} samples"
    axes.set(title=f"Spike rate of each layer, on {where}", xlabel="epoch", ylabel="spikes per neuron and step")
    finish(axes)
    return figure


def membranes(lines: Sequence[Line]) -> Figure:
    """Return the distribution of every layer's potentials before the reset, after the first and the last epoch."""
    layers = layers_of(lines)
    figure, grid = layer_grid(len(layers), 4, 3.4)
    for axes, layer in zip(grid.flat, layers, strict=False):
        last = shares(lines[-1][HISTOGRAM + layer])
        axes.stairs(last[1:-1], EDGES, fill=True, color=OKABE_ITO[5], label=f"epoch {lines[-1]['epoch']}")
        if len(lines) > 1:
            first = shares(lines[0][HISTOGRAM + layer])
            axes.stairs(
                first[1:-1],
                EDGES,
                color=OKABE_ITO[6],
                linewidth=1,
                label=f"epoch {lines[0]['epoch']}, cut where higher",
            )
            axes.set_ylim(0, 1.15 * max(last[1:-1].max(), min(first[1:-1].max(), 2 * last[1:-1].max())))
        axes.axvline(1, color=OKABE_ITO[1], linestyle="--", label="threshold")
        axes.set_title(f"{layer}, spike rate {lines[-1][RATE + layer]:.3f}", fontsize="medium")
        beyond = last[0] + last[-1]
        if beyond >= 0.05:
            axes.text(0.98, 0.95, f"{beyond:.1f} % outside", transform=axes.transAxes, ha="right", va="top")
    finish_layer_grid(figure, grid, len(layers), measured_on(lines))
    return figure


def surrogate(config: TrainConfig, lines: Sequence[Line]) -> Figure:
    """Return the surrogate derivative of a spike, in the first epoch of some of its shapes."""
    threshold = config.neuron.options.threshold
    potentials = torch.linspace(threshold - 1.5, threshold + 1.5, 1201)
    shapes = {line["sharpness"]: line["epoch"] for line in reversed(lines)}  # sharpness -> its first epoch
    by_epoch = sorted((epoch, sharpness) for sharpness, epoch in shapes.items())
    chosen = [by_epoch[i] for i in np.unique(np.linspace(0, len(by_epoch) - 1, _MOST_SHAPES).round().astype(int))]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for i, (epoch, sharpness) in enumerate(chosen):
        slopes = config.surrogate.options.gradient(potentials, threshold, sharpness)
        label = f"epoch {epoch}" if len(chosen) > 1 else "all epochs"
        drawn = colour(i, len(chosen), ordered=len(chosen) > 1)
        axes.plot(potentials, slopes, color=drawn, label=f"{label} (sharpness {sharpness:.3g})")
    axes.axvline(threshold, color=GREY, linestyle="--", label="threshold")
    axes.set_ylim(bottom=0)
    axes.set(title=f"Surrogate {config.surrogate.name}: the derivative of a spike that training assumes")
    axes.set(xlabel="membrane potential", ylabel="d spike / d potential")
    finish(axes)
    return figure


def _curve(axes: Axes, lines: Sequence[Line], values: Sequence[float], label: str, i: int, count: int) -> None:
    """Draw one value per epoch."""
    marker = MARKERS[i % len(MARKERS)]
    epochs = [line["epoch"] for line in lines]
    axes.plot(epochs, values, marker=marker, markersize=4, color=colour(i, count), label=label)
