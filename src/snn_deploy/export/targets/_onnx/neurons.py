"""neurons: the nodes of one step of a population, the equations of integer_semantics in whole numbers.

32 bits where no state can leave them, else 64. Choices are made by multiplying with 0 or 1: ONNX Runtime's Where
takes ten times as long on spikes that nobody can foresee.
"""

from dataclasses import dataclass

import numpy as np

from snn_deploy.export.targets._onnx.graph import Graph, Kind
from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.network.largest_values import largest_partial_sum
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_STATE, STATE_HALF, STATE_SHIFT

_LARGEST_FACTOR = 255  # times 2^23, still 32 bits


@dataclass(frozen=True)
class Neurons:
    """How a population is computed.

    kind: the integers that hold its states. can_wrap: whether its current can leave 24 bits.
    """

    population: IntegerPopulation
    kind: Kind
    can_wrap: bool

    @property
    def has_current(self) -> bool:
        """Whether a step needs the current of the step before."""
        return bool(self.population.current_keep.any())

    @property
    def has_potential(self) -> bool:
        """Whether a step, or who reads the output, needs the potential of the step before."""
        return bool(self.population.voltage_keep.any()) or not self.population.fires

    def shaped(self, values: np.ndarray) -> np.ndarray:
        """Return a parameter so that it meets (batch, *shape): one number where all channels agree."""
        if (values == values.flat[0]).all():
            return values.reshape(-1)[0].astype(self.kind)
        return values.reshape(-1, *[1] * (len(self.population.shape) - 1)).astype(self.kind)


def neurons_of(network: IntegerNetwork, population: IntegerPopulation) -> Neurons:
    """Return how `population` is computed.

    With at most 2^24 state units arriving in a step, a current within 2^23 stays so after one wrap; without a
    memory of the current, 2^30 leave room for potential and bias beside it. Beyond, 64 bits.
    """
    largest = sum(largest_partial_sum(network, c) << c.exponent for c in network.connections_to(population.name))
    largest <<= STATE_SHIFT
    remembers = population.current_keep.any()
    kind: Kind = np.int32 if largest <= (2**24 if remembers else 2**30) else np.int64
    return Neurons(population, kind, bool(remembers) or largest >= STATE_HALF)


@dataclass(frozen=True)
class Step:
    """The names of values, (batch, *shape) each; "" is one that the neurons do not have.

    current, potential, rise: after the step, the potential after the reset; the rise is that of the threshold. spikes:
    uint8.
    """

    current: str
    potential: str
    rise: str
    spikes: str


def step(graph: Graph, neurons: Neurons, arriving: str, current: str, potential: str, rise: str) -> Step:
    """Return the values of a step.

    arriving: the sums in state units, in the neurons' kind. current, potential, rise: of the step before, "" where the
    neurons have none.
    """
    p, kind = neurons.population, neurons.kind
    at = f"{p.name}/step"
    if current and p.current_keep.any():
        arriving = graph.add("Add", [_kept(graph, neurons, "current", current, p.current_keep), arriving], f"{at}/u")
    current = _wrapped(graph, neurons, arriving) if neurons.can_wrap else arriving
    total = current
    if potential and p.voltage_keep.any():
        total = graph.add("Add", [_kept(graph, neurons, "potential", potential, p.voltage_keep), total], f"{at}/v")
    if p.bias.any():
        bias = graph.constant(f"{p.name}/bias", neurons.shaped(p.bias))
        total = graph.add("Add", [total, bias], f"{at}/v_and_bias")
    least = graph.constant(f"{p.name}/least_potential", -LARGEST_STATE, kind)
    most = graph.constant(f"{p.name}/most_potential", LARGEST_STATE, kind)
    potential = graph.add("Clip", [total, least, most], f"{at}/potential")
    if not p.fires:
        return Step(current, potential, "", "")
    threshold = graph.constant(f"{p.name}/threshold", neurons.shaped(p.threshold.astype(np.int64) << STATE_SHIFT))
    reached = graph.add("Add", [threshold, rise], f"{at}/threshold") if rise else threshold
    fired = graph.add("Greater", [potential, reached], f"{at}/fired")
    spikes = graph.cast(fired, np.uint8, f"{at}/spikes")
    if rise:
        left = _kept(graph, neurons, "threshold", rise, p.threshold_keep)
        named = graph.constant(f"{p.name}/threshold_step", neurons.shaped(p.threshold_step))
        more = graph.add("Mul", [graph.cast(fired, neurons.kind, f"{at}/ones_raise"), named], f"{at}/raised")
        rise = graph.add("Add", [left, more], f"{at}/rise")
    if neurons.has_potential:
        potential = _after_reset(graph, neurons, potential, fired, threshold)
    return Step(current, potential, rise, spikes)


