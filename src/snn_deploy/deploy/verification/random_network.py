"""Random legal integer networks and inputs for them; the seed decides everything.

`Features` says what may occur, so that a backend which cannot do a thing (pooling, say) is drawn networks without it.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snn_deploy.network.adaptive_threshold import LARGEST_KEEP
from snn_deploy.network.connection_arithmetic import pooled_shape, target_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.net_format import BIAS_UNIT, LARGEST_BIAS
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_STATE, LARGEST_THRESHOLD, STATE_HALF, STATE_SHIFT


@dataclass(frozen=True)
class Features:
    """What a random network may contain. The defaults are everything that is legal."""

    graded_input: bool = True
    maps: bool = True  # convolutions; else every connection is dense
    pooling: bool = True
    stride: bool = True
    dilation: bool = True
    groups: bool = True
    joins: bool = True  # more than one connection into a population (residual networks)
    loops: bool = True  # connections that go back or stay
    own_loops_only: bool = False  # of these, those of a vector to itself
    delays: bool = True
    exponents: bool = True
    one_sign: bool = True  # weights up to 255 that share their sign
    per_channel: bool = True  # thresholds, decays and biases that differ within a population
    voltage_decay: bool = True
    current_decay: bool = True
    bias: bool = True
    whole_biases: bool = False  # multiples of a weight step, within 13 bits
    soft_reset: bool = True
    reset_value: bool = True
    initial_value: bool = True
    adaptation: bool = True
    firing_output: bool = True
    extremes: bool = True  # sums that wrap the current and saturate the potential, in some networks
    overflows: bool = False  # the same in most networks
    most_steps: int = 6
    most_populations: int = 5


NETX = Features(  # what export/targets/loihi.py takes, but for delays; few of these are refused
    joins=False,
    own_loops_only=True,
    delays=False,
    exponents=False,
    one_sign=False,
    extremes=False,
    whole_biases=True,
    soft_reset=False,
    reset_value=False,
    initial_value=False,
    adaptation=False,
)


def random_network(seed: int, features: Features = Features()) -> IntegerNetwork:
    """Return a legal network of a few small populations; equal seeds and features give equal networks."""
    return _Builder(np.random.default_rng(seed), features).network()


def random_inputs(network: IntegerNetwork, samples: int, seed: int, *, static: bool | None = None) -> np.ndarray:
    """Return inputs that `network` takes: (samples, *shape) uint8 shown in every step, or (steps, samples, *shape).

    static: which of the two; None draws it. Densities differ from sample to sample and the extremes occur.
    """
    rng = np.random.default_rng([seed, 1])
    static = bool(rng.integers(2)) if static is None else static
    leading = (samples,) if static else (network.steps, samples)
    values = rng.integers(0, network.input.largest_value, (*leading, *network.input.shape), endpoint=True)
    density = rng.choice(
        [0.0, 0.1, 0.5, 1.0], size=(samples, *[1] * len(network.input.shape)), p=[0.05, 0.3, 0.4, 0.25]
    )
    values = np.where(rng.random(values.shape) < density, values, 0)
    return values.astype(np.uint8)


class _Builder:
    def __init__(self, rng: np.random.Generator, features: Features) -> None:
        self.rng, self.features = rng, features
        self.adaptation_rng = rng.spawn(1)[0]  # all else is as it is without adaptation
        graded = features.graded_input and self._maybe(0.5)
        maps = features.maps and self._maybe(0.8)
        shape = (int(rng.integers(1, 4)), self._size(), self._size()) if maps else (int(rng.integers(1, 13)),)
        largest = int(rng.choice([255, 255, 15, 2])) if graded else 1
        self.input = IntegerInput("input", shape, largest)
        self.shapes: dict[str, tuple[int, ...]] = {"input": shape}
        self.connections: list[IntegerConnection] = []
        self.steps = int(rng.integers(1, features.most_steps + 1))

    def network(self) -> IntegerNetwork:
        names = [f"layer{i}" for i in range(int(self.rng.integers(1, self.features.most_populations + 1)))]
        for name in names:
            source = list(self.shapes)[-1]
            connection = self._forward(source, name)
            self.shapes[name] = self._target_shape(connection)
            self.connections.append(connection)
        if self.features.joins:
            self._add_joins(names)
        if self.features.loops:
            self._add_loops(names)
        populations = tuple(self._population(name, is_last=name == names[-1]) for name in names)
        return IntegerNetwork(self.input, populations, tuple(self.connections), self.steps)

    def _maybe(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def _size(self) -> int:
        return int(self.rng.integers(2, 9))

    def _pair(self, least: int, most: int) -> tuple[int, int]:
        first, second = self.rng.integers(least, most + 1, 2)
        return int(first), int(second)

    def _weights(self, shape: tuple[int, ...]) -> np.ndarray:
        if self.features.one_sign and self._maybe(0.05):
            return self.rng.integers(0, 255, shape, endpoint=True) * int(self.rng.choice([-1, 1, 1]))
        largest = 127 if self.features.overflows else int(self.rng.choice([1, 7, 127]))
        weights = self.rng.integers(-largest, largest, shape, endpoint=True)
        if largest == 127 and self._maybe(0.5):
            weights[self.rng.random(shape) < 0.05] = -128
        if self._maybe(0.5):  # mostly excitatory, so that deep layers hear something
            weights = np.where(self.rng.random(shape) < 0.7, abs(weights).clip(max=127), weights)
        return weights.astype(np.int8)

    def _forward(self, source: str, name: str) -> IntegerConnection:
        shape, features = self.shapes[source], self.features
        delay = int(self.rng.integers(0, 3)) if features.delays and self._maybe(0.3) else 0
        exponent = self._exponent()
        pool = self._pool(shape) if len(shape) == 3 and features.pooling and self._maybe(0.4) else (1, 1)
        plain = IntegerConnection(f"to_{name}", source, name, np.zeros((1, 1)), exponent, pool=pool, delay=delay)
        pooled = pooled_shape(shape, pool)
        if len(shape) == 3 and features.maps and self._maybe(0.75):
            return self._convolution(plain, pooled)
        return replace(plain, weights=self._weights((int(self.rng.integers(1, 9)), int(np.prod(pooled)))))

    def _exponent(self) -> int:
        if not self.features.exponents:
            return 0
        if self.features.overflows:
            return int(self.rng.integers(3, 8))
        if self.features.extremes and self._maybe(0.1):
            return 7
        return int(self.rng.integers(0, 8)) if self._maybe(0.2) else 0

    def _pool(self, shape: tuple[int, ...]) -> tuple[int, int]:
        return tuple(int(self.rng.integers(1, min(3, size) + 1)) for size in shape[1:])  # type: ignore[return-value]

    def _convolution(self, plain: IntegerConnection, pooled: tuple[int, ...]) -> IntegerConnection:
        features = self.features
        groups = 1
        if features.groups and self._maybe(0.3):
            groups = int(self.rng.choice([g for g in range(1, pooled[0] + 1) if pooled[0] % g == 0]))
        padding = self._pair(0, 2)
        dilation = self._pair(1, 2) if features.dilation and self._maybe(0.3) else (1, 1)
        kernel = tuple(
            int(self.rng.integers(1, max(1, min(4, (size + 2 * pad - 1) // spread + 1)) + 1))
            for size, pad, spread in zip(pooled[1:], padding, dilation, strict=True)
        )
        out = groups * int(self.rng.integers(1, 4))
        stride = self._pair(1, 3) if features.stride and self._maybe(0.4) else (1, 1)
        weights = self._weights((out, pooled[0] // groups, *kernel))
        return replace(plain, weights=weights, stride=stride, padding=padding, dilation=dilation, groups=groups)

    def _target_shape(self, c: IntegerConnection) -> tuple[int, ...]:
        return target_shape(self.shapes[c.source], c.weights.shape, c.stride, c.padding, c.dilation, c.pool)

    def _add_joins(self, names: list[str]) -> None:
        """Second ways into a population: from any earlier one, dense or one to one."""
        for i, target in enumerate(names):
            if self._maybe(0.3):
                source = str(self.rng.choice(["input", *names[:i]]))
                delay = int(self.rng.integers(0, 3)) if self.features.delays else 0
                self._add_between(f"join_{target}", source, target, delay)

    def _add_loops(self, names: list[str]) -> None:
        """Connections that stay at a population or go back, one to three steps later."""
        for i, target in enumerate(names):
            if self._maybe(0.25):
                if self.features.own_loops_only:
                    if len(self.shapes[target]) == 1:
                        self._add_between(f"loop_{target}", target, target, 1)
                    continue
                most = 3 if self.features.delays else 1
                self._add_between(
                    f"loop_{target}", str(self.rng.choice(names[i:])), target, int(self.rng.integers(1, most + 1))
                )

    def _add_between(self, name: str, source: str, target: str, delay: int) -> None:
        """Add a connection that fits two given shapes, if there is a simple one: dense, or a 1x1 or 3x3 kernel."""
        here, there = self.shapes[source], self.shapes[target]
        if len(there) == 1:
            weights = self._weights((there[0], int(np.prod(here))))
            self.connections.append(IntegerConnection(name, source, target, weights, self._exponent(), delay=delay))
        elif len(here) == 3 and here[1:] == there[1:]:
            kernel = int(self.rng.choice([1, 3]))
            weights = self._weights((there[0], here[0], kernel, kernel))
            self.connections.append(
                IntegerConnection(
                    name, source, target, weights, self._exponent(), padding=(kernel // 2,) * 2, delay=delay
                )
            )

    def _population(self, name: str, *, is_last: bool) -> IntegerPopulation:
        features, rng = self.features, self.rng
        shape = self.shapes[name]
        channels = shape[0] if features.per_channel and self._maybe(0.7) else 1
        typical = sum(self._typical_sum(c) for c in self.connections if c.target == name)
        threshold = np.floor(typical * rng.uniform(0, 0.8, channels)).clip(0, LARGEST_THRESHOLD)
        if self._maybe(0.05):
            threshold[0] = LARGEST_THRESHOLD
        bias = np.zeros(channels)
        if features.bias and self._maybe(0.4):
            bias = rng.integers(-1, 2, channels) * np.floor(typical * 2**STATE_SHIFT * rng.uniform(0, 0.7, channels))
        fires = not is_last or (features.firing_output and self._maybe(0.5))
        if features.whole_biases:
            bias = np.rint(bias / BIAS_UNIT).clip(-LARGEST_BIAS // BIAS_UNIT, LARGEST_BIAS // BIAS_UNIT) * BIAS_UNIT
        if features.extremes and self._maybe(0.1):
            bias = bias + rng.integers(-LARGEST_STATE, STATE_HALF, channels)
        return IntegerPopulation(
            name,
            shape,
            np.broadcast_to(threshold, shape[0]),
            np.broadcast_to(self._keep(features.voltage_decay, DECAY_UNITY, channels), shape[0]),
            np.broadcast_to(self._keep(features.current_decay, 0, channels), shape[0]),
            np.broadcast_to(bias.clip(-LARGEST_STATE, LARGEST_STATE), shape[0]),
            fires,
            **self._reset(typical, channels, shape[0]),
            **self._adaptation(typical, channels, shape[0]),
        )

    def _reset(self, typical: float, drawn: int, channels: int) -> dict[str, Any]:
        """Return reset, reset_value and initial_value; most populations have plain ones."""
        features = self.features
        found: dict[str, Any] = {}
        if features.soft_reset and self._maybe(0.25):
            found["reset"] = "subtract"
        elif features.reset_value and self._maybe(0.25):
            found["reset_value"] = np.broadcast_to(self._states(typical, drawn), channels)
        if features.initial_value and self._maybe(0.25):
            found["initial_value"] = np.broadcast_to(self._states(typical, drawn), channels)
        return found

    def _adaptation(self, typical: float, drawn: int, channels: int) -> dict[str, Any]:
        """Return threshold_step and threshold_keep, {} for most; the largest step fills the 24 bits of the rise."""
        rng = self.adaptation_rng
        if not self.features.adaptation or rng.random() > 0.25:
            return {}
        keep = rng.choice([0, 1, 1024, 3000, 4000, LARGEST_KEEP], drawn)
        most = LARGEST_STATE * (DECAY_UNITY - keep) // DECAY_UNITY
        step = np.rint(typical * 2**STATE_SHIFT * rng.uniform(0, 0.8, drawn)).clip(0, most)
        if self.features.extremes and rng.random() < 0.1:
            step = most
        return {"threshold_step": np.broadcast_to(step, channels), "threshold_keep": np.broadcast_to(keep, channels)}

    def _states(self, typical: float, drawn: int) -> np.ndarray:
        """Return potentials, some of them at the ends of what there is."""
        if self.features.extremes and self._maybe(0.1):
            return self.rng.choice([-LARGEST_STATE, -1, 0, LARGEST_STATE], drawn)
        return np.rint(typical * 2**STATE_SHIFT * self.rng.uniform(-0.8, 0.8, drawn)).clip(
            -LARGEST_STATE, LARGEST_STATE
        )

    def _typical_sum(self, c: IntegerConnection) -> float:
        """Return the size of the sums that about half of all sources would bring."""
        weights = np.abs(c.weights.astype(float)).reshape(len(c.weights), -1)
        graded = self.input.largest_value / 2 if c.source == "input" else 1
        return float(np.sqrt(np.square(weights).sum(axis=1).max())) * 2**c.exponent * graded + 1

    def _keep(self, allowed: bool, otherwise: int, channels: int) -> np.ndarray:
        if not (allowed and self._maybe(0.6)):
            return np.full(channels, otherwise)
        if self.features.overflows:
            return self.rng.choice([3000, 4095, DECAY_UNITY], channels)
        return self.rng.choice([0, 1, 1024, 2048, 3000, 4095, DECAY_UNITY], channels)
