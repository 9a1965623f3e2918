"""quantized_pass: the forward pass in the integers that the exporter will write, with gradients for the floats.

Weights are quantized by the exporter's own rule (rounding/fit.py), spikes and pixels are integers, so every current is
an exact integer and every potential a multiple of 1/64, as on the chip: in inference, a pass gives exactly the spikes
of the exported network. Rounding is skipped in the gradient (straight-through). Norms use their running
statistics, as the exported network does, and in training these follow the quantized currents.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.float_network import ChannelNorm
from snn_deploy.network.integer_network import IntegerInput
from snn_deploy.network.largest_values import largest_weighted_value
from snn_deploy.network.state_units import DECAY_UNITY, STATE_SHIFT
from snn_deploy.rounding.fit import Fit, PopulationToRound, fit
from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled import int8_synapses
from snn_deploy.train.compiled.fused_norm import Maps, moments
from snn_deploy.train.compiled.fused_quantized_lif import FusedQuantizedLayer
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.networks.forward_options import ForwardOptions, Quantization
from snn_deploy.train.networks.network import with_steps
from snn_deploy.train.networks.network_plan import PlannedConnection, PlannedPopulation
from snn_deploy.train.networks.quantizable_network import QuantizableNetwork
from snn_deploy.train.networks.recording import LayerRecord, Recording, compiled_record, full_record
from snn_deploy.train.neurons.lif import Neuron, Surrogate
from snn_deploy.train.processes.across_processes import mean_over_processes


def quantized_pass(network: QuantizableNetwork, inputs: Tensor, steps: int, options: ForwardOptions) -> Recording:
    """Return the recording of one pass in integers; arguments as of Network.forward.

    A norm with a shift, or weights that do not fit, are UserErrors, as in the exporter.
    """
    quantization = options.quantization
    assert quantization is not None
    entry = network.plan.input
    values = {entry.name: with_steps(torch.round(inputs / quantization.scale), network.plan)}
    pools: dict[str, Pair] = {entry.name: (1, 1)}  # how far the neurons' kernel has summed already
    layers: list[LayerRecord] = []
    for population in network.plan.populations[:-1]:
        currents, found = _currents(network, population, values, pools, steps, options)
        fused_pool = network.plan.common_pool(population.name)
        if options.is_compiled_on(inputs.device) and fused_pool is not None:
            spikes, layer = _fused(network, population, currents, found, steps, options, fused_pool)
            pools[population.name] = fused_pool
        else:
            spikes, layer = _plain(network, population, currents.expand(steps, *currents.shape[1:]), found, options)
            pools[population.name] = (1, 1)
        values[population.name] = spikes
        layers.append(layer)
    currents, found = _currents(network, network.plan.output, values, pools, steps, options)
    units = torch.from_numpy(found.units).to(currents.device)
    arriving = (currents * units).expand(steps, *currents.shape[1:])
    keep = network.plan.output.voltage_keep
    output = (arriving.cumsum(0) if keep == 1 else _leaky(arriving, keep, units)).float()
    return Recording(tuple(layers), output, options.epoch, options.epochs, network.plan)


def _fused(
    network: QuantizableNetwork,
    population: PlannedPopulation,
    currents: Tensor,
    found: Fit,
    steps: int,
    options: ForwardOptions,
    pool: Pair,
) -> tuple[Tensor, LayerRecord]:
    """Return the spikes of each pooling window, summed, and the record of one population, by the compiled path."""
    assert options.slope is not None
    neuron, keep = network.neuron_of(population), network.learned_keep(population)
    layer = FusedQuantizedLayer(
        neuron, options.slope, options.sharpness, steps, found.units, found.thresholds, pool[0], keep
    )
    counts, statistics = layer.run(currents)
    return counts, compiled_record(population, counts, neuron.threshold, statistics)


def _plain(
    network: QuantizableNetwork, population: PlannedPopulation, currents: Tensor, found: Fit, options: ForwardOptions
) -> tuple[Tensor, LayerRecord]:
    """Return the spikes, (steps, batch, *shape), and the record of one population."""
    per_channel = (-1, *[1] * (len(population.shape) - 1))
    units, thresholds = (
        torch.from_numpy(v).to(currents.device).reshape(per_channel) for v in (found.units, found.thresholds)
    )
    neuron, keep = network.neuron_of(population), network.learned_keep(population)
    spikes, potentials = _QuantizedLif.apply(
        currents, units, thresholds, neuron, options.surrogate, options.sharpness, keep
    )
    return spikes, full_record(
        population.name, potentials, spikes, neuron.threshold, is_inner_residual=population.is_inner_residual
    )


def _currents(
    network: QuantizableNetwork,
    population: PlannedPopulation,
    values: dict[str, Tensor],
    pools: dict[str, Pair],
    steps: int,
    options: ForwardOptions,
) -> tuple[Tensor, Fit]:
    """Return the whole currents, (steps or 1, batch, *shape), and the population's integers."""
    quantization = options.quantization
    assert quantization is not None
    arriving = [c for c in network.plan.connections if c.target == population.name]
    is_input = [c.source == network.plan.input.name for c in arriving]
    used = [network.effective_weights(c) for c in arriving]
    norms = [network.norm(c) for c in arriving]
    multipliers = [
        (quantization.scale if first else 1.0) / math.prod(c.pool) for c, first in zip(arriving, is_input, strict=True)
    ]
    folded = [
        _folded(c, w, norm.channel_norm(), quantization.scale if first else 1.0)
        for c, w, norm, first in zip(arriving, used, norms, is_input, strict=True)
    ]
    incoming = _incoming(network, population, arriving, folded, steps, quantization)
    found = fit(incoming, quantization.limits)
    total: Tensor | None = None
    for i, (c, weights, norm, multiplier) in enumerate(zip(arriving, used, norms, multipliers, strict=True)):
        per_channel = (-1, *[1] * (weights.ndim - 1))
        fixed = norm.from_running_statistics()
        factor = torch.ones(len(weights), device=weights.device) if fixed is None else fixed[0].to(weights.dtype)
        per_unit = torch.from_numpy(multiplier / found.units).to(weights).reshape(per_channel)
        whole_weights = _Whole.apply(
            weights, factor.reshape(per_channel), per_unit, torch.from_numpy(found.values[i]).to(weights)
        )
        source = values[c.source]
        folded_source = source.flatten(0, 1)
        if c.pool != pools[c.source]:
            folded_source = functional.avg_pool2d(folded_source, c.pool, divisor_override=1)
        fits = source.device.type == "cpu" and _fits_int8(found.weights[i], incoming.largest_values[i], options)
        exponent = found.exponents[i] if fits else None
        currents = _synapses(c, folded_source, whole_weights, exponent, options).unflatten(0, source.shape[:2])
        if network.training and norm.needs_moments:
            _observe(norm, currents.detach(), found.units, factor.detach(), options)
        total = currents if total is None else total + currents
    assert total is not None  # check_structure: every population is reached
    return total, found


