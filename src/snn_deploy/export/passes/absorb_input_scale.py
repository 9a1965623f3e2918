"""Pass: let the input's integers enter as they are, with their scale in the weights of the first layers."""

from dataclasses import replace

from snn_deploy.export.passes.graph_pass import WHOLE_INPUT, GraphPass
from snn_deploy.network.float_network import FloatNetwork


def absorb_input_scale(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network whose input has scale 1; `network` itself is left unchanged."""
    scale = network.input.scale
    return replace(
        network,
        input=replace(network.input, scale=1.0),
        connections=tuple(
            replace(c, weights=c.weights * scale) if c.source == network.input.name else c for c in network.connections
        ),
    )


ABSORB_INPUT_SCALE = GraphPass(absorb_input_scale, establishes=(WHOLE_INPUT,))
