"""A population as a Lava process: the stock LIFReset where it can hold it, else ChannelLIF."""

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.proc.lif.process import LIFReset

from snn_deploy.deploy.backends._lava.files import lava_shape
from snn_deploy.deploy.backends._lava.processes.channel_lif import ChannelLIF
from snn_deploy.deploy.backends._lava.stock_neurons import bias_parts, is_stock
from snn_deploy.network.integer_network import IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY, NEVER_FIRES


def neurons(population: IntegerPopulation, steps: int, depth: int) -> AbstractProcess:
    """Return the LIF process of a population at this depth, reset before each sample's first step."""
    threshold = population.threshold if population.fires else np.full_like(population.threshold, NEVER_FIRES)
    current_decay = DECAY_UNITY - 1 - population.current_keep  # Lava adds 1 to du, and nothing to dv
    voltage_decay = DECAY_UNITY - population.voltage_keep
    shape, reset = lava_shape(population.shape), {"reset_interval": steps, "reset_offset": (depth + 1) % steps}
    bias = bias_parts(population.bias)
    if bias is None or not is_stock(population):
        return ChannelLIF(
            shape=shape,
            vth=np.broadcast_to(threshold, shape),
            du=np.broadcast_to(current_decay, shape),
            dv=np.broadcast_to(voltage_decay, shape),
            bias_mant=np.broadcast_to(population.bias, shape),
            v_reset=np.broadcast_to(population.reset_value, shape),
            v_initial=np.broadcast_to(population.initial_value, shape),
            subtracts=population.reset == "subtract",
            threshold_step=np.broadcast_to(population.threshold_step, shape),
            threshold_keep=np.broadcast_to(population.threshold_keep, shape),
            **reset,
        )
    return LIFReset(
        shape=shape,
        vth=int(threshold[0]),
        du=int(current_decay[0]),
        dv=int(voltage_decay[0]),
        bias_mant=np.broadcast_to(bias[0], shape),
        bias_exp=np.broadcast_to(bias[1], shape),
        **reset,
    )
