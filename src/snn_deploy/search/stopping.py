"""stopping: a deployment whose samples stop early: its exits, and what is measured with them.

The exits are fitted on the same validation samples that every deployment is measured on, as `snn-deploy exits` fits
them; test samples are looked at once, for the front.
"""

from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.exits.fit_exits import Calibration, fit_exits
from snn_deploy.deploy.exits.outputs_by_step import outputs_by_step
from snn_deploy.deploy.exits.run_with_exits import run_with_exits
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.train.data.samples import Samples

FILE = "exits.json"  # beside network.npz


@dataclass(frozen=True)
class Stopped:
    """Samples that stop early. accuracy: a share. operations: synaptic, of a sample, the mean. steps: (samples,)."""

    accuracy: float
    operations: float
    steps: np.ndarray


def fitted(network: IntegerNetwork, samples: Samples, allowed_loss: float) -> ExitPolicy:
    """Return the exits of `network` that lose at most `allowed_loss` of the accuracy, a share of `samples`."""
    outputs = outputs_by_step(network, cpu.prepared(network), samples.shown)
    return fit_exits(Calibration(outputs, samples.labels), network.digest, "margin", allowed_loss)


def stopped(network: IntegerNetwork, samples: Samples, policy: ExitPolicy) -> Stopped:
    """Return what `network` does with `samples` up to their exits."""
    found = run_with_exits(network, samples.shown, policy, cpu)
    operations = sum(float(counts.mean()) for counts in found.simulation.synaptic_operations.values())
    return Stopped(float((found.simulation.classes == samples.labels).mean()), operations, found.steps)


def alike(steps: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of `count` samples, (count,), whose exits are spread as all `steps`, (samples,), are."""
    order = np.argsort(steps, kind="stable")
    return np.asarray(order[((np.arange(count) + 0.5) * len(order) / count).astype(np.int64)])
