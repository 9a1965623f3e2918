"""chip_delays: how many steps each connection's spikes wait in the synapses of a chip.

A chip delivers a spike one step after it was sent. So a connection that skips layers waits for the longer way, and a
delay of the network is shortened by the step that the chip takes anyway.
"""

from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.layer_times import schedule


def chip_delays(network: IntegerNetwork) -> dict[str, int]:
    """Return connection -> steps; a loop that is too quick for a chip is a UserError."""
    times = schedule(network)
    return {c.name: times.slack(c) for c in network.connections}
