"""smaller_start: a run that starts from the trained network of another without some of its channels and synapses.

What is left keeps its weights, its norms' gains and moments, and its decays. A norm that centres weights does so over
the inputs that are left, and the moments are those of before; both are what the training that follows mends.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from snn_deploy.fitting.importance import synapse_sizes
from snn_deploy.fitting.parts import Pruning, smallest
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.networks.network import Network, key_of
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.run.checkpoint import read_network_state
from snn_deploy.train.run.inheritance import Parent
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import network_of_plan


@dataclass(frozen=True)
class SmallerStart:
    """What a run starts from: `parent` without what `pruned` says. Synapses that went have weights of 0."""

    parent: Parent
    pruned: Pruning

    @property
    def folder(self) -> Path:
        """The folder of the larger run."""
        return self.parent.folder

    @property
    def digest(self) -> str | None:
        """The SHA-256 of its checkpoint."""
        return self.parent.digest

    @torch.no_grad()
    def copy_into(self, network: Network, config: TrainConfig) -> None:
        """Put what is left of the larger network into `network`."""
        theirs = trained_network(self.parent, network.plan)
        left = kept_channels(theirs.plan, self.pruned)
        sizes = synapse_sizes(theirs)
        for large, small in zip(theirs.plan.connections, network.plan.connections, strict=True):
            rows, columns = (torch.from_numpy(left[name]) for name in (large.target, large.source))
            inputs = columns.repeat_interleave(large.weights_shape[1] // len(columns))  # dense: channel by channel
            weights = theirs.weights[key_of(large)]
            if share := self.pruned.shares.get(large.name):
                weights = weights.masked_fill(torch.from_numpy(smallest(sizes[large.name], share)), 0.0)
            network.weights[key_of(small)].copy_(weights[rows][:, inputs])
            network.norm(small).take_channels(theirs.norm(large), rows, inputs)
        if isinstance(network, SpikingNetwork) and isinstance(theirs, SpikingNetwork):
            network.keep_logits.load_state_dict(theirs.keep_logits.state_dict())


def trained_network(run: Parent, like: NetworkPlan) -> Network:
    """Return the trained network of `run`, for inputs and classes as those of the plan `like`."""
    plan = run.config.model.options.plan(like.input.shape, like.output.shape[0])
    network = network_of_plan(run.config, plan, torch.Generator().manual_seed(0))
    read_network_state(RunFolder(run.folder).checkpoint, network)
    return network


def kept_channels(plan: NetworkPlan, pruned: Pruning) -> dict[str, np.ndarray]:
    """Return population or input -> (channels,): whether a channel stays."""
    shapes = {plan.input.name: plan.input.shape, **{p.name: p.shape for p in plan.populations}}
    whole = {name: np.ones(shape[0], np.bool_) for name, shape in shapes.items()}
    return {**whole, **{name: ~mask for name, mask in pruned.channels.items()}}
