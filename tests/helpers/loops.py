"""Random networks whose loops a chip can follow: in it each connection takes a step."""

from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network.layer_times import schedule
from snn_deploy.support.user_error import UserError


def slow_enough(seeds: range) -> list[int]:
    """Return the seeds whose random network has no loop that is too quick for a chip."""
    return [seed for seed in seeds if _is_slow_enough(seed)]


def _is_slow_enough(seed: int) -> bool:
    try:
        schedule(random_network(seed))
    except UserError:
        return False
    return True
