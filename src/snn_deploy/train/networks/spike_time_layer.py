"""spike_time_layer: synapses and spike response neurons as one differentiable layer, with gradients on spike times.

Backward, it takes the gradient with respect to the TIMES of its own spikes and returns that with respect to the times
of its inputs' spikes. Both have a meaning only where there is a spike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.train.compiled.spike_response_kernels import back_in_time, respond
from snn_deploy.train.networks.network_plan import PlannedConnection
from snn_deploy.train.neurons.spike_response import Loop, Neuron


@dataclass
class TimeGradients:
    """Sums over spikes of the loss's gradients with respect to their times, as TB Fig. 3 plots them."""

    totals: np.ndarray = field(default_factory=lambda: np.zeros(4))  # sum, sum of sizes, positive ones, all

    def add(self, by_times: Tensor) -> None:
        """Add the gradients with respect to spike times; 0 where there is no spike."""
        found = (by_times.sum(), by_times.abs().sum(), (by_times > 0).sum(), (by_times != 0).sum())
        self.totals += [float(value) for value in found]

    def taken(self) -> dict[str, float]:
        """Return sum, scale (L1 norm) and share of positive ones since the last call."""
        total, scale, positive, count = self.totals.tolist()
        self.totals[:] = 0
        return {
            "time_gradient/sum": total,
            "time_gradient/scale": scale,
            "time_gradient/positive_share": positive / count if count else 0.5,
        }


@dataclass(frozen=True)
class Layer:
    """What a pass needs beside tensors.

    is_compiled: the kernels of numba, on a CPU; else the plain loops. revives: see Neuron.revives_output.
    loop_delay: steps until a layer that feeds itself gets its own spikes (it runs the plain loops); else 0.
    """

    neuron: Neuron
    connections: Sequence[PlannedConnection]
    steps: int
    gradients: TimeGradients
    is_compiled: bool
    revives: bool = False
    loop_delay: int = 0


