"""split_placed: a network as the cores of a placement hold it."""

from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.deploy.mapping.cutting.split_network import Split, split_network
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError


def split_placed(network: IntegerNetwork, placement: Placement) -> Split:
    """Return `network` cut up by the cores of `placement`; that of another network is a UserError."""
    if placement.network_digest != network.digest:
        raise UserError(
            f"placement: of the network {placement.network_digest}, and this is {network.digest}. Give the placement "
            "of this network, or map it again."
        )
    return split_network(network, {p.name: placement.core_of(p.name, p.shape) for p in network.populations})
