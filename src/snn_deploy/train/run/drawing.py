"""drawing: what all pictures of runs share: colours, legends, and what they read from a line of metrics.

Colours are those of Okabe and Ito (2008), which people with any colour vision tell apart; where there are more curves
than those, a scale from dark to light in the order of the layers.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from snn_deploy.train.run.layer_statistics import HISTOGRAM_BINS, HISTOGRAM_FIRST, HISTOGRAM_LAST
from snn_deploy.train.run.score import score_of

Line = Mapping[str, Any]  # of metrics.jsonl

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X"
GREY = "#777777"
HISTOGRAM, RATE, ERROR = "measured/membrane_histogram/", "measured/spike_rate/", "measured/quantization_error/"
EDGES = np.linspace(HISTOGRAM_FIRST, HISTOGRAM_LAST, HISTOGRAM_BINS + 1)  # of a histogram's bins, in thresholds


def finish(axes: Axes) -> None:
    """Put the legend beside the picture, and take away what is not needed."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    if axes.get_xlabel() == "epoch" or not axes.get_xlabel():
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, borderaxespad=0)


def colour(i: int, count: int, *, ordered: bool = False) -> Any:
    """Return the colour of the i-th of `count` curves."""
    if count <= len(OKABE_ITO) and not ordered:
        return OKABE_ITO[i]
    return matplotlib.colormaps["viridis"](0.88 * i / max(count - 1, 1))


def layer_grid(count: int, columns: int, width: float) -> tuple[Figure, np.ndarray]:
    """Return a figure of `count` panels, `width` inches each, in rows of `columns`, and the panels, (rows, columns)."""
    columns = min(count, columns)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(width * columns, 6), 0.7 * width * rows + 0.9), layout="constrained")
    return figure, figure.subplots(rows, columns, sharex=True, squeeze=False)


def finish_layer_grid(figure: Figure, grid: np.ndarray, count: int, where: str) -> None:
    """Label the panels of `layer_grid` as distributions of potentials on `where`, with one legend below all of them."""
    for axes in list(grid.flat)[count:]:
        axes.set_visible(False)
    columns = grid.shape[1]
    for column in range(columns):  # the lowest panel of each column carries the axis
        axes = grid[(count - 1 - column) // columns, column]
        axes.set_xlabel("potential / threshold")
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("share of potentials (%)")
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Membrane potentials before the reset, on {where} samples")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)


def layers_of(lines: Sequence[Line]) -> list[str]:
    """Return the layers of a run whose potentials were measured, in their order."""
    return keys(lines[-1], HISTOGRAM)


def keys(line: Line, start: str) -> list[str]:
    """Return what follows `start` in the keys that begin with it."""
    return [key.removeprefix(start) for key in line if key.startswith(start)]


def shares(counts: Sequence[int]) -> np.ndarray:
    """Return percent: counts per bin as shares of all."""
    return 100 * np.asarray(counts) / max(sum(counts), 1)


def measured_on(lines: Sequence[Line]) -> str:
    """Return the split on whose samples layers were measured after each epoch."""
    return "training" if score_of(lines[-1]).of(lines[-1], "validation") is None else "validation"
