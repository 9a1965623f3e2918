"""SpikingNetwork: the torch module that runs every NetworkPlan with surrogate gradients.

Time is folded into the batch: a connection sees (steps * batch, ...) at once, and only the neurons go step by
step. From a static image the first connections compute once, not once per step.
"""

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.float_network import FloatPopulation
from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled import int8_synapses
from snn_deploy.train.compiled.fused_lif import FusedLayer
from snn_deploy.train.compiled.fused_recurrent_lif import FusedRecurrentLayer
from snn_deploy.train.gpu import kernel_choice
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule, NormOptions
from snn_deploy.train.layers.feedback_norm import FeedbackNorm
from snn_deploy.train.layers.learned_delays import LearnedDelays
from snn_deploy.train.layers.learned_keep import keep_logit, whole_keep
from snn_deploy.train.layers.loop_synapses import LoopSynapses
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network, key_of, with_steps
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedPopulation
from snn_deploy.train.networks.quantized_pass import quantized_pass
from snn_deploy.train.networks.recording import LayerRecord, Recording, compiled_record, full_record
from snn_deploy.train.neurons.lif import Neuron
from snn_deploy.train.processes.across_processes import mean_over_processes


class SpikingNetwork(Network):
    """A network in training with surrogate gradients. generator: draws the initial weights."""

    neuron: Neuron

    def __init__(
        self, plan: NetworkPlan, neuron: Neuron, norm: NormOptions, no_norm: NormOptions, generator: torch.Generator
    ) -> None:
        norms = (
            (norm if c.has_norm else no_norm).build(c.weights_shape[0], neuron.threshold * c.norm_scale)
            for c in plan.connections
        )
        super().__init__(plan, neuron, norms, generator)
        if plan.output.fires:
            raise UserError(f"population {plan.output.name!r}: fires, but the losses need an accumulating output.")
        for c in plan.connections:
            if c.fixed_weight is not None:
                weights = torch.full(c.weights_shape, c.fixed_weight * neuron.threshold)
                self.register_buffer(f"fixed_{key_of(c)}", weights, persistent=False)
        self.delays = nn.ModuleDict()
        learns = neuron.learns_voltage_keep
        self.keep_logits = nn.ParameterDict(
            {key_of(p): keep_logit(neuron.voltage_keep) for p in plan.populations if p.fires and learns}
        )

    def forward(self, inputs: Tensor, steps: int, options: ForwardOptions) -> Recording:
        """Return the recording of one pass; output: the accumulated potentials, (steps, batch, classes)."""
        if options.quantization is not None:
            return quantized_pass(self, inputs, steps, options)
        entry = self.plan.input
        shown = with_steps(inputs, self.plan)
        values = {entry.name: shown.expand(steps, *shown.shape[1:]) if self.delays else shown}
        pools: dict[str, Pair] = {entry.name: (1, 1)}  # how far the neurons' kernel has pooled already
        layers: list[LayerRecord] = []
        fuses = kernel_choice.fuses(options.slope, inputs.device) and not self.neuron.adapts
        is_compiled = options.is_compiled_on(inputs.device) and not self.neuron.adapts
        for population in self.plan.populations[:-1]:
            fused_pool = self.plan.common_pool(population.name)
            loop = self.plan.loop_of(population)
            if fuses and loop is None and fused_pool is not None:
                spikes, layer = self._fused(population, values, pools, steps, options, fused_pool)
                pools[population.name] = fused_pool
            elif is_compiled and loop is not None and self.learned_keep(population) is None:
                spikes, layer = self._fused_loop(population, loop, values, pools, steps, options)
                pools[population.name] = (1, 1)
            else:
                currents = self._currents(population, values, pools, options)
                currents = currents.expand(steps, *currents.shape[1:])
                keep = self.learned_keep(population)
                if loop is None:
                    spikes, potentials = self.neuron.run(currents, options.surrogate, options.sharpness, keep)
                else:
                    spikes, potentials = self._step_by_step(loop, currents, keep, options)
                layer = full_record(
                    population.name,
                    potentials,
                    spikes,
                    self.neuron.threshold,
                    is_inner_residual=population.is_inner_residual,
                )
                pools[population.name] = (1, 1)
            if loop is not None and self.training:
                self._observe_feedback(loop, spikes)
            layers.append(layer)
            values[population.name] = spikes
        currents = self._currents(self.plan.output, values, pools, options)
        output = integrated(currents.expand(steps, *currents.shape[1:]), self.plan.output.voltage_keep)
        return Recording(tuple(layers), output, options.epoch, options.epochs, self.plan)

    def scale_feedback(self, share: float, momentum: float) -> None:
        """Scale what layers bring to themselves: `share` thresholds, the root mean square of each channel.

        momentum: the weight of a new batch in the running mean squares (feedback_norm.py).
        """
        for loop in (c for c in self.plan.connections if c.is_loop):
            norm = FeedbackNorm(share * self.neuron.threshold, momentum, loop.weights_shape[0])
            self.norms[key_of(loop)] = norm

    @property
    def parameters_without_decay(self) -> list[nn.Parameter]:
        """Return the logits of learned decays: weight decay would pull every voltage_keep to a half."""
        return list(self.keep_logits.values())

    def learned_keep(self, population: PlannedPopulation) -> Tensor | None:
        """Return the voltage_keep that `population` has learned, a differentiable scalar; None where it learns none."""
        key = key_of(population)
        return whole_keep(self.keep_logits[key]) if key in self.keep_logits else None

    @property
    def delay_parameters(self) -> list[nn.Parameter]:
        """The delays that are learned, in steps."""
        return list(self.delays.parameters())

    def learn_delays(self, kind: str, most: int, generator: torch.Generator) -> None:
        """Give every connection delays of up to `most` steps: of kind "axonal" or "synaptic".

        Loops and connections that only scale keep what they have. Synaptic delays of a convolution are a UserError.
        """
        shapes = {self.plan.input.name: self.plan.input.shape, **{p.name: p.shape for p in self.plan.populations}}
        for c in self.plan.connections:
            if c.is_fixed or c.is_scaling or c.source == c.target:
                continue
            channels = shapes[c.source][0]
            if kind == "synaptic" and len(c.weights_shape) > 2:
                raise UserError(
                    f"delays.kind 'synaptic': connection {c.name!r} is a convolution; only dense layers have a delay "
                    "for each synapse. Choose 'axonal', or dense layers."
                )
            outputs, inputs = (1, channels) if kind == "axonal" else c.weights_shape
            self.delays[key_of(c)] = LearnedDelays(outputs, inputs, most, generator)

    def delays_of(self, connection: PlannedConnection) -> LearnedDelays | None:
        """Return the delays that `connection` learns, or None."""
        key = key_of(connection)
        return cast(LearnedDelays, self.delays[key]) if key in self.delays else None

    def neuron_of(self, population: PlannedPopulation) -> Neuron:
        """Return the neurons of `population` as they infer."""
        keep = self.learned_keep(population)
        return self.neuron if keep is None else self.neuron.with_voltage_keep(keep)

    def float_population(self, population: PlannedPopulation) -> FloatPopulation:
        """Return `population` as plain data."""
        threshold_step, threshold_keep = self.neuron.rise
        return FloatPopulation(
            population.name,
            population.shape,
            threshold=np.asarray(self.neuron.threshold),
            voltage_keep=np.asarray(
                self.neuron_of(population).voltage_keep if population.fires else population.voltage_keep
            ),
            current_keep=np.asarray(0.0),
            fires=population.fires,
            fires_at_threshold=self.neuron.fires_at_threshold,
            threshold_step=np.asarray(threshold_step),
            threshold_keep=np.asarray(threshold_keep),
        )

    def effective_weights(self, connection: PlannedConnection) -> Tensor:
        """Return the weights of `connection` as the norm shapes them."""
        if not connection.is_fixed:
            return super().effective_weights(connection)
        fixed: Tensor = getattr(self, f"fixed_{key_of(connection)}")
        return self.norm(connection).effective_weights(fixed)

    def _fused(
        self,
        population: PlannedPopulation,
        values: dict[str, Tensor],
        pools: dict[str, Pair],
        steps: int,
        options: ForwardOptions,
        pool: Pair,
    ) -> tuple[Tensor, LayerRecord]:
        """Return the pooled spikes and the record of one population, by the compiled path."""
        arriving = self.plan.connections_to(population)
        if len(arriving) == 1:
            norm, currents = self.norm(arriving[0]), self._raw(arriving[0], values, pools, options)
        else:  # each of the currents has a norm of its own; the kernel gets their sum
            norm, currents = ChannelNormModule(), self._currents(population, values, pools, options)
        assert options.slope is not None
        keep = self.learned_keep(population)
        layer = FusedLayer(norm, self.neuron, options.slope, options.sharpness, steps, pool[0], keep)
        spikes, statistics = kernel_choice.run_layer(layer, currents)
        return spikes, compiled_record(population, spikes, self.neuron.threshold, statistics)

    def _fused_loop(
        self,
        population: PlannedPopulation,
        loop: PlannedConnection,
        values: dict[str, Tensor],
        pools: dict[str, Pair],
        steps: int,
        options: ForwardOptions,
    ) -> tuple[Tensor, LayerRecord]:
        """Return the spikes and the record of a population that feeds itself through `loop`, by the compiled path."""
        assert options.slope is not None
        layer = FusedRecurrentLayer(self.neuron, options.slope, options.sharpness, steps, _synapses(loop))
        currents = self._currents(population, values, pools, options)
        spikes, statistics = layer.run(currents, self.effective_weights(loop))
        return spikes, compiled_record(population, spikes, self.neuron.threshold, statistics)

    def _currents(
        self,
        population: PlannedPopulation,
        values: dict[str, Tensor],
        pools: dict[str, Pair],
        options: ForwardOptions,
    ) -> Tensor:
        """Return the sum of the normalized currents, (steps or 1, batch, *shape)."""
        total: Tensor | None = None
        for connection in self.plan.connections_to(population):
            raw = self._raw(connection, values, pools, options)
            norm = self.norm(connection)
            has_kernels = options.slope is not None and kernel_choice.has_kernels(raw.device)
            if has_kernels and norm.from_running_statistics() is not None:
                currents = kernel_choice.normed(raw, norm)
            else:
                currents = norm(raw.flatten(0, 1)).unflatten(0, raw.shape[:2])
            total = currents if total is None else total + currents
        assert total is not None  # check_structure: every population is reached
        return total

    def _raw(
        self, connection: PlannedConnection, values: dict[str, Tensor], pools: dict[str, Pair], options: ForwardOptions
    ) -> Tensor:
        """Return the currents before the norm, (steps or 1, batch, *shape)."""
        source, delays, width = values[connection.source], self.delays_of(connection), options.delay_width
        if delays is not None and delays.is_axonal:
            source = delays.delayed(source, width)
        folded = source.flatten(0, 1)
        if connection.pool != pools[connection.source]:
            folded = functional.avg_pool2d(folded, connection.pool)
        norm = self.norm(connection)
        if norm.needs_inputs and norm.training:
            norm.observe_inputs(_input_means(folded, connection))
        weights = self.effective_weights(connection)
        is_image = connection.source == self.plan.input.name  # no whole number of spikes
        area = math.prod(connection.pool)
        if delays is not None and not delays.is_axonal:
            return delays.currents(folded.flatten(1).unflatten(0, source.shape[:2]), weights, width)
        is_whole = not is_image and (delays is None or width == 0)
        uses_int8 = options.synapses != "float32" and is_whole and area <= int8_synapses.LARGEST_AREA
        narrow_gradients = options.synapses == "int8-bfloat16"
        geometry = (connection.stride, connection.padding, connection.dilation, connection.groups)
        narrow = kernel_choice.narrow_synapses(folded.device)
        if weights.ndim == 2:
            if uses_int8:
                currents = narrow.linear(folded.flatten(1), weights, area, narrow_gradients=narrow_gradients)
            else:
                currents = functional.linear(folded.flatten(1), weights)
        elif connection.is_scaling:
            currents = folded * weights.reshape(-1, 1, 1)  # several times as fast as the convolution that it equals
        elif uses_int8:
            currents = narrow.conv2d(folded, weights, area, *geometry, narrow_gradients=narrow_gradients)
        else:
            currents = functional.conv2d(folded, weights, None, *geometry)
            if options.synapses != "float32":  # whatever follows then lies as int8_synapses wants it
                currents = currents.contiguous(memory_format=int8_synapses.LAYOUT)
        return currents.unflatten(0, source.shape[:2])

    @torch.no_grad()
    def _observe_feedback(self, loop: PlannedConnection, spikes: Tensor) -> None:
        """Let the norm of `loop` hear what `spikes`, (steps, batch, *shape), brought."""
        norm, heard = self.norm(loop), spikes[: -loop.delay].flatten(0, 1)
        if isinstance(norm, FeedbackNorm) and len(heard):
            weights = self.effective_weights(loop)
            norm.observe_feedback(_synapses(loop).currents(heard, weights), weights)

    def _step_by_step(
        self, loop: PlannedConnection, currents: Tensor, keep: Tensor | None, options: ForwardOptions
    ) -> tuple[Tensor, Tensor]:
        """Return (spikes, potentials before the reset) of a population that feeds itself through `loop`."""
        weights, synapses = self.effective_weights(loop), _synapses(loop)
        sent: list[Tensor] = []
        potentials: list[Tensor] = []
        carried = self.neuron.at_rest(currents[0])
        for t, arriving in enumerate(currents):
            total = arriving + synapses.currents(sent[t - loop.delay], weights) if t >= loop.delay else arriving
            spikes, before_reset, carried = self.neuron.step(total, carried, options.surrogate, options.sharpness, keep)
            sent.append(spikes)
            potentials.append(before_reset)
        return torch.stack(sent), torch.stack(potentials)


def _synapses(loop: PlannedConnection) -> LoopSynapses:
    return LoopSynapses(loop.delay, loop.padding, loop.dilation, loop.groups)


def integrated(currents: Tensor, voltage_keep: float) -> Tensor:
    """Return the potentials of neurons that never fire after each step, (steps, ...), from what arrives in each."""
    if voltage_keep == 1:
        return currents.cumsum(0)
    potentials = [currents[0]]
    for arriving in currents[1:]:
        potentials.append(voltage_keep * potentials[-1] + arriving)
    return torch.stack(potentials)


@torch.no_grad()
def _input_means(values: Tensor, connection: PlannedConnection) -> Tensor:
    """Return the mean of each channel of `values`, (batch, ...), or of each value where the connection is dense."""
    inputs = values.flatten(1) if len(connection.weights_shape) == 2 else values
    return mean_over_processes(inputs.mean([0, *range(2, inputs.ndim)]))
