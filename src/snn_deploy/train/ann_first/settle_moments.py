"""settle_moments: the norms of a converted network get the moments of its spikes, and infer as before.

In training a norm divides by the moments of its batch. Those of spikes are others than those of the activations that
they stand for: spikes vary from step to step. Without this the first batch would meet another network than the one that
was converted.
"""

from contextlib import ExitStack

import torch
from torch import Tensor

from snn_deploy.train.layers.moment_norm import MomentNorm
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.spiking_network import SpikingNetwork


@torch.no_grad()
def settle_moments(network: SpikingNetwork, inputs: Tensor, steps: int, options: ForwardOptions) -> None:
    """Measure the moments on `inputs`, and change what the norms have learned so that inference stays the same.

    Layer by layer: until one is settled, training mode sends other spikes than inference to the next.
    """
    norms = [module for module in network.modules() if isinstance(module, MomentNorm)]
    if not norms:
        return
    for _ in norms:
        before = [norm.from_running_statistics() for norm in norms]
        network.train()
        with ExitStack() as stack:
            for norm in norms:
                stack.enter_context(norm.measuring())
            network(inputs, steps, options)
        for norm, (factor, offset) in zip(norms, before, strict=True):
            norm.infer_as(factor, offset)
    network.eval()