def _kept(graph: Graph, neurons: Neurons, state: str, value: str, keep: np.ndarray) -> str:
    """Return value * keep / 4096, rounded toward zero as ONNX's Div of integers does, in lowest terms."""
    at = f"{neurons.population.name}/{state}_keep"
    common = np.gcd(keep.astype(np.int64), DECAY_UNITY)
    factor, divisor = keep // common, DECAY_UNITY // common
    is_wide = neurons.kind is np.int32 and factor.max() > _LARGEST_FACTOR
    kind = np.int64 if is_wide else neurons.kind
    result = graph.cast(value, np.int64, f"{at}/wide") if is_wide else value
    if (factor != 1).any():
        named = graph.constant(f"{at}/factor", neurons.shaped(factor).astype(kind))
        result = graph.add("Mul", [result, named], f"{at}/times_factor")
    if (divisor != 1).any():
        named = graph.constant(f"{at}/divisor", neurons.shaped(divisor).astype(kind))
        result = graph.add("Div", [result, named], f"{at}/kept")
    return graph.cast(result, neurons.kind, f"{at}/narrow") if is_wide else result


def _wrapped(graph: Graph, neurons: Neurons, current: str) -> str:
    """Return the current in (-2^23, 2^23]: what goes beyond comes back at the other end, once."""
    name, kind = neurons.population.name, neurons.kind
    at = f"{name}/step/wrap"
    most = graph.constant(f"{name}/largest_current", STATE_HALF, kind)
    least = graph.constant(f"{name}/lowest_current", -STATE_HALF, kind)
    span = graph.constant(f"{name}/span_of_currents", 2 * STATE_HALF, kind)
    above = graph.cast(graph.add("Greater", [current, most], f"{at}/above"), kind, f"{at}/down")
    below = graph.cast(graph.add("LessOrEqual", [current, least], f"{at}/below"), kind, f"{at}/up")
    turns = graph.add("Sub", [below, above], f"{at}/turns")
    return graph.add("Add", [current, graph.add("Mul", [turns, span], f"{at}/shift")], f"{name}/step/current")


def _after_reset(graph: Graph, neurons: Neurons, potential: str, fired: str, threshold: str) -> str:
    """Return the potential after the spikes `fired`."""
    p, kind = neurons.population, neurons.kind
    at = f"{p.name}/step/reset"
    if p.reset == "subtract":
        taken = graph.add("Mul", [graph.cast(fired, kind, f"{at}/ones"), threshold], f"{at}/taken")
        return graph.add("Sub", [potential, taken], at)
    silent = graph.cast(graph.add("Not", [fired], f"{at}/silent"), kind, f"{at}/silent_ones")
    left = graph.add("Mul", [potential, silent], f"{at}/left")
    if not p.reset_value.any():
        return left
    value = graph.constant(f"{p.name}/reset_value", neurons.shaped(p.reset_value))
    given = graph.add("Mul", [graph.cast(fired, kind, f"{at}/ones"), value], f"{at}/given")
    return graph.add("Add", [left, given], at)
