"""kernel_choice: which kernels a layer in training runs in, by its device: numba's on a CPU, Triton's on a GPU.

The modules of the Triton kernels are imported only where they run: not every installation has Triton.
"""

from functools import cache
from importlib.util import find_spec
from typing import Protocol

import torch
from torch import Tensor

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.train.compiled import fused_norm, int8_synapses
from snn_deploy.train.compiled.arithmetic import Arithmetic
from snn_deploy.train.compiled.fastest_arithmetic import fastest_arithmetic as fastest_on_cpu
from snn_deploy.train.compiled.fused_lif import FusedLayer
from snn_deploy.train.compiled.lif_kernels import Slope
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule


class NarrowSynapses(Protocol):
    """The functions of the two modules int8_synapses.py."""

    def conv2d(
        self,
        values: Tensor,
        weights: Tensor,
        area: int,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
        *,
        narrow_gradients: bool,
    ) -> Tensor:
        """Return the convolution without bias."""

    def linear(self, values: Tensor, weights: Tensor, area: int, *, narrow_gradients: bool) -> Tensor:
        """Return torch's linear without bias."""


@cache
def has_triton() -> bool:
    """Whether Triton is installed."""
    return find_spec("triton") is not None


def uses_triton(device: torch.device) -> bool:
    """Whether layers on `device` run in Triton kernels."""
    return device.type == "cuda" and has_triton()


def has_kernels(device: torch.device) -> bool:
    """Whether there are fused kernels for `device`; else layers run on the plain path."""
    return device.type == "cpu" or uses_triton(device)


def fuses(slope: Slope | None, device: torch.device) -> bool:
    """Whether a layer whose surrogate has the derivative `slope` runs in one fused kernel on `device`."""
    if slope is None or not uses_triton(device):
        return slope is not None and has_kernels(device)
    from snn_deploy.train.gpu.slopes import triton_slope  # noqa: PLC0415 - Triton may be missing

    return triton_slope(slope) is not None


def run_layer(layer: FusedLayer, currents: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pooled spikes and the statistics of FusedLayer.run, from the kernels of the currents' device."""
    if not uses_triton(currents.device):
        return layer.run(currents)
    from snn_deploy.train.gpu import fused_lif  # noqa: PLC0415 - Triton may be missing

    return fused_lif.run(layer, currents)


def normed(currents: Tensor, norm: ChannelNormModule) -> Tensor:
    """Return the normalized currents of fused_norm.normed, from the kernels of the currents' device."""
    if not uses_triton(currents.device):
        return fused_norm.normed(currents, norm)
    from snn_deploy.train.gpu import fused_norm as on_gpu  # noqa: PLC0415 - Triton may be missing

    return on_gpu.normed(currents, norm)


def narrow_synapses(device: torch.device) -> NarrowSynapses:
    """Return the synapses in int8 for tensors on `device`, where narrow_synapses_work there."""
    if not uses_triton(device):
        return int8_synapses
    from snn_deploy.train.gpu import int8_synapses as on_gpu  # noqa: PLC0415 - Triton may be missing

    return on_gpu


def narrow_synapses_work(device: torch.device) -> bool:
    """Whether synapses in int8 are exact on `device`."""
    if device.type == "cpu" and not uses_triton(device):
        return int8_synapses.works_here()
    if not uses_triton(device):
        return False
    from snn_deploy.train.gpu import int8_synapses as on_gpu  # noqa: PLC0415 - Triton may be missing

    return on_gpu.works_on(device)


def fastest_arithmetic(device: torch.device) -> Arithmetic:
    """Return the arithmetic of synapses that is clearly the fastest on `device`, measured."""
    if device.type == "cpu":
        return fastest_on_cpu()
    if not narrow_synapses_work(device):
        return "float32"
    from snn_deploy.train.gpu.fastest_arithmetic import fastest_on  # noqa: PLC0415 - Triton may be missing

    return fastest_on(device)
