"""drawing: what all pictures of runs share: colours, legends, and what they read from a line of metrics.

Colours are those of Okabe and Ito (2008), which people with any colour vision tell apart; where there are more curves
than those, a scale from dark to light in the order of the layers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from snn_deploy.train.run.layer_statistics import HISTOGRAM_BINS, HISTOGRAM_FIRST, HISTOGRAM_LAST

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


def keys(line: Line, start: str) -> list[str]:
    """Return what follows `start` in the keys that begin with it."""
    return [key.removeprefix(start) for key in line if key.startswith(start)]


def shares(counts: Sequence[int]) -> np.ndarray:
    """Return percent: counts per bin as shares of all."""
    return 100 * np.asarray(counts) / max(sum(counts), 1)


def measured_on(lines: Sequence[Line]) -> str:
    """Return the split on whose samples layers were measured after each epoch."""
    return "validation" if "validation_accuracy" in lines[-1] else "training"
