"""norm_statistics: the moments of the norms, measured anew for the weights as they are (precise batch norm).

The running moments are those of weights that have changed since; after a short training they are far behind (Wu &
Johnson, "Rethinking 'Batch' in BatchNorm", 2021, Sec. 3).
"""

from contextlib import ExitStack

import numpy as np
import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.layers.moment_norm import MomentNorm
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network
from snn_deploy.train.run.epoch import TrainingContext
from snn_deploy.train.run.evaluation import input_tensor


def has_unmeasured_norms(network: Network) -> bool:
    """Return whether a norm of `network` has no moments yet."""
    return any(not norm.has_moments for norm in _norms(network))


def measure_norms(context: TrainingContext) -> None:
    """Measure every norm's moments on config.training.norm_samples training samples, in batches as in training.

    The same samples each time, not augmented; nothing is drawn from the run's generator. Without such norms, or with 0
    samples, nothing changes.
    """
    config, samples, network = context.config, context.samples, context.state.network
    norms = _norms(network)
    if not norms or config.training.norm_samples == 0:
        return
    order = np.random.default_rng(0).permutation(len(samples.labels))[: config.training.norm_samples]
    size = min(config.training.batch_size, len(order) // context.processes.count * context.processes.count)
    count = len(order) // size  # a smaller last batch would count as much as the others
    batches = np.split(order[: count * size], count)
    rectangle = load_plugin("train.surrogates", "rectangle")  # any would do: no gradient is taken
    options = ForwardOptions(rectangle.Surrogate(), 1.0, rectangle.slope)
    device = next(network.parameters()).device
    network.train()
    with torch.no_grad(), ExitStack() as stack:
        for norm in norms:
            stack.enter_context(norm.measuring())
        for batch in batches:
            network(input_tensor(samples, batch[context.processes.share(batch)], device), config.steps, options)


def _norms(network: Network) -> list[MomentNorm]:
    return [module for module in network.modules() if isinstance(module, MomentNorm)]
