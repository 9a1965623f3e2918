"""evaluation: how well a network classifies."""

import numpy as np
import torch
from torch import Tensor

from snn_deploy.network.class_outputs import predicted_classes
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions, Quantization
from snn_deploy.train.networks.network import Network
from snn_deploy.train.processes.processes import Processes

_BATCH = 250


def accuracy(
    network: Network,
    samples: Samples,
    steps: int,
    processes: Processes | None = None,
    limits: Limits | None = None,
) -> float:
    """Return the share of `samples` whose largest output is their label; every process takes its part of them.

    limits: what the weights are rounded to, or None for floats.
    """
    processes = processes or Processes()
    network.eval()
    count = len(samples.labels)
    # Every process makes the same number of passes (their statistics meet); what is past the end does not count.
    mine = np.arange(processes.rank, -(-count // processes.count) * processes.count, processes.count)
    device = next(network.parameters()).device
    rectangle = load_plugin("train.surrogates", "rectangle")  # any would do: no gradient is taken
    options = ForwardOptions(
        rectangle.Surrogate(), 1.0, rectangle.slope, quantization=quantization_for(samples, limits)
    )
    right = 0
    with torch.no_grad():
        for start in range(0, len(mine), _BATCH):
            chosen = mine[start : start + _BATCH]
            recording = network(input_tensor(samples, chosen % count, device), steps, options)
            is_right = predicted_classes(recording.logits.cpu().numpy()) == samples.labels[chosen % count]
            right += int(is_right[chosen < count].sum())
    return processes.total(right) / count


def quantization_for(samples: Samples, limits: Limits | None) -> Quantization | None:
    """Return how a pass on inputs like `samples` is quantized within `limits`; None for None."""
    return None if limits is None else Quantization(limits, samples.scale, samples.largest_value)


def input_tensor(samples: Samples, chosen: np.ndarray, device: torch.device) -> Tensor:
    """Return the inputs of the samples at indices `chosen` as a network takes them: float32, scaled, on `device`."""
    return scaled(torch.from_numpy(samples.inputs[chosen]), samples, device)


def scaled(images: Tensor, samples: Samples, device: torch.device) -> Tensor:
    """Return uint8 `images` like those of `samples` as a network takes them: float32, scaled, on `device`.

    Sequences come out as (steps, batch, *shape).
    """
    floats = images.to(device).to(torch.float32) * samples.scale
    return floats.transpose(0, 1) if samples.is_sequence else floats
