"""even_partitions: the partitions that may have short steps, for several numbers of cores; which has, is measured."""

from collections.abc import Mapping

import numpy as np

from snn_deploy.deploy.mapping.cutting.balance import balanced, numbers_of_cores
from snn_deploy.deploy.mapping.cutting.fewest_messages import fewest_messages
from snn_deploy.deploy.mapping.cutting.partition import FEWEST_CORES, Partition
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork


def even_partitions(
    network: IntegerNetwork,
    profile: HardwareProfile,
    spikes: Mapping[str, np.ndarray],
    seconds: Mapping[str, np.ndarray],
    fewest: Partition,
    chips: int | None = None,
) -> list[Partition]:
    """Return different partitions whose busiest core has little to do in a step, those of most cores first.

    spikes: population or input -> of each neuron in each step, as of mean_spikes. seconds: population -> work of each
    neuron in a step. fewest: the partition with the fewest cores. chips: that may be used; None is as many as it needs.
    """
    found: list[Partition] = []
    for cores in numbers_of_cores(fewest, profile, chips):
        for choices in (FEWEST_CORES, (fewest_messages(spikes),)):
            parts = balanced(network, profile, seconds, fewest, cores, choices)
            found += [] if parts in found else [parts]
    return found
