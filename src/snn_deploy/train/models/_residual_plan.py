"""_residual_plan: residual networks of basic blocks, from their stem, stages and shortcuts.

A block is convolution, neurons, convolution, neurons; the second convolution's current and the shortcut's join
before the neurons (STBP-tdBN, Zheng et al. 2021, Fig. 4; Dspike Sec. 5.1), so every spike is 0 or 1. The populations
inside blocks are marked: IM-Loss leaves them alone (IM-Loss Sec. 4.2).

A shortcut between unlike shapes is a 1x1 convolution with a norm of its own. One between like shapes passes the
spikes on with a fixed weight, in thresholds: the papers add the spike itself, which at their threshold of 0.5 is a
weight of 2.
"""

import math
from dataclasses import dataclass
from typing import Literal

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.train.models._plan_builder import PlanBuilder
from snn_deploy.train.networks.network_plan import NetworkPlan

IDENTITY_WEIGHT = 2.0  # in thresholds: a spike of 1 at V_th = 0.5 (IM-Loss, RMP-Loss)


@dataclass(frozen=True)
class StemLayer:
    """A convolution before the first block."""

    channels: int
    kernel: int = 3
    stride: int = 1


@dataclass(frozen=True)
class Stage:
    """Blocks of the same width; the first block halves height and width, except in the first stage."""

    channels: int
    blocks: int


@dataclass(frozen=True)
class ResidualNetwork:
    """What residual networks differ in.

    stem_pool: average pooling after the stem. downsampling: how a shortcut halves the map, by a 1x1 convolution of
    stride 2 (He et al. 2016) or average pooling and a 1x1 convolution (He et al. 2019, ResNet-D; Dspike).
    hidden: dense spiking layers before the output. pools_last_map: average over all positions before them.
    """

    stem: tuple[StemLayer, ...]
    stages: tuple[Stage, ...]
    stem_pool: int = 1
    downsampling: Literal["stride", "pool"] = "stride"
    hidden: tuple[int, ...] = ()
    pools_last_map: bool = True
    identity_weight: float = IDENTITY_WEIGHT

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        builder = PlanBuilder(input_shape)
        source, channels = "input", 0
        for number, layer in enumerate(self.stem, 1):
            builder.convolve(source, f"stem{number}", layer.channels, layer.kernel, stride=layer.stride)
            builder.populate(f"stem{number}")
            source, channels = f"stem{number}", layer.channels
        pool = (self.stem_pool, self.stem_pool)
        for number, stage in enumerate(self.stages, 1):
            for block in range(1, stage.blocks + 1):
                stride = 2 if number > 1 and block == 1 else 1
                name = f"stage{number}_block{block}"
                self._add_block(
                    builder, source, name, stage.channels, stride, pool, stride > 1 or channels != stage.channels
                )
                source, channels, pool = name, stage.channels, (1, 1)
        pool = builder.whole_map(source) if self.pools_last_map else (1, 1)
        for number, features in enumerate(self.hidden, 1):
            builder.connect_all(source, f"dense{number}", features, pool=pool)
            builder.populate(f"dense{number}")
            source, pool = f"dense{number}", (1, 1)
        builder.connect_all(source, "output", classes, pool=pool, has_norm=False)
        builder.populate("output", fires=False)
        return builder.plan()

    def _add_block(
        self, builder: PlanBuilder, source: str, name: str, channels: int, stride: int, pool: Pair, changes_shape: bool
    ) -> None:
        inner = f"{name}_inner"
        builder.convolve(source, inner, channels, stride=stride, pool=pool)
        builder.populate(inner, is_inner_residual=True)
        # Two normed currents join where the shortcut has a norm too (STBP-tdBN: alpha = 1 / sqrt(2)).
        scale = math.sqrt(0.5) if changes_shape else 1.0
        builder.convolve(inner, name, channels, norm_scale=scale)
        if not changes_shape:
            builder.pass_on(source, name, self.identity_weight, pool=pool)
        elif self.downsampling == "pool":
            window = (pool[0] * stride, pool[1] * stride)
            builder.convolve(source, name, channels, 1, pool=window, norm_scale=scale)
        else:
            builder.convolve(source, name, channels, 1, stride=stride, pool=pool, norm_scale=scale)
        builder.populate(name)


def imagenet_network(width: int, blocks: tuple[int, ...], identity_weight: float) -> ResidualNetwork:
    """Return the network of He et al. 2016, Table 1, for 224x224: 7x7 stride 2, pooling, four stages.

    Its 3x3 max pooling of stride 2 is 2x2 average pooling here: max pooling is no sum of spikes, and windows that
    overlap are no pooling that the export knows.
    """
    stages = tuple(Stage(width * 2**i, count) for i, count in enumerate(blocks))
    return ResidualNetwork((StemLayer(width, 7, 2),), stages, stem_pool=2, identity_weight=identity_weight)