def _folded(connection: PlannedConnection, weights: Tensor, norm: ChannelNorm | None, scale: float) -> np.ndarray:
    """Return the weights as the exporter's passes fold them, in double and in the same order."""
    folded = weights.detach().cpu().double().numpy()
    if norm is not None:
        if norm.offset.any():
            raise UserError(
                f"quantization: the norm of connection {connection.name!r} has a shift, which no bias-free network can "
                'hold. Choose norm.name = "centered_tdbn" (or "scale_tdbn").'
            )
        folded = folded * norm.factor.reshape(-1, *[1] * (folded.ndim - 1))
    return np.asarray(folded / math.prod(connection.pool) * scale)


def _incoming(
    network: QuantizableNetwork,
    population: PlannedPopulation,
    arriving: list[PlannedConnection],
    folded: list[np.ndarray],
    steps: int,
    quantization: Quantization,
) -> PopulationToRound:
    neuron, channels = network.neuron_of(population), population.shape[0]
    share = neuron.voltage_keep if population.fires else population.voltage_keep
    keep = share * DECAY_UNITY
    if keep != round(keep):
        which = "neuron.voltage_keep" if population.fires else f"the voltage_keep of {population.name!r},"
        raise UserError(
            f"quantization: {which} {share} is {keep:.3f} / {DECAY_UNITY}; a chip's decays "
            f"are whole numbers of 1/{DECAY_UNITY}. Use {round(keep) / DECAY_UNITY}."
        )
    entry = IntegerInput(network.plan.input.name, network.plan.input.shape, quantization.largest_value)
    return PopulationToRound(
        population.name,
        folded,
        [largest_weighted_value(entry, c) for c in arriving],
        np.full(channels, neuron.threshold) if population.fires else None,
        neuron.fires_at_threshold,
        voltage_keep=np.full(channels, int(keep)),
        current_keep=np.zeros(channels, np.int64),
        steps=steps,
    )


