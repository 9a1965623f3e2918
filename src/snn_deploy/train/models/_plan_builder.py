"""_plan_builder: writes a NetworkPlan connection by connection; shapes follow from what arrives."""

import math

from snn_deploy.network.connection_arithmetic import Pair, pooled_shape, target_shape
from snn_deploy.support.user_error import UserError
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedInput, PlannedPopulation


class PlanBuilder:
    """Add the connections into a population first, then the population: it takes the shape of what arrives."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        if len(input_shape) != 3:
            raise UserError(
                f"model: inputs of shape {input_shape}; this model takes (channels, height, width). "
                'Choose image data, or [model] name = "layer_string" with dense layers only.'
            )
        self._input = PlannedInput("input", input_shape)
        self._shapes: dict[str, tuple[int, ...]] = {"input": input_shape}
        self._populations: list[PlannedPopulation] = []
        self._connections: list[PlannedConnection] = []

    def convolve(
        self,
        source: str,
        target: str,
        channels: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        pool: Pair = (1, 1),
        norm_scale: float = 1.0,
    ) -> None:
        """Add a convolution, padded to keep the size (kernel odd), on the pooled spikes of `source`."""
        self._connections.append(
            PlannedConnection(
                f"{source}-{target}",
                source,
                target,
                (channels, self._shapes[source][0], kernel, kernel),
                stride=(stride, stride),
                padding=(kernel // 2, kernel // 2),
                pool=pool,
                norm_scale=norm_scale,
            )
        )

    def pass_on(self, source: str, target: str, weight: float, *, pool: Pair = (1, 1)) -> None:
        """Add an untrained identity: each neuron reaches the one at its position, with `weight` thresholds."""
        channels = self._shapes[source][0]
        self._connections.append(
            PlannedConnection(
                f"{source}-{target}",
                source,
                target,
                (channels, 1, 1, 1),
                groups=channels,
                pool=pool,
                has_norm=False,
                fixed_weight=weight,
            )
        )

    def connect_all(
        self, source: str, target: str, features: int, *, pool: Pair = (1, 1), has_norm: bool = True
    ) -> None:
        """Add a dense connection that reads the pooled `source` flattened."""
        fan_in = math.prod(pooled_shape(self._shapes[source], pool))
        self._connections.append(
            PlannedConnection(f"{source}-{target}", source, target, (features, fan_in), pool=pool, has_norm=has_norm)
        )

    def populate(self, name: str, *, fires: bool = True, is_inner_residual: bool = False) -> None:
        """Add the population `name`, which the connections added so far reach."""
        c = next(c for c in self._connections if c.target == name)
        shape = target_shape(self._shapes[c.source], c.weights_shape, c.stride, c.padding, c.dilation, c.pool)
        self._shapes[name] = shape
        self._populations.append(PlannedPopulation(name, shape, fires, is_inner_residual))

    def whole_map(self, name: str) -> Pair:
        """Return the window that pools all positions of `name` into one."""
        _, height, width = self._shapes[name]
        return height, width

    def plan(self) -> NetworkPlan:
        """Return the finished plan; its last population is the output."""
        return NetworkPlan(self._input, tuple(self._populations), tuple(self._connections))
