"""charts: the pictures of a report, as SVG in data addresses: no file beside the page, no host asked.

The same data give the same bytes. Colours are those of Okabe and Ito (2008); no colour says what words do not.
"""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from snn_deploy.report.layer_facts import HISTOGRAM_BINS, HISTOGRAM_FIRST, HISTOGRAM_LAST, LayerFacts

_BLUE, _RED, _GREY = "#0072B2", "#D55E00", "#777777"
_COLUMNS = 3
_FEWEST_WEIGHTS = 9  # that an axis shows


@dataclass(frozen=True)
class Chart:
    """One picture. words: what it shows, for those who do not see it; address: a data address of an SVG."""

    title: str
    words: str
    address: str


def as_chart(title: str, words: str, figure: Figure) -> Chart:
    """Return `figure` as a chart; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": title, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Chart(title, words, f"data:image/svg+xml;base64,{text}")


def operations_chart(layers: Sequence[LayerFacts]) -> Chart:
    """Return how many synaptic operations arrive at each layer."""
    figure = Figure(figsize=(7, 0.6 + 0.32 * len(layers)), layout="constrained")
    axes = figure.subplots()
    names, counts = [layer.name for layer in layers], [layer.operations for layer in layers]
    axes.barh(names, counts, color=_BLUE)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("synaptic operations a sample")
    axes.spines[["top", "right"]].set_visible(False)
    most = max(layers, key=lambda layer: layer.operations)
    words = f"Most arrive at {most.name}: {most.operations:,.0f} of {sum(counts):,.0f} a sample."
    return as_chart("Synaptic operations by layer", words, figure)


def weights_chart(layers: Sequence[LayerFacts]) -> Chart:
    """Return a histogram of the integer weights of each layer."""
    figure, grid = _grid(len(layers))
    for axes, layer in zip(grid, layers, strict=False):
        least, most = min(layer.weights), max(layer.weights)
        counts = np.array([layer.weights.get(value, 0) for value in range(least, most + 1)])
        edges = np.arange(least, most + 2) - 0.5
        axes.stairs(
            100 * counts / counts.sum(), edges, fill=True, color=_BLUE
        )  # one path: a bar each is ten times that
        axes.set_title(f"{layer.name}, {layer.bits_used} bits used", fontsize="medium")
        axes.set_xlabel("integer weight")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        middle, half = (least + most) / 2, max(_FEWEST_WEIGHTS, 1.1 * (most - least + 1)) / 2
        axes.set_xlim(middle - half, middle + half)  # one weight alone is a bar, not a wall
        axes.set_ylabel("share (%)")
    used = ", ".join(f"{layer.name} {layer.bits_used}" for layer in layers)
    return as_chart("Weights", f"One histogram for each layer. Bits used by the largest weight: {used}.", figure)


def potentials_chart(
    layers: Sequence[LayerFacts], beside: tuple[str, Sequence[LayerFacts]] | None = None
) -> Chart | None:
    """Return the distribution of each layer's potentials against its threshold; None where none was measured.

    beside: the title of another network and its layers, whose potentials are drawn as a line over those of the same
    names. IM-Loss (Guo et al., NeurIPS 2022) and RMP-Loss (Guo et al., ICCV 2023) show what a regularizer does so.
    """
    title, others = beside or ("", ())
    other = {layer.name: layer.potentials for layer in others if layer.potentials}
    measured = [layer for layer in layers if layer.potentials]
    if not measured:
        return None
    figure, grid = _grid(len(measured))
    edges = np.linspace(HISTOGRAM_FIRST, HISTOGRAM_LAST, HISTOGRAM_BINS + 1)
    outside = []
    for axes, layer in zip(grid, measured, strict=False):
        assert layer.potentials is not None  # chosen above
        shares = 100 * np.array(layer.potentials) / max(sum(layer.potentials), 1)
        axes.stairs(shares[1:-1], edges, fill=True, color=_BLUE)
        if layer.name in other:
            their = np.array(other[layer.name])
            axes.stairs(100 * their[1:-1] / max(their.sum(), 1), edges, color=_GREY, linewidth=1.5)
        axes.axvline(1, color=_RED, linestyle="--")
        axes.set_title(layer.name, fontsize="medium")
        axes.set_xlabel("potential / threshold")
        axes.set_ylabel("share (%)")
        outside.append(f"{layer.name} {shares[0] + shares[-1]:.1f} %")
    adaptive = ", ".join(layer.name for layer in measured if layer.adapts)
    words = (
        "One histogram for each layer, of potentials before the reset; the dashed line is the threshold"
        f"{f' (of {adaptive} before its spikes raise it)' if adaptive else ''}. "
        f"Outside of the picture: {', '.join(outside)}."
    )
    words += f" The grey line is {title}." if other.keys() & {layer.name for layer in measured} else ""
    return as_chart("Membrane potentials of the integer network", words, figure)


def _grid(count: int) -> tuple[Figure, list[matplotlib.axes.Axes]]:
    """Return a figure with `count` pictures in rows of a few, of one size however many there are."""
    rows = math.ceil(count / _COLUMNS)
    figure = Figure(figsize=(2.9 * _COLUMNS + 0.4, 2.3 * rows), layout="constrained")
    grid = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[count:]:
        axes.set_visible(False)
    return figure, grid[:count]
