"""layer_statistics: what every layer does on the same samples, measured by the plain path after an epoch.

Potentials are those before the reset, and the histogram counts them in thresholds: a neuron fires from 1 on.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from snn_deploy.network.layer_activity import LayerActivity
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.networks.recording import LayerRecord, Recording
from snn_deploy.train.networks.synaptic_operations import fan_outs
from snn_deploy.train.run.evaluation import input_tensor

HISTOGRAM_FIRST, HISTOGRAM_LAST, HISTOGRAM_BINS = -4.0, 4.0, 80
_MOST_VALUES = 1 << 25  # potentials that a pass may keep: 128 MiB, and as much again for the spikes


def measured_layers(network: Network, samples: Samples, steps: int) -> dict[str, Any]:
    """Return what `samples` make each layer do, as "measured/QUANTITY/LAYER", for one line of metrics.

    spike_rate: spikes per neuron and step. dead_share, saturated_share: of the neurons, those that never and that
    always fire. membrane_mean, membrane_deviation: of the potential. quantization_error: the mean of
    (spike - potential)^2 (RMP-Loss Eq. 9). membrane_histogram: counts of potentials below the first edge, in
    HISTOGRAM_BINS equal bins, and above the last edge, in thresholds.
    measured/synaptic_operations: additions that the spikes cause, per sample (see synaptic_operations.py).
    """
    network.eval()
    layers: dict[str, _Layer] = {}
    for recording in _recordings(network, samples, steps):
        for record in recording.layers:
            layers.setdefault(record.name, _Layer()).add(record)
    times = steps * len(samples.labels)
    measured: dict[str, Any] = {}
    for name, layer in layers.items():
        measured |= {f"measured/{quantity}/{name}": value for quantity, value in layer.result(times).items()}
    fans = fan_outs(network.plan)
    operations = sum(float(layers[name].spikes @ fan.ravel()) for name, fan in fans.items() if name in layers)
    return {**measured, "measured/synaptic_operations": operations / len(samples.labels)}


def silent_layers(metrics: Mapping[str, Any]) -> list[str]:
    """Return the layers of which not one neuron fired, from a line of metrics with `measured_layers`."""
    start = "measured/dead_share/"
    return [name.removeprefix(start) for name, share in metrics.items() if name.startswith(start) and share == 1]


def batches_that_fit(plan: NetworkPlan, count: int, steps: int) -> Iterator[np.ndarray]:
    """Yield the indices of `count` samples, as many at once as fit into memory with every potential kept."""
    per_sample = steps * sum(math.prod(p.shape) for p in plan.populations)
    size = max(1, _MOST_VALUES // per_sample)
    for start in range(0, count, size):
        yield np.arange(start, min(start + size, count))


class _Layer:
    """Sums over the passes. spikes: (neurons,), of all samples and steps."""

    spikes: np.ndarray

    def __init__(self) -> None:
        self.values, self.sum, self.squares, self.error = 0, 0.0, 0.0, 0.0
        self.histogram = np.zeros(HISTOGRAM_BINS + 2, np.int64)

    def add(self, record: LayerRecord) -> None:
        assert record.potentials is not None and record.spikes is not None  # the plain path keeps them
        spikes = record.spikes.sum((0, 1), dtype=torch.float64).flatten().cpu().numpy()
        self.spikes = self.spikes + spikes if self.values else spikes
        potentials = record.potentials.double()
        self.values += potentials.numel()
        self.sum += potentials.sum().item()
        self.squares += potentials.square().sum().item()
        self.error += (record.spikes - potentials).square().sum().item()
        scaled = (potentials / record.threshold).flatten()
        inside = torch.histc(scaled, HISTOGRAM_BINS, HISTOGRAM_FIRST, HISTOGRAM_LAST).cpu().numpy()
        below, above = (scaled < HISTOGRAM_FIRST).sum().item(), (scaled > HISTOGRAM_LAST).sum().item()
        self.histogram += np.concatenate([[below], inside, [above]]).astype(np.int64)

    def result(self, times: int) -> dict[str, Any]:
        mean = self.sum / self.values
        activity = LayerActivity(self.spikes, times)
        return {
            "spike_rate": activity.rate,
            "dead_share": float(activity.dead.mean()),
            "saturated_share": float(activity.saturated.mean()),
            "membrane_mean": mean,
            "membrane_deviation": math.sqrt(max(self.squares / self.values - mean**2, 0.0)),
            "quantization_error": self.error / self.values,
            "membrane_histogram": self.histogram.tolist(),
        }


def _recordings(network: Network, samples: Samples, steps: int) -> Iterator[Recording]:
    """Yield passes over all samples."""
    device = next(network.parameters()).device
    options = ForwardOptions(load_plugin("train.surrogates", "rectangle").Surrogate(), 1.0)
    with torch.no_grad():
        for chosen in batches_that_fit(network.plan, len(samples.labels), steps):
            yield network(input_tensor(samples, chosen, device), steps, options)
