"""fuzz: random legal networks and inputs on several backends, every spike and output compared."""

from collections.abc import Sequence

from snn_deploy.deploy.verification.fuzz import Fuzz
from snn_deploy.deploy.verification.fuzz import fuzz as fuzzed
from snn_deploy.support.watch import SILENT, Watch


def fuzz(
    networks: int = 100,
    *,
    seed: int = 0,
    backends: Sequence[str] = ("reference", "cpu", "onnx"),
    watch: Watch = SILENT,
) -> Fuzz:
    """Return what comparing `backends` on random networks found.

    Parameters
    ----------
    networks
        How many; they have loops, delays, joins, every kind of convolution, pooling, reset, decay and threshold, and
        sums that leave the states' bits; for netx only what its format holds.
    seed
        Of the first one; the next has the next seed.
    backends
        Compared with the first one.
    watch
        Hears of progress.
    """
    with watch.progress(f"fuzz {', '.join(backends)}", max(networks, 1)) as advance:
        return fuzzed(networks, seed, tuple(backends), progress=advance)