def fire(
    layer: Layer, thresholds: Tensor, values: Sequence[Tensor], weights: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return spikes, potentials before the reset, and means; only spikes have a gradient.

    Spikes and potentials are (steps, batch, *shape). means: (4,), of u, |s - u|, its square, and s, u in thresholds.

    thresholds: (channels,). values, weights: of each connection, what its source sent, pooled, (steps or 1, batch,
    *shape), and its weights; last of the weights, those to itself where there is a loop.
    """
    spikes, potentials, means = _Fire.apply(layer, thresholds, len(values), *values, *weights)
    return spikes, potentials, means


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, layer: Layer, thresholds: Tensor, count: int, *tensors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        values, weights = tensors[:count], tensors[count : 2 * count]
        loop = Loop(tensors[-1], layer.loop_delay) if layer.loop_delay else None
        currents: Tensor | None = None
        for connection, x, w in zip(layer.connections, values, weights, strict=True):
            arriving = _currents(connection, x, w)
            currents = arriving if currents is None else currents + arriving
        assert currents is not None  # check_structure: every population is reached
        potentials, spikes, slopes, means = _respond(layer, currents, thresholds, loop)
        ctx.save_for_backward(spikes, slopes, *tensors)
        ctx.layer, ctx.count = layer, count
        ctx.mark_non_differentiable(potentials, means)
        return spikes, potentials, means

    @staticmethod
    def backward(ctx: Any, by_times: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        spikes, slopes, *tensors = ctx.saved_tensors
        layer, count = ctx.layer, ctx.count
        if layer.revives:
            spikes = _with_revived(spikes, by_times)
        loop = Loop(tensors[-1], layer.loop_delay) if layer.loop_delay else None
        by_sizes, by_arrivals = _gradients_of_arrivals(layer, by_times, spikes, slopes, loop)
        by_values: list[Tensor | None] = []
        by_weights: list[Tensor] = []
        for i, connection in enumerate(layer.connections):
            x, w = tensors[i], tensors[count + i]
            shared = len(x) == 1  # the same frame in every step: its gradients add up
            sizes = by_sizes.sum(0, keepdim=True) if shared else by_sizes
            needs_values = ctx.needs_input_grad[3 + i]
            arrivals = (by_arrivals.sum(0, keepdim=True) if shared else by_arrivals) if needs_values else None
            by_x, by_w = _through_synapses(connection, x, w, sizes, arrivals)
            by_values.append(by_x)
            by_weights.append(by_w)
        if loop is not None:
            sent, by_sent = spikes[: -loop.delay].flatten(0, 1), by_sizes[loop.delay :].flatten(0, 1)
            by_weights.append(by_sent.T @ sent)
        return (None, None, None, *by_values, *by_weights)


def _with_revived(spikes: Tensor, by_times: Tensor) -> Tensor:
    """Return `spikes` with one in the last step of each neuron that has none and should fire earlier."""
    is_wanted = (spikes.sum(0) == 0) & (by_times[-1] > 0)
    return torch.cat([spikes[:-1], torch.where(is_wanted, 1.0, spikes[-1])[None]])


def _respond(
    layer: Layer, currents: Tensor, thresholds: Tensor, loop: Loop | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return potentials, spikes and slopes, (steps, batch, *shape), and the means of `fire`."""
    shape = (layer.steps, *currents.shape[1:])
    if loop is not None or not layer.is_compiled:
        per_channel = thresholds.reshape(-1, *[1] * (len(shape) - 3))
        potentials, spikes, slopes = layer.neuron.respond(currents.expand(shape), per_channel, loop)
        relative = potentials / per_channel
        errors = (spikes - relative).abs()
        means = torch.stack([relative.mean(), errors.mean(), errors.square().mean(), spikes.mean()])
        return potentials, spikes, slopes, means
    found = tuple(torch.empty(shape) for _ in range(3))
    lines = shape[1] * shape[2]
    flat = [x.reshape(len(x), lines, -1).numpy() for x in (currents.contiguous(), *found)]
    keeps = layer.neuron.forgets == "potential"
    totals, limits = np.zeros(4), thresholds.detach().float().numpy()
    arriving, before, sent, steep = flat
    respond(arriving, limits, layer.neuron.kernel, keeps, before, sent, steep, totals)
    return found[0], found[1], found[2], torch.from_numpy(totals / found[0].numel()).float()


def _gradients_of_arrivals(
    layer: Layer, by_times: Tensor, spikes: Tensor, slopes: Tensor, loop: Loop | None
) -> tuple[Tensor, Tensor]:
    if loop is not None or not layer.is_compiled:
        layer.gradients.add(by_times * spikes)
        return layer.neuron.back_in_time(by_times, spikes, slopes, loop)
    found = torch.empty_like(spikes), torch.empty_like(spikes)
    lines = spikes.shape[1] * spikes.shape[2]
    flat = [x.contiguous().reshape(len(x), lines, -1).numpy() for x in (by_times, spikes, slopes, *found)]
    incoming, sent, steep, by_sizes, by_arrivals = flat
    totals = layer.gradients.totals
    back_in_time(incoming, sent, steep, layer.neuron.kernel, layer.neuron.steepest, by_sizes, by_arrivals, totals)
    return found


def _currents(connection: PlannedConnection, values: Tensor, weights: Tensor) -> Tensor:
    """Return the currents, (steps or 1, batch, *shape)."""
    c, folded = connection, values.flatten(0, 1)
    if weights.ndim == 2:
        currents = functional.linear(folded.flatten(1), weights)
    else:
        currents = functional.conv2d(folded, weights, None, c.stride, c.padding, c.dilation, c.groups)
    return currents.unflatten(0, values.shape[:2])


def _through_synapses(
    connection: PlannedConnection, values: Tensor, weights: Tensor, by_sizes: Tensor, by_arrivals: Tensor | None
) -> tuple[Tensor | None, Tensor]:
    """Return the gradients with respect to the source's values and to the weights."""
    c, x, sizes = connection, values.flatten(0, 1), by_sizes.flatten(0, 1)
    arrivals = None if by_arrivals is None else by_arrivals.flatten(0, 1)
    if weights.ndim == 2:
        by_w = sizes.T @ x.flatten(1)
        by_x = None if arrivals is None else (arrivals @ weights).reshape(x.shape)
    else:
        geometry = (None, c.stride, c.padding, c.dilation, False, [0, 0], c.groups)
        backward: Callable[..., tuple[Tensor, Tensor, Tensor]] = torch.ops.aten.convolution_backward
        by_w = backward(sizes, x, weights, *geometry, (False, True, False))[1]
        by_x = None if arrivals is None else backward(arrivals, x, weights, *geometry, (True, False, False))[0]
    return None if by_x is None else by_x.unflatten(0, values.shape[:2]), by_w
