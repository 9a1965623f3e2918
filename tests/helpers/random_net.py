"""Random IntegerNetworks of everything that a .net file holds, so that none of them is refused.

And a chain in floats with batch norms, which becomes one.
"""

from typing import Any

import numpy as np

from snn_deploy.network.connection_arithmetic import Pair, pooled_shape, target_shape
from snn_deploy.network.expand_pooling import pooling_expands
from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation


def random_net(seed: int) -> IntegerNetwork:
    """Return a chain of convolutions, dense and recurrent layers, with delays, biases, exponents and soft resets.

    Exponents and pooling, parallel connections of several delays, parameters of each channel, and resets and initial
    values where they have no effect, occur too.
    """
    rng = np.random.default_rng(seed)
    is_map = rng.random() < 0.5
    shape = (int(rng.integers(1, 4)), *map(int, rng.integers(3, 8, 2))) if is_map else (int(rng.integers(2, 9)),)
    entry = IntegerInput("in", shape, int(rng.choice([1, 1, 7, 255])))
    populations: list[IntegerPopulation] = []
    connections: list[IntegerConnection] = []
    source, count = "in", int(rng.integers(1, 4))
    for i in range(count):
        name = f"layer{i}"
        if len(shape) == 3 and rng.random() < 0.6:
            arriving = [_convolution(rng, source, name, shape)]
            c = arriving[0]
            shape = target_shape(shape, c.weights.shape, c.stride, c.padding, c.dilation, c.pool)
        else:
            arriving, shape = _dense(rng, source, name, shape)
        drive = max(1, sum(_size(c, entry) for c in arriving))
        populations.append(_population(rng, name, shape, drive, is_last=i == count - 1))
        connections += arriving
        source = name
    order = rng.permutation(len(connections)) if rng.random() < 0.2 else range(len(connections))
    return IntegerNetwork(entry, tuple(populations), tuple(connections[j] for j in order), int(rng.integers(3, 11)))


def chain_with_norms(seed: int) -> FloatNetwork:
    """Return two convolutions and two dense layers, whose norms have means and shifts; the third hears itself."""
    rng = np.random.default_rng(seed)
    shapes = ((4, 6, 6), (6, 3, 3), (8,), (5,))
    weights = (
        rng.normal(size=(4, 1, 3, 3)) / 2,
        rng.normal(size=(6, 4, 3, 3)) / 3,
        rng.normal(size=(8, 54)) / 4,
        rng.normal(size=(5, 8)),
    )
    names = ("in", "conv1", "conv2", "hidden", "out")
    populations, connections = [], []
    for i, (shape, w) in enumerate(zip(shapes, weights, strict=True)):
        options = {"padding": (1, 1), "stride": (1, 1) if i == 0 else (2, 2)} if w.ndim == 4 else {}
        norm = None
        if i < 3:
            mean, shift = rng.normal(size=(2, len(w))) / 4
            norm = ChannelNorm(mean, rng.uniform(0.5, 2, len(w)), rng.uniform(0.5, 1.5, len(w)), shift, 1e-5)
        last = i == 3
        populations.append(
            FloatPopulation(
                names[i + 1], shape, np.asarray(0.5), np.asarray(1.0 if last else 0.25), np.asarray(0.0), fires=not last
            )
        )
        connections.append(FloatConnection(f"to-{names[i + 1]}", names[i], names[i + 1], w, norm=norm, **options))
    loop = FloatConnection("loop", "hidden", "hidden", rng.normal(size=(8, 8)) * rng.choice([0.05, 0.3, 1.0]), delay=1)
    return FloatNetwork(FloatInput("in", (1, 6, 6)), tuple(populations), (*connections, loop), 4)


