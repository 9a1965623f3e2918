"""accounting: what a network takes of a chip, by the placement code itself, and how far that is from what is wanted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.energy.neuron_times import neuron_times
from snn_deploy.deploy.mapping.cores.placement import Storage
from snn_deploy.deploy.mapping.cutting.balance import busiest_work
from snn_deploy.deploy.mapping.cutting.partition import Violation, partition
from snn_deploy.deploy.mapping.memory.block_work import block_work
from snn_deploy.deploy.mapping.placing.place_on_mesh import chips_needed
from snn_deploy.deploy.mapping.without_channels import without_channels, without_synapses
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.counted import counted
from snn_deploy.support.user_error import UserError

_NO_FIT = 1e6  # further than any number of cores is from another
_PICOSECOND = 1e-12


@dataclass(frozen=True)
class Targets:
    """The most that a network may take: cores, chips, and seconds of a step in which the busiest core works."""

    cores: int | None = None
    chips: int | None = None
    busiest: float | None = None

    def __post_init__(self) -> None:
        options = {"--cores": self.cores, "--chips": self.chips, "--busiest-us": self.busiest}
        for option, value in options.items():
            if value is not None and not 0 < value < math.inf:
                raise UserError(f"{option} {value:g}; allowed is a number above 0.")

    def __str__(self) -> str:
        asked = []
        if self.cores is not None:
            asked.append(counted(self.cores, "core"))
        if self.chips is not None:
            asked.append(counted(self.chips, "chip"))
        if self.busiest is not None:
            asked.append(f"{1e6 * self.busiest:g} us a step of the busiest core")
        return ", ".join(asked) or "any number of cores"


@dataclass(frozen=True)
class Measures:
    """What a network takes. cores, chips: 0 where a limit is broken. busiest: seconds, None where it was not asked."""

    cores: int
    chips: int
    busiest: float | None = None
    violations: tuple[Violation, ...] = ()

    def excess(self, targets: Targets) -> float:
        """Return how far this is above `targets`, each as a share of its limit, added up; 0 where all are kept.

        A network that breaks limits of the cores themselves is further away than any other.
        """
        if self.violations:
            return _NO_FIT + sum(v.needed / v.allowed - 1 for v in self.violations)
        pairs = ((self.cores, targets.cores), (self.chips, targets.chips), (self.busiest, targets.busiest))
        return sum(max(0.0, found / most - 1) for found, most in pairs if found is not None and most is not None)

    def __str__(self) -> str:
        if self.violations:
            return f"does not fit: {self.violations[0]}"
        busiest = "" if self.busiest is None else f", busiest core {1e6 * self.busiest:.4g} us a step"
        cores, chips = (
            f"{n} {what}{'s' if n != 1 else ''}" for n, what in ((self.cores, "core"), (self.chips, "chip"))
        )
        return f"{cores} on {chips}{busiest}"


@dataclass(frozen=True)
class Accounting:
    """Asks the placement code what a network takes without some of its channels and synapses.

    spikes: population or input -> spikes of each neuron in each step, as of mean_spikes, where the time of the busiest
    core counts; of the mapping with the fewest cores.
    """

    network: IntegerNetwork
    chip: HardwareProfile
    storage: Storage = "nengo-loihi"
    spikes: Mapping[str, np.ndarray] | None = None

    def measures(
        self, removed: Mapping[str, np.ndarray] | None = None, silent: Mapping[str, np.ndarray] | None = None
    ) -> Measures:
        """Return what the network takes without some of its channels and synapses.

        removed: population -> (channels,) booleans. silent: connection -> booleans of the shape of its weights.
        """
        gone = {name: mask for name, mask in (removed or {}).items() if mask.any()}
        network = without_channels(without_synapses(self.network, silent or {}), gone)
        found = partition(network, self.chip, self.storage)
        busiest = None
        if self.spikes is not None and not found.violations:
            left = {n: s[:, ~gone[n]] if n in gone else s for n, s in self.spikes.items()}
            work = block_work(neuron_times(network, left, self.chip))
            busiest = busiest_work(found.cores, work) * _PICOSECOND
        return Measures(len(found.cores), chips_needed(found, self.chip), busiest, found.violations)
