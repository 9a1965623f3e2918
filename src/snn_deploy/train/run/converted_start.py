"""converted_start: a run's spiking network starts from the ReLU network that the run's first stage has trained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.ann_first.activation_scales import activation_scales
from snn_deploy.train.ann_first.conversion import Conversion, LayerConversion, write_conversion
from snn_deploy.train.ann_first.layer_error import LayerError
from snn_deploy.train.ann_first.match_rates import match_rates
from snn_deploy.train.ann_first.relu_network import ReluNetwork
from snn_deploy.train.ann_first.settle_moments import settle_moments
from snn_deploy.train.ann_first.start_from_relu import start_from_relu
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.run.checkpoint import checkpoint_digest
from snn_deploy.train.run.evaluation import accuracy, input_tensor
from snn_deploy.train.run.layer_statistics import batches_that_fit
from snn_deploy.train.run.relu_folder import ReluFolder
from snn_deploy.train.run.run_start import StartedRun, build_network

_SCALE_SAMPLES, _BATCH = 500, 100  # guesses: training samples for the scales; how many at once, and for the rates


@dataclass(frozen=True)
class ConvertedStart:
    """The network that the first stage of the run in `folder` ends with. digest: of the ReLU network's checkpoint.

    state: the spiking network's parameters and statistics. digest: None in the processes that write no files.
    """

    folder: Path
    digest: str | None
    state: Mapping[str, Tensor]

    def copy_into(self, network: Network, config: TrainConfig) -> None:
        """Put the parameters and statistics into `network`."""
        network.load_state_dict(self.state)


def converted_start(stage: StartedRun, config: TrainConfig) -> ConvertedStart:
    """Return what the run of `config` starts from, after writing how far it is from the ReLU network.

    stage: the first one of this run, finished.
    """
    relu, files, samples = stage.network, stage.files, stage.context.samples
    processes, device = stage.context.processes, next(stage.network.parameters()).device
    assert isinstance(relu, ReluNetwork) and isinstance(files, ReluFolder)
    relu.eval()
    scales = activation_scales(relu.plan, _activations(relu, samples), config.ann_first.percentile)
    spiking = build_network(config, samples, torch.Generator().manual_seed(config.seed)).to(device)
    assert isinstance(spiking, SpikingNetwork)  # combinations.py refuses the other method
    start_from_relu(spiking, relu, scales, config.steps)
    inputs, options = input_tensor(samples, _scale_samples(samples)[:_BATCH], device), _compiled()
    if config.ann_first.matches_rates:
        with torch.no_grad():
            activations = relu.activations(inputs, options)
        wanted = {name: float(values.mean()) / scales[name] for name, values in activations.items()}
        match_rates(spiking, wanted, inputs, config.steps, options)
    settle_moments(spiking, inputs, config.steps, options)
    split, shown = ("training", samples) if stage.validation is None else ("validation", stage.validation)
    measured = shown.first(config.training.measured_samples) if config.training.measured_samples else None
    is_validated = stage.validation is not None
    conversion = Conversion(
        config.steps,
        split,
        0 if measured is None else len(measured.labels),
        accuracy(relu, shown, 1, processes) if is_validated else None,
        accuracy(spiking, shown, config.steps, processes) if is_validated else None,
        () if measured is None else _layers(relu, spiking, scales, measured, config.steps),
    )
    if processes.is_first:
        write_conversion(files.conversion, conversion)
    digest = checkpoint_digest(files.checkpoint) if processes.is_first else None
    return ConvertedStart(files.path, digest, spiking.state_dict())


def _scale_samples(samples: Samples) -> np.ndarray:
    """Return the indices of the samples that scales are measured on, the same ones each time."""
    return np.random.default_rng(0).permutation(len(samples.labels))[:_SCALE_SAMPLES]


def _compiled() -> ForwardOptions:
    """Return options of a fast pass without gradients."""
    rectangle = load_plugin("train.surrogates", "rectangle")  # any would do
    return ForwardOptions(rectangle.Surrogate(), 1.0, rectangle.slope)


@torch.no_grad()
def _activations(relu: ReluNetwork, samples: Samples) -> Iterator[dict[str, Tensor]]:
    """Yield batches of hidden layer -> activations."""
    device, order = next(relu.parameters()).device, _scale_samples(samples)
    for chosen in np.split(order, range(_BATCH, len(order), _BATCH)):
        yield relu.activations(input_tensor(samples, chosen, device), _compiled())


@torch.no_grad()
def _layers(
    relu: ReluNetwork, spiking: SpikingNetwork, scales: Mapping[str, float], samples: Samples, steps: int
) -> tuple[LayerConversion, ...]:
    """Return how far each layer's rates are from its activations on `samples`."""
    spiking.eval()
    device = next(spiking.parameters()).device
    options = ForwardOptions(load_plugin("train.surrogates", "rectangle").Surrogate(), 1.0)  # keeps every spike
    errors = {p.name: LayerError(scales[p.name]) for p in spiking.plan.populations[:-1]}
    for chosen in batches_that_fit(spiking.plan, len(samples.labels), steps):
        inputs = input_tensor(samples, chosen, device)
        activations = relu.activations(inputs, options)
        for record in spiking(inputs, steps, options).layers:
            assert record.spikes is not None
            errors[record.name].add(record.spikes, activations[record.name])
    return tuple(error.result(name) for name, error in errors.items())
