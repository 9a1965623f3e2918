"""spikingjelly_estimates: what the energy models of SpikingJelly say of a network, asked of SpikingJelly itself.

SpikingJelly 2.0 (activation_based.op_counter) runs a torch module and counts. So the network becomes one of its
modules: convolutions and dense layers with the integer weights, IFNode and LIFNode with the integer thresholds. Pooling
goes into the kernels, because two of the models know none. Its neurons do not round a decaying potential, as Loihi's
do, so some spikes may differ; how many is counted. Every sample runs by itself: the sizes of buffers follow the batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from snn_deploy.deploy.running.simulation import Progress
from snn_deploy.network.expand_pooling import expand_pooling
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY, STATE_SHIFT
from snn_deploy.support.user_error import UserError

_STEP = 2.0**-STATE_SHIFT  # of a state, in weights
_PICO = 1e-12


@dataclass(frozen=True)
class JellyEstimate:
    """One energy model of SpikingJelly. energy: J of a sample, the mean; None where it refuses, and `why`.

    key: of its citation. technology: feature size in nm.
    """

    name: str
    key: str
    counted: str
    technology: int
    energy: float | None
    why: str = ""


@dataclass(frozen=True)
class _Model:
    name: str
    key: str
    counted: str
    technology: int
    function: str
    total: str


_MODELS = (
    _Model("simple", "step", "MACs 4.6 pJ, ACs 0.9 pJ, parameters and states read at 24.96 pJ a byte", 45,
           "estimate_simple_energy", "energy_total_pj"),
    _Model("Lemaire", "lemaire2022", "32-bit integers, addresses, SRAM by its size, queues of events", 45,
           "estimate_lemaire_energy", "total_pj"),
    _Model("NeuroMC", "neuromc", "1-bit spikes, 16-bit values, three levels of memory, dense schedule", 32,
           "estimate_neuromc_runtime_energy", "energy_total_pj"),
    _Model("SpikeSim", "spikesim2023", "crossbars of convolutions only, memristors", 65,
           "estimate_spikesim_energy", "energy_total_pj"),
)  # fmt: skip


def spikingjelly_estimates(
    network: IntegerNetwork, frames: np.ndarray, spikes: Mapping[str, np.ndarray], progress: Progress | None = None
) -> tuple[tuple[JellyEstimate, ...], float]:
    """Return the estimate of each model, and which share of all spikes differs from `spikes`.

    frames: (steps, samples, *input shape). spikes: population -> (steps, samples, *shape), of the same samples.
    progress: called once for each sample. What SpikingJelly's modules cannot be is a UserError.
    """
    try:
        from spikingjelly.activation_based import functional, op_counter  # noqa: PLC0415 - slow, and optional
    except ImportError as error:
        raise UserError(f"SpikingJelly is not installed ({error}). Install spikingjelly>=2.0.") from error
    module = _Twin(network).eval()
    shown = torch.from_numpy(np.ascontiguousarray(frames, dtype=np.float32))
    with torch.no_grad():
        module(shown)
    every = sum(int(spikes[name].sum()) for name in module.fired)
    differ = sum(int((torch.stack(fired).numpy() != spikes[name]).sum()) for name, fired in module.fired.items())
    joules, refused = dict.fromkeys(_MODELS, 0.0), dict.fromkeys(_MODELS, "")
    for sample in range(shown.shape[1]):
        for model in _MODELS:
            functional.reset_net(module)
            try:
                report = getattr(op_counter, model.function)(module, (shown[:, sample : sample + 1],))
            except (ValueError, NotImplementedError, RuntimeError) as error:  # how its models refuse
                refused[model] = str(error).splitlines()[0]
            else:
                joules[model] += float(getattr(report, model.total)) * _PICO / shown.shape[1]
        if progress:
            progress(1)
    found = [
        JellyEstimate(m.name, m.key, m.counted, m.technology, None if refused[m] else joules[m], refused[m])
        for m in _MODELS
    ]
    return tuple(found), differ / max(every, 1)


class _Twin(nn.Module):
    """A network as a module of SpikingJelly that takes all steps. fired: population -> its spikes of each step."""

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self.network = network
        self.fired: dict[str, list[torch.Tensor]] = {p.name: [] for p in network.populations if p.fires}
        biases = {p.name: p.bias for p in network.populations}
        self.synapses, self.neurons = nn.ModuleDict(), nn.ModuleDict()
        for i, c in enumerate(network.connections):
            first = next(other.name for other in network.connections if other.target == c.target) == c.name
            self.synapses[str(i)] = _layer(network, c, biases[c.target] if first else None)
        for i, p in enumerate(network.populations):
            self.neurons[str(i)] = _neurons(p)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return the output of every step. frames: (steps, samples, *input shape)."""
        network, outputs = self.network, []
        for name in self.fired:
            self.fired[name] = []
        for frame in frames:
            sent = {network.input.name: frame}
            for p, neurons in zip(network.populations, self.neurons.values(), strict=True):
                arriving: torch.Tensor | None = None
                for c, layer in zip(network.connections, self.synapses.values(), strict=True):
                    if c.target == p.name:
                        values = sent[c.source].flatten(1) if isinstance(layer, nn.Linear) else sent[c.source]
                        current = layer(values)
                        arriving = current if arriving is None else arriving + current
                assert arriving is not None
                sent[p.name] = neurons(arriving.reshape(-1, *p.shape))
                if p.fires:
                    self.fired[p.name].append(sent[p.name])
            outputs.append(sent[network.output.name])
        return torch.stack(outputs)


