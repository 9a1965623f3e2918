"""Random legal FloatNetworks: chains and residual joins with norms, average pooling and groups."""

import numpy as np

from snn_deploy.connection_arithmetic import target_shape
from snn_deploy.train.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork, FloatPopulation


def random_float_network(rng: np.random.Generator, *, shifted: bool = False) -> FloatNetwork:
    """Return a network of two or three convolutions (one of them residual at times) and a dense output."""
    side = int(rng.integers(6, 10))
    entry = FloatInput("input", (int(rng.integers(1, 3)), side, side))
    populations, connections = [], []
    source, shape = "input", entry.shape
    for i in range(int(rng.integers(1, 4))):
        name = f"conv{i + 1}"
        groups = shape[0] if rng.random() < 0.3 else 1
        out = groups * int(rng.integers(1, 4))
        kernel = int(rng.choice([1, 3, 5]))
        pool = (2, 2) if i and min(shape[1:]) >= 4 and rng.random() < 0.6 else (1, 1)
        weights = rng.normal(size=(out, shape[0] // groups, kernel, kernel)) / kernel
        stride = (int(rng.integers(1, 3)),) * 2
        options = {
            "stride": stride,
            "padding": (kernel // 2,) * 2,
            "groups": groups,
            "pool": pool,
            "pool_mode": "average",
        }
        reached = target_shape(shape, weights.shape, stride, options["padding"], (1, 1), pool)
        connections.append(
            FloatConnection(f"{source}-{name}", source, name, weights, norm=_norm(rng, out, shifted), **options)
        )
        if rng.random() < 0.4:
            weights = rng.normal(size=(out, shape[0], 1, 1))
            options = {"stride": stride, "pool": pool, "pool_mode": "average"}
            if target_shape(shape, weights.shape, stride, (0, 0), (1, 1), pool) == reached:
                norm = _norm(rng, out, shifted)
                connections.append(
                    FloatConnection(f"{source}-{name}.short", source, name, weights, norm=norm, **options)
                )
        populations.append(FloatPopulation(name, reached, np.asarray(0.5), np.asarray(0.25), np.asarray(0.0)))
        source, shape = name, reached
    fan_in = int(np.prod(shape))
    connections.append(FloatConnection(f"{source}-output", source, "output", rng.normal(size=(5, fan_in))))
    populations.append(FloatPopulation("output", (5,), np.asarray(0.5), np.asarray(1.0), np.asarray(0.0), fires=False))
    return FloatNetwork(entry, tuple(populations), tuple(connections), int(rng.integers(1, 6)))


def random_pixels(rng: np.random.Generator, network: FloatNetwork, samples: int = 3) -> np.ndarray:
    """Return images as frames, (steps, samples, *input shape), uint8."""
    images = rng.integers(0, 256, (samples, *network.input.shape), dtype=np.uint8)
    return np.broadcast_to(images, (network.steps, *images.shape))


def _norm(rng: np.random.Generator, channels: int, shifted: bool) -> ChannelNorm:
    zeros = np.zeros(channels)
    gain, variance = rng.uniform(-0.7, 0.9, channels), rng.uniform(0.05, 2.0, channels)
    if shifted:
        return ChannelNorm(rng.normal(size=channels), variance, gain, rng.normal(size=channels), 1e-5)
    return ChannelNorm(zeros, variance, gain, zeros, 1e-5)
