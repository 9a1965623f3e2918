"""Random FloatNetworks of what NIR can hold: loops, delays, biases, synaptic currents, several kinds of resets."""

import numpy as np

from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork, FloatPopulation


def random_nir_network(rng: np.random.Generator) -> FloatNetwork:
    """Return a network of convolutions, dense layers, joins, loops and delays that NIR can hold.

    Weights are multiples of 1/8 and decays of 1/16, so that sums are exact in any order and potentials meet thresholds.
    """
    is_image = rng.random() < 0.6
    shape = (int(rng.integers(1, 3)), 6, int(rng.integers(5, 8))) if is_image else (int(rng.integers(2, 9)),)
    entry = FloatInput("in", shape, int(rng.choice([1, 3, 255])), 1.0)
    populations: list[FloatPopulation] = []
    connections: list[FloatConnection] = []
    sources = [("in", shape)]
    for i in range(int(rng.integers(1, 4))):
        source, shape = sources[-1]
        pool = (
            (2, int(rng.integers(1, 3))) if len(shape) == 3 and min(shape[1:]) >= 4 and rng.random() < 0.5 else (1, 1)
        )
        how = {"pool": pool, "pool_mode": str(rng.choice(["sum", "average"])) if pool != (1, 1) else "sum"}
        if len(shape) == 3 and rng.random() < 0.7:
            groups = shape[0] if rng.random() < 0.3 else 1
            out = groups * int(rng.integers(1, 3))
            weights = _weights(rng, out, shape[0] // groups, int(rng.integers(1, 4)), int(rng.integers(1, 4)))
            how |= {"stride": (1, int(rng.integers(1, 3))), "padding": (1, 0), "dilation": (1, 1), "groups": groups}
            reached = target_shape(shape, weights.shape, how["stride"], how["padding"], how["dilation"], pool)
        else:
            size = int(np.prod([shape[0], *(s // p for s, p in zip(shape[1:], pool, strict=False))]))
            weights = _weights(rng, int(rng.integers(2, 7)), size)
            reached = weights.shape[:1]
        if min(reached) < 1:
            break
        name = f"layer-{i}"
        population = _population(rng, name, reached)
        delay = int(rng.integers(1, 3)) if rng.random() < 0.15 else 0
        norm = _norm(rng, reached[0]) if not delay and rng.random() < 0.3 and not population.bias.any() else None
        connections.append(FloatConnection(f"{source}.{name}", source, name, weights, delay=delay, norm=norm, **how))
        if rng.random() < 0.4:
            size = rng.choice([1, 3], len(reached) - 1)
            loop, kept = _weights(rng, reached[0], reached[0], *size), {}
            if len(size):
                kept = {"padding": tuple(int(side) // 2 for side in size)}
            connections.append(FloatConnection(f"loop{i}", name, name, loop, delay=int(rng.integers(1, 3)), **kept))
        populations.append(population)
        sources.append((name, reached))
    _skip(rng, sources, populations, connections)
    size = int(np.prod(sources[-1][1]))
    connections.append(FloatConnection("last", sources[-1][0], "out", _weights(rng, 3, size)))
    populations.append(
        FloatPopulation("out", (3,), 0.0, 1.0, 0.0, fires=False, fires_at_threshold=False, bias=_biases(rng, 3))
        if rng.random() < 0.5
        else _population(rng, "out", (3,))
    )
    return FloatNetwork(entry, tuple(populations), tuple(connections), int(rng.integers(1, 6)), {"seed": 3})


def random_frames(rng: np.random.Generator, network: FloatNetwork, samples: int = 2) -> np.ndarray:
    """Return frames, (steps, samples, *input shape), that differ from step to step."""
    return rng.integers(0, network.input.largest_value + 1, (network.steps, samples, *network.input.shape))


def _skip(rng, sources, populations, connections) -> None:
    """Join an early source with the last population at times."""
    (name, shape), (last, reached) = sources[0], sources[-1]
    if len(sources) > 2 and len(reached) == 1 and rng.random() < 0.5:
        connections.append(FloatConnection("skip", name, last, _weights(rng, reached[0], int(np.prod(shape)))))


def _weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    weights = rng.integers(-8, 13, shape) / 8
    weights.reshape(-1)[0] = 1.0
    return weights


def _biases(rng: np.random.Generator, channels: int) -> np.ndarray:
    return rng.integers(-3, 4, channels) / 8 if rng.random() < 0.5 else np.zeros(channels)


def _norm(rng: np.random.Generator, channels: int) -> ChannelNorm:
    one, zero = np.ones(channels), np.zeros(channels)
    return ChannelNorm(zero, one, rng.integers(1, 5, channels) / 2, _biases(rng, channels), 0.0)


def _population(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> FloatPopulation:
    channels = shape[0]
    kind = rng.choice(["leaky", "keeps all", "current"])
    keep = np.ones(channels) if kind == "keeps all" else rng.integers(0, 16, channels) / 16
    current_keep = rng.integers(1, 16, channels) / 16 if kind == "current" else np.zeros(channels)
    reset_value = rng.integers(-2, 2, channels) / 4 if rng.random() < 0.3 else np.zeros(channels)
    return FloatPopulation(
        name,
        shape,
        rng.integers(2, 20, channels) / 8,
        keep,
        current_keep,
        fires_at_threshold=bool(rng.random() < 0.5),
        bias=np.zeros(channels) if kind == "current" else _biases(rng, channels),
        reset_value=reset_value,
        initial_value=reset_value if kind == "keeps all" else np.zeros(channels),
    )