def _layer(network: IntegerNetwork, connection: IntegerConnection, bias: np.ndarray | None) -> nn.Module:
    if connection.delay:
        raise UserError(f"connection {connection.name!r}: has a delay, which SpikingJelly's energy models do not know.")
    c = expand_pooling(connection, network.shape_of(connection.source))
    weights = torch.from_numpy(c.weights.astype(np.float32) * 2.0**c.exponent)
    has_bias = bias is not None and bool(bias.any())
    layer: nn.Linear | nn.Conv2d
    if weights.ndim == 2:
        layer = nn.Linear(weights.shape[1], weights.shape[0], bias=has_bias)
    else:
        size, channels = (weights.shape[2], weights.shape[3]), weights.shape[1] * c.groups
        layer = nn.Conv2d(channels, weights.shape[0], size, c.stride, c.padding, c.dilation, c.groups, bias=has_bias)
    layer.weight.data = weights
    if bias is not None and layer.bias is not None:
        layer.bias.data = torch.from_numpy(bias.astype(np.float32) * np.float32(_STEP))
    return layer


def _neurons(population: IntegerPopulation) -> nn.Module:
    from spikingjelly.activation_based import neuron  # noqa: PLC0415 - slow, and optional

    p, where = population, f"population {population.name!r}"
    if p.current_keep.any() or p.initial_value.any() or p.reset_value.any():
        raise UserError(
            f"{where}: a current that is remembered, or another first potential or reset value than 0; in "
            "SpikingJelly's neurons a reset value is also where they begin, and what they decay to."
        )
    if p.adapts:
        raise UserError(f"{where}: a threshold that its spikes raise, which no neuron of SpikingJelly's estimate has.")
    keep = _alike(where, "decay", p.voltage_keep) / DECAY_UNITY
    # Whole numbers above a threshold are at the next one or above it.
    threshold = _alike(where, "threshold", p.threshold) + _STEP if p.fires else float("inf")
    options = {"v_threshold": threshold, "v_reset": None if p.reset == "subtract" else 0.0}
    if keep == 1:
        found: nn.Module = neuron.IFNode(**options)
    else:
        tau = max(1 / (1 - keep), float(np.nextafter(1, 2)))  # it must be above 1
        found = neuron.LIFNode(tau=tau, decay_input=False, **options)
    return found


def _alike(where: str, what: str, values: np.ndarray) -> float:
    """Return the one value of all channels."""
    if (values != values[0]).any():
        raise UserError(f"{where}: a {what} of each channel; SpikingJelly's neurons have one of each layer.")
    return float(values[0])
