"""chain: a network of layers in a row in the notation of the model `layer_string`, with other numbers of channels.

Such a network can become smaller as a config: what is left of it is an ordinary network of an ordinary run. Where
shortcuts join layers, their channels would have to go together; that is refused.
"""

from collections.abc import Mapping

from snn_deploy.support.user_error import UserError
from snn_deploy.train.models import layer_string
from snn_deploy.train.models.layer_string import size_word
from snn_deploy.train.networks.network_plan import NetworkPlan


def layers_of(plan: NetworkPlan, channels: Mapping[str, int] | None = None) -> str:
    """Return the layers of `plan`, such as "16C3-P2-32C3-P2-10"; a network that is no chain of them is a UserError.

    channels: population -> how many it has instead, of those that change.
    """
    changed = channels or {}
    written = "-".join(_words(plan, {}))
    try:
        is_equal = layer_string.Model(written).plan(plan.input.shape, plan.output.shape[0]) == plan
    except UserError:
        is_equal = False
    if not is_equal:
        raise UserError(
            "fit: only networks whose layers lie in a row can lose channels, and this one has shortcuts, loops or "
            "groups: the channels of layers that a shortcut joins would have to go together. Choose a model such as "
            "layer_string, vgg11, vgg16 or cifarnet, or a smaller width of this one."
        )
    return "-".join(_words(plan, changed))


def _words(plan: NetworkPlan, changed: Mapping[str, int]) -> list[str]:
    words = []
    for p in plan.populations:
        connection = next(c for c in plan.connections if c.target == p.name)
        if connection.pool != (1, 1):
            words.append(f"P{size_word(connection.pool)}")
        count = changed.get(p.name, p.shape[0])
        if len(connection.weights_shape) == 2:
            words.append(f"{count}")
        else:
            stride = "" if connection.stride == (1, 1) else f"S{size_word(connection.stride)}"
            _, _, height, width = connection.weights_shape
            words.append(f"{count}C{size_word((height, width))}{stride}")
    return words
