"""fused_quantized_lif: the integer neurons of one layer and its pooling as one compiled autograd function, for CPUs.

Its spikes are those of the plain path (networks/quantized_pass.py), every one; its gradients are the same to rounding.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn_deploy.network.state_units import DECAY_UNITY, STATE_UNIT
from snn_deploy.train.compiled import quantized_lif_kernels
from snn_deploy.train.compiled.fused_lif import gradients_of_sums
from snn_deploy.train.compiled.fused_norm import Maps, over_samples
from snn_deploy.train.compiled.lif_kernels import STATISTICS, Slope, slopes_kernel
from snn_deploy.train.neurons.lif import Neuron


@dataclass(frozen=True)
class FusedQuantizedLayer:
    """What a layer does besides its weights. neuron: with the voltage_keep that it has learned, if it learns one.

    units, thresholds: (channels,), as in Fit. slope: the surrogate's derivative for one neuron, compilable.
    learned_keep: what neuron.voltage_keep is the value of, to get a gradient.
    """

    neuron: Neuron
    slope: Slope
    sharpness: float
    steps: int
    units: np.ndarray
    thresholds: np.ndarray
    pool: int = 1
    learned_keep: Tensor | None = None

    def run(self, currents: Tensor) -> tuple[Tensor, Tensor]:
        """Return the spikes of each pooling window, summed, (steps, batch, *pooled shape), and the statistics, (4,).

        currents: whole numbers in float32, (steps, batch, *shape), or (1, batch, *shape) where every step is the same.
        statistics: as of FusedLayer.run, in the unit of the floats.
        """
        counts, statistics = _FusedQuantizedLif.apply(currents, self, self.learned_keep)
        return counts, statistics


class _FusedQuantizedLif(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, layer: FusedQuantizedLayer, learned_keep: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        maps = Maps(currents, layer.pool)
        counts = maps.empty_pooled(layer.steps, layer.pool)
        # What the kernels need of a layer; each product is exact, or rounds once as in the plain path.
        constants = (
            (layer.thresholds * STATE_UNIT).astype(np.int32),
            layer.units / STATE_UNIT,
            np.int32(round(layer.neuron.voltage_keep * DECAY_UNITY)),
            maps.innermost,
        )
        sums = over_samples(
            maps,
            STATISTICS,
            lambda a, b, out: quantized_lif_kernels.forward(
                maps.array, *constants, maps.width, layer.pool, a, b, counts, out
            ),
        )
        ctx.layer, ctx.maps, ctx.constants, ctx.elements = layer, maps, constants, maps.array[0].size * layer.steps
        return maps.tensor(counts, layer.pool), torch.from_numpy(sums / ctx.elements).to(currents.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, maps = ctx.layer, ctx.maps
        by_counts, by_statistics = gradients
        arriving, by_sums = maps.split(by_counts), gradients_of_sums(by_statistics, ctx.elements)
        floats = (np.float32(layer.neuron.voltage_keep), np.float32(layer.neuron.threshold))
        surrogate = slopes_kernel(layer.slope), np.float32(layer.sharpness)
        units, learns = layer.units.astype(np.float32), ctx.needs_input_grad[2]
        result = np.empty_like(maps.array)

        def run(first: int, last: int, by_keep: np.ndarray) -> None:
            quantized_lif_kernels.backward(
                maps.array, *ctx.constants, units, *floats, maps.width, layer.pool, *surrogate, learns, first, last,
                arriving, *by_sums, result, by_keep,
            )  # fmt: skip

        by_keep = over_samples(maps, 1, run)
        return maps.tensor(result), None, torch.tensor(by_keep[0], dtype=by_counts.dtype) if learns else None