def _leaky(arriving: Tensor, voltage_keep: float, units: Tensor) -> Tensor:
    """Return the output's potentials after each step, of what arrives in each, with the rounding of a leak on the chip.

    Both in the floats' unit, of which a weight step is `units`. The gradient is that of the leak without rounding.
    """
    state_units = units.double() / 2**STATE_SHIFT
    whole, exact = torch.zeros_like(arriving[0], dtype=torch.float64), []
    smooth: list[Tensor] = []
    for now in arriving:
        whole = torch.trunc(whole * voltage_keep) + torch.round(now.detach().double() / state_units)
        exact.append(whole * state_units)
        smooth.append(now if not smooth else voltage_keep * smooth[-1] + now)
    gradient = torch.stack(smooth)
    return gradient + (torch.stack(exact).to(gradient.dtype) - gradient).detach()


def _fits_int8(mantissas: np.ndarray, largest_value: int, options: ForwardOptions) -> bool:
    """Whether the synapses may run in int8, where every product and sum is exact."""
    fits = largest_value <= int8_synapses.LARGEST_VALUE and bool(
        (np.abs(mantissas) <= int8_synapses.LARGEST_DIGIT).all()
    )
    return fits and options.synapses != "float32"


def _synapses(
    connection: PlannedConnection, values: Tensor, weights: Tensor, exponent: int | None, options: ForwardOptions
) -> Tensor:
    """Return the currents of `values`, (batch, *pooled shape). exponent: of the weights, to use int8; else None."""
    geometry = (connection.stride, connection.padding, connection.dilation, connection.groups)
    if weights.ndim == 2:
        values = values.flatten(1)
    if connection.is_scaling:
        return values * weights.reshape(-1, 1, 1)
    if exponent is not None:
        narrow_gradients = options.synapses == "int8-bfloat16"
        if weights.ndim == 2:
            return int8_synapses.whole_linear(values, weights, exponent, narrow_gradients=narrow_gradients)
        return int8_synapses.whole_conv2d(values, weights, exponent, *geometry, narrow_gradients=narrow_gradients)
    return (
        functional.linear(values, weights) if weights.ndim == 2 else functional.conv2d(values, weights, None, *geometry)
    )


def _observe(
    norm: ChannelNormModule, currents: Tensor, units: np.ndarray, factor: Tensor, options: ForwardOptions
) -> None:
    """Update the running statistics with the currents before the norm, computed back from the quantized ones."""
    if options.is_compiled_on(currents.device):
        mean, square = moments(Maps(currents))
    else:
        rows = currents.flatten(0, 1).double()
        mean, square = (m.mean([0, *range(2, rows.ndim)]) for m in (rows, rows.square()))
    to_raw = torch.from_numpy(units).to(mean.device) / factor.double()
    to_raw = torch.where(factor == 0, torch.zeros_like(to_raw), to_raw)
    norm.observe(*mean_over_processes(torch.stack([mean * to_raw, square * to_raw**2])))


class _Whole(torch.autograd.Function):
    """Whole weights in the forward pass; in the gradient they are weights * factor * per_unit."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, factor: Tensor, per_unit: Tensor, whole: Tensor) -> Tensor:
        ctx.save_for_backward(weights, factor, per_unit)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        weights, factor, per_unit = ctx.saved_tensors
        by_folded = gradients[0] * per_unit
        by_factor = (by_folded * weights).sum(dim=list(range(1, weights.ndim)), keepdim=True)
        return by_folded * factor, by_factor, None, None


class _QuantizedLif(torch.autograd.Function):
    """The neuron of integer_semantics.py on whole currents; potentials and gradients in the floats' unit."""

    @staticmethod
    def forward(
        ctx: Any,
        currents: Tensor,
        units: Tensor,
        thresholds: Tensor,
        neuron: Neuron,
        surrogate: Surrogate,
        sharpness: float,
        learned_keep: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        # Doubles hold every whole number of state units, also times a decay in 1/4096.
        state_unit, keep = 2.0**STATE_SHIFT, round(neuron.voltage_keep * DECAY_UNITY)
        left = torch.zeros_like(currents[0], dtype=torch.float64)
        spikes, potentials = torch.empty_like(currents), torch.empty_like(currents)
        for t in range(len(currents)):
            state = torch.trunc(left * keep / DECAY_UNITY) + currents[t].double() * state_unit
            fired = state > thresholds * state_unit
            spikes[t] = fired
            potentials[t] = state / state_unit * units
            left = torch.where(fired, 0.0, state)
        ctx.save_for_backward(potentials, spikes, units)
        ctx.neuron, ctx.surrogate, ctx.sharpness = neuron, surrogate, sharpness
        return spikes, potentials

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        potentials, spikes, units = ctx.saved_tensors
        total = ctx.neuron.back_in_time(potentials, spikes, *gradients, ctx.surrogate, ctx.sharpness)
        by_keep = ctx.neuron.by_keep(potentials, spikes, total) if ctx.needs_input_grad[6] else None
        return total * units.to(total.dtype), None, None, None, None, None, by_keep
