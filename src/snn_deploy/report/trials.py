"""trials: changes to a deployment that were made and measured, so that a report suggests nothing that was not tried."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from snn_deploy.deploy.energy.paper_estimate import estimate_energy
from snn_deploy.deploy.mapping.without_channels import without_channels
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.report.layer_facts import LayerFacts
from snn_deploy.report.share import Share, change_interval
from snn_deploy.support.counted import counted

MOST_LOST = 0.005  # of the accuracy, that a saving of energy may cost and still be called better
_LEAST_GAINED = 0.001  # of the accuracy, that is more than nothing
_NEXT_TO_NOTHING = 0.01  # of the energy


@dataclass(frozen=True)
class Trial:
    """One change. accuracy, energy: shares and joules a sample, as measured with it; before: without any change.

    uncertainty: the standard error of the accuracy's change, from how many samples became right or wrong. possible:
    between which changes of the accuracy the samples leave it open, see share.change_interval.
    """

    change: str
    accuracy: float
    energy: float
    accuracy_before: float
    energy_before: float
    uncertainty: float
    possible: tuple[float, float]

    @property
    def saved(self) -> float:
        """The share of the energy that the change saves; below 0 it costs more."""
        return 1 - self.energy / self.energy_before if self.energy_before else 0.0

    @property
    def is_better(self) -> bool:
        """Whether it gains accuracy without costing energy, beyond chance, or saves energy without costing accuracy."""
        gained = self.accuracy - self.accuracy_before
        gains = gained >= max(_LEAST_GAINED, 2 * self.uncertainty) and self.saved > -_NEXT_TO_NOTHING
        return gains or (gained >= -MOST_LOST and self.saved >= 2 * _NEXT_TO_NOTHING)

    @property
    def may_be_chance(self) -> bool:
        """Whether so few samples leave open that it loses more accuracy than a saving may cost, or gains none."""
        wanted = 0.0 if self.accuracy > self.accuracy_before else -MOST_LOST
        return self.possible[0] < wanted


def fewer_steps(network: IntegerNetwork) -> dict[str, IntegerNetwork]:
    """Return change -> `network` with one step less, and with half of the steps."""
    counts = sorted({network.steps - 1, network.steps // 2} - {0}, reverse=True)
    return {f"{n} of {network.steps} steps, nothing trained anew": replace(network, steps=n) for n in counts}


def without_dead_channels(network: IntegerNetwork, layers: Iterable[LayerFacts]) -> dict[str, IntegerNetwork]:
    """Return change -> `network` without the channels that `layers` say never fired; none where there are none.

    Channels at a grouped convolution, such as an identity shortcut, stay.
    """
    grouped = {name for c in network.connections if c.groups > 1 for name in (c.source, c.target)}
    removed = {}
    for layer in layers:
        if layer.dead_channels and layer.name not in grouped and layer.name != network.output.name:
            dead = np.isin(np.arange(layer.shape[0]), layer.dead_channels)
            dead[0] &= not dead.all()  # one stays
            removed[layer.name] = dead
    count = sum(int(dead.sum()) for dead in removed.values())
    if not count:
        return {}
    return {
        f"without {counted(count, 'channel')} that never fired on these samples": without_channels(network, removed)
    }


def tried(
    network: IntegerNetwork,
    changed: dict[str, IntegerNetwork],
    images: np.ndarray,
    labels: np.ndarray,
    costs: HardwareProfile,
    progress: Callable[[int], None] | None = None,
) -> tuple[Trial, ...]:
    """Return what each of `changed` does to accuracy and energy on `images`, (samples, *shape); the best first.

    costs: the profile whose energies per operation the papers' estimate uses.
    """
    is_right, energy = _measured(network, images, labels, costs, progress)
    trials = []
    for change, other in changed.items():
        is_now, energy_now = _measured(other, images, labels, costs, progress)
        gained, lost = (Share(int(n.sum()), len(labels)) for n in (is_now & ~is_right, is_right & ~is_now))
        uncertainty = math.sqrt(gained.count + lost.count) / len(labels)
        trials.append(
            Trial(
                change,
                float(is_now.mean()),
                energy_now,
                float(is_right.mean()),
                energy,
                uncertainty,
                change_interval(gained, lost),
            )
        )
    return tuple(sorted(trials, key=lambda t: (not t.is_better, -(10 * (t.accuracy - t.accuracy_before) + t.saved))))


def _measured(
    network: IntegerNetwork,
    images: np.ndarray,
    labels: np.ndarray,
    costs: HardwareProfile,
    progress: Callable[[int], None] | None,
) -> tuple[np.ndarray, float]:
    """Return whether each sample's class is right, and the joules of one."""
    simulation = load_backend("cpu").run(network, images, progress=progress)
    energy = estimate_energy(network, simulation.synaptic_operations, costs).total
    return simulation.classes == labels, energy