def _convolution(rng: np.random.Generator, source: str, name: str, shape: tuple[int, ...]) -> IntegerConnection:
    while True:
        pool = _pool(rng, shape)
        groups = shape[0] if rng.random() < 0.3 else 1
        out = groups * int(rng.integers(1, 4))
        weights = _weights(rng, (out, shape[0] // groups, *map(int, rng.integers(1, 4, 2))), 127)
        c = IntegerConnection(
            f"{source}-{name}",
            source,
            name,
            weights,
            int(rng.choice([0, 0, 1, 2, 3])),
            stride=tuple(map(int, rng.integers(1, 3, 2))),
            padding=tuple(map(int, rng.integers(0, 2, 2))),
            dilation=tuple(map(int, rng.integers(1, 3, 2))),
            groups=groups,
            pool=pool,
        )
        reached = target_shape(shape, weights.shape, c.stride, c.padding, c.dilation, pool)
        if min(reached) >= 1 and pooling_expands(c, shape):
            return c


def _dense(
    rng: np.random.Generator, source: str, name: str, shape: tuple[int, ...]
) -> tuple[list[IntegerConnection], tuple[int]]:
    pool = _pool(rng, shape) if len(shape) == 3 else (1, 1)
    size, heard = int(rng.integers(1, 9)), int(np.prod(pooled_shape(shape, pool)))
    exponent = int(rng.choice([0, 0, 0, 1, 3]))
    largest = 127 if exponent <= 1 else 15  # lava-dl's reader takes up to 254
    weights = _weights(rng, (size, heard), largest)
    weights[0, 0] = -1 - rng.integers(0, largest)  # both signs, so that all of them are held
    weights[0, -1] = 1 + rng.integers(0, largest)
    kind = rng.choice(["plain", "recurrent", "delayed", "delays"])
    main = f"{source}-{name}"
    if kind == "recurrent":
        loop = IntegerConnection(f"{name}-loop", name, name, _weights(rng, (size, size), largest), exponent, delay=1)
        return [IntegerConnection(main, source, name, weights, exponent, pool=pool), loop], (size,)
    if kind == "delays":
        which = rng.integers(0, 3, (size, heard))
        delays = sorted(rng.choice(5, 3, replace=False))
        return [
            IntegerConnection(
                f"{main}.{delay}",
                source,
                name,
                np.where(which == k, weights, 0),
                exponent,
                pool=pool,
                delay=int(delay),
            )
            for k, delay in enumerate(delays)
        ], (size,)
    delay = int(rng.integers(1, 63)) if kind == "delayed" and rng.random() < 0.1 else int(rng.integers(1, 3))
    return [
        IntegerConnection(main, source, name, weights, exponent, pool=pool, delay=delay if kind == "delayed" else 0)
    ], (size,)


def _pool(rng: np.random.Generator, shape: tuple[int, ...]) -> Pair:
    if rng.random() < 0.6:
        return 1, 1
    return int(rng.integers(1, min(3, shape[1] + 1))), int(rng.integers(1, min(3, shape[2] + 1)))


def _population(
    rng: np.random.Generator, name: str, shape: tuple[int, ...], drive: int, *, is_last: bool
) -> IntegerPopulation:
    channels = shape[0]

    def of_channels(least: int, most: int) -> np.ndarray:
        return np.broadcast_to(rng.integers(least, most + 1, channels if rng.random() < 0.5 else 1), channels)

    remembers = rng.random() < 0.8
    keep = rng.choice([0, 1024, 3000, 4095, 4096], channels if rng.random() < 0.4 else 1) if remembers else [0]
    keep = np.broadcast_to(keep, channels)
    current = rng.choice([0, 0, 0, 2048, 4096])
    options: dict[str, Any] = {}
    if not keep.any():
        options = {"reset": "subtract"} if rng.random() < 0.5 else {"reset_value": of_channels(-500, 500)}
        options["initial_value"] = of_channels(-500, 500)
    bias = 64 * of_channels(-min(drive // 3, 4095), min(drive // 3, 4095)) if rng.random() < 0.6 else np.zeros(channels)
    fires = not is_last or rng.random() < 0.5
    threshold = of_channels(0, min(drive // 3, 2**17 - 1))
    return IntegerPopulation(name, shape, threshold, keep, np.full(channels, current), bias, fires, **options)


def _weights(rng: np.random.Generator, shape: tuple[int, ...], largest: int) -> np.ndarray:
    weights = rng.integers(-largest, largest, shape, endpoint=True)
    return np.where(rng.random(shape) < 0.6, np.abs(weights), weights)


def _size(c: IntegerConnection, entry: IntegerInput) -> int:
    """Return about what half of the sources bring."""
    sums = np.abs(c.weights.astype(int)).reshape(len(c.weights), -1).sum(axis=1).max() << c.exponent
    return int(sums) * (entry.largest_value if c.source == entry.name else 1) // 3
