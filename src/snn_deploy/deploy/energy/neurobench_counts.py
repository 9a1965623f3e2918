"""neurobench_counts: the metrics of NeuroBench that need samples, counted by its rules from what a network does.

NeuroBench 2.3.0 (Yik et al., Nature Communications 16, 1545, 2025; metrics/workload) hooks a torch module's layers. The
same is counted here from the spikes and potentials of a network, layer by layer and step by step:

- A synaptic operation is an input that is not 0 at a weight that is not 0. None end in the padding; a bias is none.
- They are accumulations (ACs) where all inputs of a layer in a step are 0, 1 or -1, over the whole batch, else
  multiply-accumulates (MACs). The batch here is all samples; with smaller ones some MACs may be ACs.
- Dense operations are those of inputs and weights without a 0.
- A membrane is updated where the potential after a step is another one than before; in the first step all are.
- Activation sparsity is the share of outputs of spiking neurons that are 0, over neurons, steps and samples.

A layer of torch sees pooled spikes, whose averages are no 0 or 1; a chip adds each spike by itself. Both are counted.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from snn_deploy.deploy.backends.cpu import prepared
from snn_deploy.deploy.running.simulation import Progress, as_frames
from snn_deploy.network import float_semantics
from snn_deploy.network.class_outputs import class_outputs
from snn_deploy.network.connection_arithmetic import pooled_shape, sum_pool
from snn_deploy.network.fan_out import fan_out_of_weights
from snn_deploy.network.float_network import FloatConnection, FloatNetwork
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork

AnyNetwork = FloatNetwork | IntegerNetwork
AnyConnection = FloatConnection | IntegerConnection
_SAMPLES_AT_A_TIME = 32  # of a network in floats


@dataclass(frozen=True)
class Step:
    """What a network did in one step. values: input or population -> what it sends; held: population -> potentials.

    (batch, *shape) each; potentials after the reset, as the next step finds them.
    """

    values: Mapping[str, np.ndarray]
    held: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Operations:
    """Synaptic operations of one connection, of a sample, the mean: multiply-accumulates, accumulations, and dense."""

    connection: str
    macs: float
    acs: float
    dense: float


@dataclass(frozen=True)
class NeurobenchCounts:
    """Means over samples.

    layers: operations where pooling is a layer of its own, as in torch. deployed: where each spike is added by itself,
    as on a chip. Both for each connection. sparsity: population that fires -> share of its outputs that are 0.
    activation_sparsity: over all of them. membrane_updates: population -> updates of a sample. outputs: (samples,
    classes), what the class is read from.
    """

    samples: int
    layers: tuple[Operations, ...]
    deployed: tuple[Operations, ...]
    sparsity: Mapping[str, float]
    activation_sparsity: float
    membrane_updates: Mapping[str, float]
    outputs: np.ndarray


def neurobench_counts(network: AnyNetwork, inputs: np.ndarray, progress: Progress | None = None) -> NeurobenchCounts:
    """Return what `network` does with `inputs` (see simulation.as_frames), in integers on the CPU simulator.

    In floats it is the plain arithmetic of network/float_semantics.py: slow, for a few samples.
    """
    frames = as_frames(network, inputs)
    tally = _Tally(network)
    for batch in _of_integers(network, frames) if isinstance(network, IntegerNetwork) else _of_floats(network, frames):
        tally.add(batch)
        if progress:
            progress(tally.last)
    return tally.counts(frames.shape[1])


def _of_integers(network: IntegerNetwork, frames: np.ndarray) -> Iterator[Iterable[Step]]:
    """Yield the steps of successive samples."""
    names, start = [p.name for p in network.populations], 0
    for part in prepared(network).parts(frames, record=True, recorded_potentials=names):
        spikes, potentials = part.spikes, part.potentials
        assert spikes is not None and potentials is not None
        shown = frames[:, start : start + len(part.outputs)]
        start += len(part.outputs)
        yield [
            Step(
                {network.input.name: shown[t]} | {name: spikes[name][t] for name in names},
                {name: potentials[name][t] for name in names},
            )
            for t in range(network.steps)
        ]


def _of_floats(network: FloatNetwork, frames: np.ndarray) -> Iterator[Iterable[Step]]:
    """Yield the steps of successive samples."""
    for start in range(0, frames.shape[1], _SAMPLES_AT_A_TIME):
        shown = frames[:, start : start + _SAMPLES_AT_A_TIME]
        yield (
            Step(
                {network.input.name: frame * network.input.scale} | {n: s.spikes for n, s in states.items()},
                {n: s.left for n, s in states.items()},
            )
            for frame, states in zip(shown, float_semantics.steps(network, shown), strict=True)
        )


@dataclass
class _View:
    """A connection as a layer of torch sees its source, or as a chip does.

    counts: the weights of each value that are not 0. dense: all weights of all values. operations: of each step, over
    all samples. is_binary: of each step, in all samples.
    """

    sees: Callable[[np.ndarray], np.ndarray]
    counts: np.ndarray
    dense: int
    operations: np.ndarray
    is_binary: np.ndarray

    def add(self, step: int, values: np.ndarray) -> None:
        seen = self.sees(values)
        used = seen != 0
        self.operations[step] += int(used.reshape(len(used), -1).sum(axis=0, dtype=np.int64) @ self.counts)
        self.is_binary[step] &= bool(((seen == 1) | (seen == -1))[used].all())

    def of(self, connection: str, samples: int) -> Operations:
        acs, every = int(self.operations[self.is_binary].sum()), int(self.operations.sum())
        dense = float(self.dense * len(self.operations))
        return Operations(connection, (every - acs) / samples, acs / samples, dense)


@dataclass
class _Tally:
    """The counts as they grow. last: how many samples were in the last batch."""

    network: AnyNetwork
    last: int = 0
    silent: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    updates: dict[str, int] = field(default_factory=dict)
    outputs: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        shapes = {p.name: p.shape for p in self.network.populations} | {
            self.network.input.name: self.network.input.shape
        }
        self.views: dict[str, tuple[_View, _View]] = {}
        for c in self.network.connections:
            shape = pooled_shape(shapes[c.source], c.pool)
            counts, dense = (fan_out_of_weights(c, w, shape) for w in (c.weights != 0, np.ones(c.weights.shape, bool)))
            alone, dense_alone = (_unpooled(each, c.pool, shapes[c.source]) for each in (counts, dense))
            self.views[c.name] = (self._view(_as_layer(c), counts, dense), self._view(_itself, alone, dense_alone))

    def _view(self, sees: Callable[[np.ndarray], np.ndarray], counts: np.ndarray, dense: np.ndarray) -> _View:
        steps = self.network.steps
        return _View(sees, counts.ravel(), int(dense.sum()), np.zeros(steps, np.int64), np.ones(steps, bool))

    def add(self, batch: Iterable[Step]) -> None:
        """Count the steps of one batch."""
        network, before = self.network, None
        under_way: deque[Mapping[str, np.ndarray]] = deque(maxlen=1 + max(c.delay for c in network.connections))
        fired, step = [], None
        for t, step in enumerate(batch):
            under_way.appendleft(step.values)
            for c in network.connections:
                if c.delay < len(under_way):
                    for view in self.views[c.name]:
                        view.add(t, under_way[c.delay][c.source])
            for p in network.populations:
                held = step.held[p.name]
                changed = held.size if before is None else np.count_nonzero(held != before[p.name])
                self.updates[p.name] = self.updates.get(p.name, 0) + int(changed)
                if p.fires:
                    spikes = step.values[p.name]
                    self.silent[p.name] = self.silent.get(p.name, 0) + int(spikes.size - np.count_nonzero(spikes))
                    self.sent[p.name] = self.sent.get(p.name, 0) + spikes.size
            before = step.held
            fired.append(step.values[network.output.name])
        assert step is not None  # a network has at least one step
        outputs = class_outputs(network.output, np.stack(fired), step.held[network.output.name])
        self.last = len(outputs)
        self.outputs.append(outputs)

    def counts(self, samples: int) -> NeurobenchCounts:
        """Return the means over `samples`."""
        everything = sum(self.sent.values())
        layers, deployed = (tuple(v[i].of(name, samples) for name, v in self.views.items()) for i in (0, 1))
        return NeurobenchCounts(
            samples,
            layers,
            deployed,
            {name: self.silent[name] / count for name, count in self.sent.items()},
            sum(self.silent.values()) / everything if everything else 0.0,
            {name: count / samples for name, count in self.updates.items()},
            np.concatenate(self.outputs),
        )


def _as_layer(connection: AnyConnection) -> Callable[[np.ndarray], np.ndarray]:
    """Return what gives the inputs of the layer of torch that `connection` is, from what its source sends."""
    c = connection
    if c.pool == (1, 1):
        return _itself
    is_average = isinstance(c, FloatConnection) and c.pool_mode == "average"
    area = c.pool[0] * c.pool[1] if is_average else 1
    return lambda values: sum_pool(values.astype(np.float64), c.pool) / area


def _itself(values: np.ndarray) -> np.ndarray:
    return values


def _unpooled(counts: np.ndarray, pool: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Return the counts of each value before the pooling; none for those that it leaves out as a remainder."""
    if pool == (1, 1):
        return counts
    whole = np.zeros(shape, np.int64)
    spread = counts.repeat(pool[0], axis=1).repeat(pool[1], axis=2)
    whole[:, : spread.shape[1], : spread.shape[2]] = spread
    return whole
