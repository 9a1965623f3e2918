"""Random legal FloatNetworks: maps and vectors, joins and loops, norms, poolings, all kinds of neurons."""

from dataclasses import replace
from typing import Any

import numpy as np

from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork, FloatPopulation


def random_float_network(rng: np.random.Generator, *, shifted: bool = False, rich: bool = False) -> FloatNetwork:
    """Return a network of two or three convolutions (one of them residual at times) and a dense output.

    shifted: norms have a mean and a shift. rich: also loops, delays, dilation, a hidden vector, and neurons with soft
    resets, reset and initial values, current memory and parameters of each channel.
    """
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
        options: dict[str, Any] = {
            "stride": stride,
            "padding": (kernel // 2,) * 2,
            "groups": groups,
            "pool": pool,
            "pool_mode": "average",
        }
        if rich and rng.random() < 0.3:
            options |= {"dilation": (2, 1), "padding": (kernel - 1, kernel // 2)}
        reached = target_shape(shape, weights.shape, stride, options["padding"], options.get("dilation", (1, 1)), pool)
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
        if rich and rng.random() < 0.3:
            weights = rng.normal(size=(out, out, 1, 1)) / 2
            delay = int(rng.integers(1, 3))
            connections.append(FloatConnection(f"{name}-loop", name, name, weights, delay=delay))
        populations.append(_population(rng, name, reached, rich=rich))
        source, shape = name, reached
    if rich and rng.random() < 0.5:
        weights = rng.normal(size=(6, int(np.prod(shape)))) / 2
        connections.append(FloatConnection(f"{source}-hidden", source, "hidden", weights, norm=_norm(rng, 6, shifted)))
        populations.append(_population(rng, "hidden", (6,), rich=rich))
        source, shape = "hidden", (6,)
    fan_in = int(np.prod(shape))
    connections.append(FloatConnection(f"{source}-output", source, "output", rng.normal(size=(5, fan_in))))
    populations.append(FloatPopulation("output", (5,), np.asarray(0.5), np.asarray(1.0), np.asarray(0.0), fires=False))
    return FloatNetwork(entry, tuple(populations), tuple(connections), int(rng.integers(1, 6)))


def random_pixels(rng: np.random.Generator, network: FloatNetwork, samples: int = 3) -> np.ndarray:
    """Return images as frames, (steps, samples, *input shape), uint8."""
    images = rng.integers(0, 256, (samples, *network.input.shape), dtype=np.uint8)
    return np.broadcast_to(images, (network.steps, *images.shape))


def _population(rng: np.random.Generator, name: str, shape: tuple[int, ...], *, rich: bool) -> FloatPopulation:
    if not rich:
        return FloatPopulation(name, shape, np.asarray(0.5), np.asarray(0.25), np.asarray(0.0))
    channels = shape[0]
    options: dict[str, Any] = {"fires_at_threshold": bool(rng.integers(2))}
    if rng.random() < 0.3:
        options["reset"] = "subtract"
    elif rng.random() < 0.3:
        options["reset_value"] = rng.normal(size=channels) / 4
    if rng.random() < 0.3:
        options["initial_value"] = rng.normal(size=channels) / 4
    return FloatPopulation(
        name,
        shape,
        rng.uniform(0.3, 0.8, channels) if rng.random() < 0.4 else np.asarray(0.5),
        rng.choice([0.25, 0.5, 0.75, 1.0], channels),
        rng.choice([0.0, 0.25, 0.5], channels) if rng.random() < 0.3 else np.asarray(0.0),
        **options,
    )


def _norm(rng: np.random.Generator, channels: int, shifted: bool) -> ChannelNorm:
    zeros = np.zeros(channels)
    gain, variance = rng.uniform(-0.7, 0.9, channels), rng.uniform(0.05, 2.0, channels)
    if shifted:
        return ChannelNorm(rng.normal(size=channels), variance, gain, rng.normal(size=channels), 1e-5)
    return ChannelNorm(zeros, variance, gain, zeros, 1e-5)


def with_adaptation(network: FloatNetwork, rng: np.random.Generator) -> FloatNetwork:
    """Return `network` with thresholds that each spike raises, in all populations that fire."""
    return replace(
        network,
        populations=tuple(
            replace(
                p,
                threshold_step=rng.uniform(0, 1, p.shape[0]) * p.threshold,
                threshold_keep=rng.choice([0.25, 0.5, 0.75], p.shape[0]),
            )
            if p.fires
            else p
            for p in network.populations
        ),
    )
