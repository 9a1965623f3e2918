"""PilotNet of Intel with its traces, where the data lies beside the checkout; tests that need it say so elsewhere."""

from pathlib import Path

import numpy as np
import pytest

_FOLDER = Path(__file__).parents[2].parent / "shared" / "silicon" / "pilotnet_lif"
NETWORK, TRACES = _FOLDER / "network.net", _FOLDER / "traces.npz"
LAYERS = ("input", "conv-0", "conv-1", "conv-2", "conv-3", "conv-4", "fc-0", "fc-1", "fc-2")
needs_pilotnet = pytest.mark.skipif(
    not NETWORK.exists(), reason=f"{NETWORK} is not there: lava-dl, tests/lava/lib/dl/netx/gts/pilotnet_lif"
)


def trace(name: str) -> np.ndarray:
    """Return (steps, channels, height, width) or (steps, neurons) of a trace; of the frame (channels, ...)."""
    return np.load(TRACES)[name].transpose()
