"""Networks and policies for tests of early exits."""

import math

import numpy as np

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.exits.outputs_by_step import outputs_by_step
from snn_deploy.deploy.exits.sureness import sureness
from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network.integer_network import IntegerNetwork


def network_with_exits(seed: int) -> IntegerNetwork:
    """Return a random network with several steps and classes."""
    while True:
        network = random_network(seed)
        if network.steps > 2 and math.prod(network.output.shape) > 1:
            return network
        seed += 1000


def median_policy(network: IntegerNetwork, inputs: np.ndarray) -> ExitPolicy:
    """Return a policy by which about half of the samples that are left stop in each step."""
    outputs = outputs_by_step(network, cpu.prepared(network), inputs)
    least = [float(np.median(sureness("margin", step, 1, None))) for step in outputs[:-1]]
    return ExitPolicy(network.digest, "margin", tuple(least))
