"""evaluation: how well a network does on samples: its accuracy, or how far its values are from those wanted."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from snn_deploy.network.class_outputs import predicted_classes
from snn_deploy.network.value_errors import ValueErrors, value_errors
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions, Quantization
from snn_deploy.train.networks.network import Network
from snn_deploy.train.networks.recording import Recording
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.score import ACCURACY_KEY, MSE_KEY, SMAPE_KEY

_BATCH = 250


def scores(
    network: Network,
    samples: Samples,
    steps: int,
    processes: Processes | None = None,
    limits: Limits | None = None,
) -> dict[str, float]:
    """Return the scores of `network` on `samples` (score.py) by their keys; arguments as of `accuracy`."""
    if samples.reading is None:
        return {ACCURACY_KEY: accuracy(network, samples, steps, processes, limits)}
    found = _value_errors(network, samples, steps, processes or Processes(), limits)
    return {SMAPE_KEY: found.smape, MSE_KEY: found.mse}


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
    count, right = len(samples.labels), 0
    for chosen, recording in _recordings(network, samples, steps, processes, limits):
        is_right = predicted_classes(recording.logits.cpu().numpy()) == samples.labels[chosen % count]
        right += int(is_right[chosen < count].sum())
    return processes.total(right) / count


def _value_errors(
    network: Network, samples: Samples, steps: int, processes: Processes, limits: Limits | None
) -> ValueErrors:
    """Return how far the values that `network` gives for `samples` are from the labels."""
    assert samples.reading is not None
    count = len(samples.labels)
    parts: list[ValueErrors] = []
    for chosen, recording in _recordings(network, samples, steps, processes, limits):
        values = samples.reading.values(recording.output.transpose(0, 1).double().cpu().numpy())
        wanted = np.where((chosen < count)[:, None, None], samples.labels[chosen % count], np.nan)
        if not np.isnan(wanted).all():
            parts.append(value_errors(values, wanted))
    numbers = [(part.count, part.smape * part.count, part.mse * part.count) for part in parts]
    sums = torch.tensor(numbers, dtype=torch.float64).reshape(-1, 3).sum(0)
    asked, smape, mse = (processes.mean(sums) * processes.count).tolist()
    return ValueErrors(smape / asked, mse / asked, round(asked))


def _recordings(
    network: Network, samples: Samples, steps: int, processes: Processes, limits: Limits | None
) -> Iterator[tuple[np.ndarray, Recording]]:
    """Yield (chosen, what `network` did with the samples chosen % count) for the part of this process.

    Numbers from the count of the samples on are there because every process makes the same number of passes.
    """
    network.eval()
    count = len(samples.labels)
    # Every process makes the same number of passes (their statistics meet); what is past the end does not count.
    mine = np.arange(processes.rank, -(-count // processes.count) * processes.count, processes.count)
    device = next(network.parameters()).device
    rectangle = load_plugin("train.surrogates", "rectangle")  # any would do: no gradient is taken
    options = ForwardOptions(
        rectangle.Surrogate(), 1.0, rectangle.slope, quantization=quantization_for(samples, limits)
    )
    for start in range(0, len(mine), _BATCH):
        chosen = mine[start : start + _BATCH]
        with torch.no_grad():
            recording = network(input_tensor(samples, chosen % count, device), steps, options)
        yield chosen, recording


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


def label_tensor(samples: Samples, chosen: np.ndarray, device: torch.device) -> Tensor:
    """Return the labels of the samples at indices `chosen` as the losses take them, on `device`.

    Classes, int64 (batch,); or values in the unit of the output's potentials, float32 (batch, steps, values).
    """
    labels, reading = samples.labels[chosen], samples.reading
    if reading is None:
        return torch.from_numpy(labels).to(device)
    return torch.from_numpy((labels - reading.offset) / reading.scale).to(device, torch.float32)
