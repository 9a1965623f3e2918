"""graph_pass: passes in a legal order. Each says what it needs of a network and what it makes true; both are checked.

A property is a claim that can be checked on the network itself, so a pass that runs too early, or one that undoes what
another did, is found where it happens and not in a wrong spike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snn_deploy.network.float_network import FloatNetwork


@dataclass(frozen=True)
class Property:
    """A claim about a network between passes. holds: checks it."""

    claim: str
    holds: Callable[[FloatNetwork], bool]


@dataclass(frozen=True)
class GraphPass:
    """A change of a network that keeps what it computes.

    run: returns the changed network. requires: what must hold before; establishes: what holds afterwards, until the
    integers are made.
    """

    run: Callable[[FloatNetwork], FloatNetwork]
    requires: tuple[Property, ...] = ()
    establishes: tuple[Property, ...] = ()

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.run.__name__


class PassOrderError(Exception):
    """A pass that ran before one that it needs, or undid one: a mistake of the program, not of its user."""


NO_NORMS = Property("has no norms", lambda n: all(c.norm is None for c in n.connections))
SUM_POOLING = Property("pools by sums", lambda n: all(c.pool_mode == "sum" for c in n.connections))
WHOLE_INPUT = Property("takes whole numbers as they are", lambda n: n.input.scale == 1.0)
NO_BIASES = Property("has no biases", lambda n: not any(p.bias.any() for p in n.populations))
EVEN_THRESHOLDS = Property(
    "has one threshold in each population",
    lambda n: all(
        not p.fires or p.threshold.min() <= 0 or bool((p.threshold == p.threshold[0]).all()) for p in n.populations
    ),
)


def apply(passes: Sequence[GraphPass], network: FloatNetwork) -> FloatNetwork:
    """Return `network` after `passes`, in their order; a PassOrderError where the order is not legal."""
    made: dict[Property, str] = {}
    for one in passes:
        for needed in one.requires:
            if not needed.holds(network):
                raise PassOrderError(
                    f"{one.name} needs a network that {needed.claim}; a pass before it must see to that"
                )
        network = one.run(network)
        made |= dict.fromkeys(one.establishes, one.name)
        for claim, by in made.items():
            if not claim.holds(network):
                what = "does not do what it says" if by == one.name else f"undoes what {by} did"
                raise PassOrderError(f"{one.name} {what}: the network no longer {claim.claim}")
    return network


def require(network: FloatNetwork, properties: Sequence[Property], where: str) -> None:
    """Raise PassOrderError unless `properties` hold; `where` names who needs them."""
    for needed in properties:
        if not needed.holds(network):
            raise PassOrderError(f"{where} needs a network that {needed.claim}; a pass before it must see to that")
