"""NetworkPlan: the structure of a network as plain data, before it has weights. Models make it.

Each training method has one torch module that runs every plan, so a model is a list of layers and never a module of
its own, and what is trained is always a graph that the exporter knows.
"""

import math
from dataclasses import dataclass

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.graph_check import check_structure


@dataclass(frozen=True)
class PlannedInput:
    """Where samples enter; see FloatInput."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class PlannedPopulation:
    """Neurons of one layer. `is_inner_residual`: inside a residual block, where IM-Loss leaves it alone.

    voltage_keep: of an output that only integrates, the share of its potential that is left after a step.
    """

    name: str
    shape: tuple[int, ...]
    fires: bool = True
    is_inner_residual: bool = False
    voltage_keep: float = 1.0


@dataclass(frozen=True)
class PlannedConnection:
    """Weights to be made: of shape (out, in / groups, height, width) or (out, in); the rest as in FloatConnection.

    has_norm: whether the config's norm acts on this connection's current; the output's connection has none, and loops.
    norm_scale: how large the normed current is, as a share of what it is where it arrives alone. Where n currents
    join, 1 / sqrt(n) keeps their sum as large as one of them (STBP-tdBN, Zheng et al. 2021: alpha in a residual block).
    fixed_weight: not None: every weight is this many thresholds of the target, and is never trained (an identity
    shortcut: one weight per channel, groups = channels).
    """

    name: str
    source: str
    target: str
    weights_shape: tuple[int, ...]
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    pool: Pair = (1, 1)
    delay: int = 0
    has_norm: bool = True
    norm_scale: float = 1.0
    fixed_weight: float | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether the weights are given and never trained."""
        return self.fixed_weight is not None

    @property
    def is_scaling(self) -> bool:
        """Whether each channel is multiplied by one number, as in an identity shortcut."""
        channels, *kernel = self.weights_shape
        is_unmoved = self.stride == (1, 1) and self.padding == (0, 0)
        return kernel == [1, 1, 1] and self.groups == channels and is_unmoved

    @property
    def is_loop(self) -> bool:
        """Whether it goes from a layer to itself."""
        return self.source == self.target


@dataclass(frozen=True)
class NetworkPlan:
    """Populations in the order in which a step evaluates them; the last one is the output."""

    input: PlannedInput
    populations: tuple[PlannedPopulation, ...]
    connections: tuple[PlannedConnection, ...]

    def __post_init__(self) -> None:
        check_structure(self.input, self.populations, self.connections)

    @property
    def output(self) -> PlannedPopulation:
        """The population that a sample's class is read from."""
        return self.populations[-1]

    def connections_to(self, population: PlannedPopulation) -> list[PlannedConnection]:
        """Return what reaches `population` from others."""
        return [c for c in self.connections if c.target == population.name != c.source]

    def loop_of(self, population: PlannedPopulation) -> PlannedConnection | None:
        """Return the connection from `population` to itself, or None."""
        return next((c for c in self.connections if c.source == c.target == population.name), None)

    def common_pool(self, name: str) -> Pair | None:
        """Return the pooling that all connections from a population share; None where they share none, or no square."""
        pools = {c.pool for c in self.connections if c.source == name != c.target}
        if len(pools) != 1:
            return (1, 1) if (1, 1) in pools or not pools else None
        pool = pools.pop()
        return pool if pool[0] == pool[1] else None

    @property
    def parameters(self) -> int:
        """The number of weights that are trained."""
        return sum(math.prod(c.weights_shape) for c in self.connections if not c.is_fixed)
