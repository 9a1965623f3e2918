"""When things happen in Lava: every connection takes one step there, so layers work on a sample one after another.

The layer at depth d does a sample's step t (from 0) at Lava's time step  sample * steps + t + 1 + d.
A connection with delay D needs  depth(target) - depth(source) >= 1 - D; what is more than that is slack, which
a delay line fills. Around a loop the depths cancel out: its delays must sum to the number of its connections.
"""

from dataclasses import dataclass

from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class Schedule:
    """depths: population (and input, 0) -> the steps that the layer lags behind the input."""

    depths: dict[str, int]

    @property
    def depth(self) -> int:
        """The steps that Lava runs on after the last frame went in."""
        return max(self.depths.values())

    def slack(self, connection: IntegerConnection) -> int:
        """Return the steps that a spike must wait on top of the one that the synapse takes."""
        return self.depths[connection.target] - self.depths[connection.source] - 1 + connection.delay


def schedule(network: IntegerNetwork) -> Schedule:
    """Return the least depths that fit every connection; a loop that is too quick for Lava is a UserError."""
    depths = {network.input.name: 0} | {p.name: 1 for p in network.populations}
    reason: dict[str, IntegerConnection] = {}
    for _ in range(len(depths) + 1):
        changed = False
        for connection in network.connections:
            least = depths[connection.source] + 1 - connection.delay
            if depths[connection.target] < least:
                depths[connection.target] = least
                reason[connection.target] = connection
                changed = True
        if not changed:
            return Schedule(depths)
    raise UserError(_too_quick(network, reason))


def chain_schedule(network: IntegerNetwork) -> Schedule:
    """Return the depths that lava-dl gives the layers of a chain: each is one step behind the one before it."""
    return Schedule({network.input.name: 0} | {p.name: i for i, p in enumerate(network.populations, start=1)})


def _too_quick(network: IntegerNetwork, reason: dict[str, IntegerConnection]) -> str:
    """Return the message about a loop; every population that is pushed for ever hangs on one."""
    name = next(iter(reason))
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        source = reason[name].source
        name = source if source in reason else next(n for n in reason if n not in seen)
    loop = [reason[n] for n in reversed(seen[seen.index(name) :])]
    order = [p.name for p in network.populations]
    start = min(range(len(loop)), key=lambda i: order.index(loop[i].source))
    delays = sum(c.delay for c in loop)
    names = ", ".join(repr(c.name) for c in loop[start:] + loop[:start])
    return (
        f"connections {names}: a loop of {len(loop)} connections whose delays sum to {delays} steps. In Lava, as on "
        f"Loihi, each connection takes a step; allowed is a sum of at least {len(loop)}. Give the connection that "
        "goes back a longer delay and train with it, or run it on the backend cpu."
    )
