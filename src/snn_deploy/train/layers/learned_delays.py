"""learned_delays: how many steps spikes wait in the synapses of one connection, trained with its weights.

A delay is a real number of steps while it is learned: a spike arrives spread over neighbouring steps, by a Gaussian
around the delay whose width shrinks over the epochs, so that its centre has a gradient (Khalfaoui-Hassani et al.,
"Dilated Convolution with Learnable Spacings", ICLR 2023; Hammouamri et al., "Learning Delays in Spiking Neural Networks
Using Dilated Convolutions with Learnable Spacings", ICLR 2024). At width 0 delays are whole, as a chip has them.

Axonal delays are one for each channel of the source; synaptic ones one for each synapse of a dense connection.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class LearnedDelays(nn.Module):
    """steps: (outputs, inputs), or (1, channels) of axonal delays; from 0 to `most`. generator: draws them, evenly."""

    def __init__(self, outputs: int, inputs: int, most: int, generator: torch.Generator) -> None:
        super().__init__()
        self.most = most
        self.steps = nn.Parameter(torch.empty(outputs, inputs).uniform_(0, most, generator=generator))

    @property
    def is_axonal(self) -> bool:
        """Whether there is one for each channel of the source."""
        return len(self.steps) == 1

    @property
    def whole(self) -> Tensor:
        """(outputs or 1, inputs), the delays in inference, int64."""
        return self.steps.detach().clamp(0, self.most).round().long()

    def kernel(self, width: float) -> Tensor:
        """Return (outputs or 1, inputs, most + 1): how much of a spike arrives after 0, 1, ... steps; it sums to 1.

        width: the deviation in steps, or 0. Differentiable with respect to the delays where it is not 0.
        """
        if width == 0:
            kernel = functional.one_hot(self.whole, self.most + 1).to(self.steps.dtype)
            return kernel + 0.0 * self.steps[..., None]  # a gradient of 0: several processes wait for everyone's
        if self.training:
            with torch.no_grad():
                self.steps.clamp_(0, self.most)
        after = torch.arange(self.most + 1, device=self.steps.device)
        return torch.softmax(-0.5 * ((after - self.steps[..., None]) / width).square(), -1)  # never all 0

    def delayed(self, values: Tensor, width: float) -> Tensor:
        """Return `values`, (steps, batch, channels, ...), each channel as late as its axonal delay says."""
        steps = len(values)
        kernel = self.kernel(width)[0]  # (channels, most + 1)
        ago = torch.arange(steps)[:, None] - torch.arange(steps)  # (to, from)
        reaches = (ago >= 0) & (ago <= self.most)
        moved = torch.where(reaches.to(kernel.device), kernel[:, ago.clamp(0, self.most).to(kernel.device)], 0.0)
        arranged = values.transpose(0, 2)  # (channels, batch, steps, ...)
        late = torch.einsum("cts,cbs...->cbt...", moved.to(values.dtype), arranged)
        return late.transpose(0, 2).contiguous()

    def currents(self, values: Tensor, weights: Tensor, width: float) -> Tensor:
        """Return (steps, batch, outputs) of `weights`, (outputs, inputs), on `values`, (steps, batch, inputs)."""
        kernels = (weights[..., None] * self.kernel(width)).flip(2)  # the last of a kernel meets the present
        arriving = functional.pad(values.permute(1, 2, 0), (self.most, 0))
        return functional.conv1d(arriving, kernels).permute(2, 0, 1).contiguous()
