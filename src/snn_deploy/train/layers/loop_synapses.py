"""loop_synapses: the product of a layer's spikes with the weights to itself, for one step, and its gradients."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from snn_deploy.network.connection_arithmetic import Pair


@dataclass(frozen=True)
class LoopSynapses:
    """How a layer's spikes come back to it, `delay` steps later: at least 1.

    The rest is of a convolution, and of no use to dense weights. It keeps the map's size, so its stride is 1.
    """

    delay: int
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    def currents(self, spikes: Tensor, weights: Tensor) -> Tensor:
        """Return what `spikes` bring, both (batch, *shape); weights (out, in), or (out, in / groups, height, width)."""
        if weights.ndim == 2:
            return functional.linear(spikes, weights)
        return functional.conv2d(spikes, weights, None, 1, self.padding, self.dilation, self.groups)

    def by_spikes(self, by_currents: Tensor, weights: Tensor) -> Tensor:
        """Return the gradient with respect to the spikes from that with respect to the currents."""
        if weights.ndim == 2:
            return by_currents @ weights
        # A convolution with the mirrored kernel, which keeps the map's size too: faster than torch's own gradient.
        mirrored = weights.unflatten(0, (self.groups, -1)).transpose(1, 2).flatten(0, 1).flip(2, 3)
        return functional.conv2d(by_currents, mirrored, None, 1, self.padding, self.dilation, self.groups)

    def by_weights(self, spikes: Tensor, by_currents: Tensor, weights: Tensor) -> Tensor:
        """Return the gradient with respect to the weights."""
        if weights.ndim == 2:
            return by_currents.T @ spikes
        return conv2d_weight(spikes, weights.shape, by_currents, 1, self.padding, self.dilation, self.groups)
