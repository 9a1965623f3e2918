"""What benchmarks/simulator.py runs: networks of random int8 weights whose layers all spike at one density.

W1 is 32C3-P2-64C3-P2-256-10 on 1x28x28, W2 is CIFARNet on 3x32x32, resnet19 is ResNet-19; four steps, input spikes.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.networks.network_plan import PlannedConnection

STEPS, KEEP = 4, 2048  # a step leaves half of a potential
_LARGEST_SUM = 2**17  # a current of 24 bits wraps there, which the eager neurons do not
_W2 = "128C3-256C3-P2-512C3-P2-1024C3-512C3-1024-512-10"
_MODELS = {
    "W1": ("layer_string", ("32C3-P2-64C3-P2-256-10",)),
    "W2": ("layer_string", (_W2,)),
    "resnet19": ("resnet19", ()),
}
SHAPES = {"W1": (1, 28, 28), "W2": (3, 32, 32), "resnet19": (3, 32, 32)}
BATCH = {"W1": 32, "W2": 4, "resnet19": 4}
Spikes = dict[str, Tensor]  # population -> (steps, samples, *shape) of 0.0 or 1.0


def network_of(name: str, density: float, rng: np.random.Generator) -> tuple[IntegerNetwork, np.ndarray]:
    """Return the network and its input frames, (steps, BATCH[name], *shape): all spike at `density`, up to chance."""
    module, options = _MODELS[name]
    plan = load_plugin("train.models", module).Model(*options).plan(SHAPES[name], 10)
    frames = (rng.random((STEPS, BATCH[name], *SHAPES[name])) < density).astype(np.uint8)
    spikes: Spikes = {plan.input.name: torch.from_numpy(frames).float()}
    connections = tuple(_random_weights(c, rng) for c in plan.connections)
    populations = []
    for planned in plan.populations:
        sums = arriving(spikes, [c for c in connections if c.target == planned.name])
        if divisor := int(sums.abs().max()) // _LARGEST_SUM:
            connections = tuple(_smaller(c, 2 * divisor) if c.target == planned.name else c for c in connections)
            sums = arriving(spikes, [c for c in connections if c.target == planned.name])
        threshold = _threshold(sums, density) if planned.fires else 0
        neurons = IntegerPopulation(planned.name, planned.shape, threshold, KEEP, 0, 0, planned.fires)
        spikes[planned.name], _ = eager_neurons(neurons, sums)
        populations.append(neurons)
    entry = IntegerInput(plan.input.name, SHAPES[name], 1)
    return IntegerNetwork(entry, tuple(populations), connections, STEPS), frames


def arriving(spikes: Spikes, connections: list[IntegerConnection]) -> Tensor:
    """Return what reaches a population, by torch's float32 operators: (steps, samples, *shape)."""
    total: Tensor | float = 0.0
    for c in connections:
        x = spikes[c.source]
        weights = torch.from_numpy(c.weights.copy()).float() * 2.0**c.exponent
        sums = synapses(x.flatten(0, 1), c, weights)
        total = total + sums.reshape(*x.shape[:2], *sums.shape[1:])
    assert isinstance(total, Tensor)
    return total


def synapses(x: Tensor, connection: IntegerConnection, weights: Tensor) -> Tensor:
    """Return the sums that `x` (frames, *source shape) brings through `weights`."""
    c = connection
    if c.pool != (1, 1):
        x = functional.avg_pool2d(x, c.pool, divisor_override=1)
    if weights.ndim == 2:
        return functional.linear(x.flatten(1), weights)
    return functional.conv2d(x, weights, None, c.stride, c.padding, c.dilation, c.groups)


def eager_neurons(neurons: IntegerPopulation, sums: Tensor) -> tuple[Tensor, Tensor]:
    """Return the spikes and the last potentials, by torch's eager int32 operators, a hard reset to 0.

    sums: (steps, samples, *shape).
    """
    p = neurons
    per_channel = (-1, *[1] * (sums.ndim - 3))
    keep, threshold, bias = (
        torch.from_numpy(values.astype(np.int64)).reshape(per_channel)
        for values in (p.voltage_keep, p.threshold.astype(np.int64) << 6, p.bias)
    )
    currents = sums.to(torch.int32) << 6
    v, sent = torch.zeros_like(currents[0]), []
    for current in currents:
        decayed = (torch.sign(v) * ((v.abs().long() * keep) >> 12)).int()
        v = torch.clamp(decayed + current + bias.int(), -(2**23) + 1, 2**23 - 1)
        fires = v > threshold if p.fires else torch.zeros_like(v, dtype=torch.bool)
        after = v - threshold.int() if p.reset == "subtract" else torch.zeros_like(v)
        v = torch.where(fires, after, v)
        sent.append(fires)
    return torch.stack(sent).float(), v


def _random_weights(planned: PlannedConnection, rng: np.random.Generator) -> IntegerConnection:
    geometry = {key: getattr(planned, key) for key in ("stride", "padding", "dilation", "groups", "pool")}
    is_identity = planned.fixed_weight is not None
    weights = np.full(planned.weights_shape, 100) if is_identity else rng.integers(-127, 128, planned.weights_shape)
    # A passed-on spike weighs about as much as the sum of a 3x3 convolution's few spikes.
    return IntegerConnection(
        planned.name, planned.source, planned.target, weights, exponent=4 if is_identity else 0, **geometry
    )


def _smaller(connection: IntegerConnection, divisor: int) -> IntegerConnection:
    weights = (connection.weights.astype(int) / divisor).round().astype(int)
    return replace(connection, weights=weights)


def _threshold(sums: Tensor, density: float) -> int:
    """Return the threshold at which a share `density` of the neurons spikes in each step, as near as it comes."""
    least, most = 0, 2**17 - 1
    sample = sums[:, :1]
    while most - least > max(1, most // 100):
        middle = (least + most) // 2
        tried = IntegerPopulation("tried", tuple(sums.shape[2:]), middle, KEEP, 0, 0)
        rate = float(eager_neurons(tried, sample)[0].mean())
        least, most = (middle, most) if rate > density else (least, middle)
    return most
