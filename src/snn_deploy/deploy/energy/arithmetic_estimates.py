"""arithmetic_estimates: every estimate of the energy of arithmetic, from one simulation."""

import numpy as np

from snn_deploy.deploy.energy.memory_estimates import integer_estimates
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate, estimate_energy
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork


def arithmetic_estimates(
    network: IntegerNetwork, simulation: Simulation, costs: HardwareProfile, steps: np.ndarray | None = None
) -> tuple[EnergyEstimate, ...]:
    """Return the papers' estimate, then those in 8-bit integers and with memory.

    steps: (samples,), that each sample of `simulation` took; None: all of the network's.
    """
    operations, counts = simulation.synaptic_operations, simulation.spike_counts
    paper = estimate_energy(network, operations, costs, steps)
    return (paper, *integer_estimates(network, operations, counts, costs, steps))
