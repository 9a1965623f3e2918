"""chip_delays: how many steps each connection's spikes wait in the synapses of a chip.

A chip delivers a spike one step after it was sent. So a connection that skips layers waits for the longer way, and a
delay of the network is shortened by the step that the chip takes anyway.
"""

from snn_deploy.deploy.running.layer_times import schedule
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError


def chip_delays(network: IntegerNetwork) -> dict[str, int]:
    """Return connection -> steps; a loop that is too quick for a chip leaves every connection its own delay."""
    try:
        times = schedule(network)
    except UserError:
        return {c.name: c.delay for c in network.connections}
    return {c.name: times.slack(c) for c in network.connections}
