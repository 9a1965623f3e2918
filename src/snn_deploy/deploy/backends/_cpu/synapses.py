"""The synapses of the CPU backend: sum pooling, then the fastest path that adds exactly (_cpu/paths/).

Values and sums have their channels last: (frames, height, width, channels) or (frames, features).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Protocol

import numba
import numpy as np
import torch

from snn_deploy.deploy.backends._cpu.limits import SumBounds, sum_bounds
from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.fan_out import fan_out
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.support.plugin import load_plugin

PATHS_PACKAGE = "deploy.backends._cpu.paths"
_DENSE = ("int8", "float32", "wide")  # the fastest first
_EVENT = "event"
_LARGEST_UINT8 = 255
_WIDE_LAYER = 64  # targets that one value reaches side by side; below, the event path does not fill its registers
# The share of source values that are not zero below which `event` is faster, of layers from so many such targets on;
# measured, docs/benchmarks.md.
_SPARSE = {"int8": {64: 0.02, 128: 0.05}, "float32": {64: 0.1, 128: 0.2}, "wide": {64: 0.4}}
_SPARSE_WITH_AMX = _SPARSE | {"int8": {64: 0.002}}  # measured before the event path added in 16 bits


class Path(Protocol):
    """A connection prepared for one way of adding."""

    def deliver(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of the pooled `values`, channels last, in float32 or float64."""


@dataclass
class Synapses:
    """A connection and the paths that add exactly for it.

    paths: name -> prepared; the first is used unless few values are not zero. refused: name -> why that path does not
    do. used: name -> frames so far. seen, active: how many source values came, and were not zero.
    """

    connection: IntegerConnection
    source_shape: tuple[int, ...]
    bounds: SumBounds
    paths: Mapping[str, Path]
    refused: Mapping[str, str]
    used: dict[str, int] = field(default_factory=dict)
    seen: int = 0
    active: int = 0

    def deliver(self, values: np.ndarray) -> np.ndarray:
        """Return the sums that `values` (..., *source shape, channels last) uint8 bring, without 2^exponent.

        Returns: (..., targets), the targets channels last.
        """
        leading = values.shape[: -len(self.source_shape)]
        x = values.reshape(-1, *values.shape[len(leading) :])
        if self.connection.pool != (1, 1):
            x = sum_pooled(x, self.connection.pool)
        if self.connection.weights.ndim == 2:
            x = x.reshape(len(x), -1)
        name = self._path_for(x)
        self.used[name] = self.used.get(name, 0) + len(x)
        return self.paths[name].deliver(x).reshape(*leading, -1)

    @cached_property
    def fan_out(self) -> np.ndarray:
        """How many synapses the neurons of each position of the source have: every channel of one has the same."""
        return fan_out(self.connection, self.source_shape)[0].ravel()

    def compile_kernels(self) -> None:
        """Compile what `deliver` may call, where no earlier run on this machine left it on disk."""
        c, most = self.connection, self.bounds.largest_value
        for kind in (np.uint8,) if most <= _LARGEST_UINT8 else (np.uint8, np.int32):  # as sum_pooled gives them
            if c.pool != (1, 1):
                _pool(np.zeros((0, 1, 1, 1), np.uint8), c.pool, np.zeros((0, 1, 1, 1), kind))
        if self._may_be_sparse:
            load_plugin(PATHS_PACKAGE, _EVENT).compile_scatter(c)

    def __str__(self) -> str:
        """Return one line for people: which path, how often, and why the others did not do."""
        used = [f"{n} ({frames} frames){getattr(self.paths[n], 'note', '')}" for n, frames in self.used.items()]
        share = f", {self.active / self.seen:.1%} of the values not zero" if self.seen else ""
        why = "".join(f"; not {name}: {reason}" for name, reason in self.refused.items())
        return f"{self.connection.name}: {', '.join(used) or 'nothing came'}{share}{why}"

    def _path_for(self, values: np.ndarray) -> str:
        dense = next(iter(self.paths))
        active = np.count_nonzero(values)
        self.seen, self.active = self.seen + values.size, self.active + active
        if not self._may_be_sparse or dense == _EVENT:
            return dense
        return _EVENT if active < sparse_below(dense, len(self.connection.weights)) * values.size else dense

    @property
    def _may_be_sparse(self) -> bool:
        """Whether the event path is taken, always or for values of which few are not zero."""
        first = next(iter(self.paths))
        return first == _EVENT or (_EVENT in self.paths and len(self.connection.weights) >= _WIDE_LAYER)


def sparse_below(dense: str, targets: int) -> float:
    """Return the share of values that are not zero below which `event` beats the path `dense`.

    targets: that one value reaches side by side.
    """
    shares = (_SPARSE_WITH_AMX if _has_amx() else _SPARSE)[dense]
    return next((share for least, share in sorted(shares.items(), reverse=True) if targets >= least), 0.0)


@cache
def _has_amx() -> bool:
    """Return whether this CPU multiplies int8 in tiles; True where torch does not say."""
    found = getattr(torch.cpu, "_is_amx_tile_supported", None)  # not documented
    return True if found is None else bool(found())


def synapses_of(network: IntegerNetwork, connection: IntegerConnection, forced: str | None = None) -> Synapses:
    """Return `connection` prepared for delivering.

    forced: the path that is used wherever it is exact; None is the fastest.
    """
    source_shape, bounds = network.shape_of(connection.source), sum_bounds(network, connection)
    weights = _channels_last(connection, source_shape)
    paths: dict[str, Path] = {}
    refused: dict[str, str] = {}
    for name in dict.fromkeys((*_DENSE, _EVENT) if forced is None else (forced, *_DENSE)):
        if paths and name != _EVENT:
            continue  # one dense path is enough
        plugin = load_plugin(PATHS_PACKAGE, name)
        reason = plugin.why_not(connection, bounds)
        if reason is None:
            paths[name] = plugin.Path(connection, weights, bounds)
        else:
            refused[name] = reason
    return Synapses(connection, source_shape, bounds, paths, refused)


def channels_last(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return `values` (..., *shape) with the first axis of `shape` moved to the end."""
    return np.ascontiguousarray(np.moveaxis(values, -len(shape), -1))


def channels_first(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return `values` (..., *shape with its first axis last) as (..., *shape)."""
    return np.moveaxis(values, -1, -len(shape))


def sum_pooled(values: np.ndarray, pool: tuple[int, int]) -> np.ndarray:
    """Return the sums of windows of `pool`: (frames, height, width, channels), uint8 where that holds."""
    frames, height, width, channels = values.shape
    kind = np.uint8 if pool[0] * pool[1] * int(values.max(initial=0)) <= _LARGEST_UINT8 else np.int32
    sums = np.zeros((frames, height // pool[0], width // pool[1], channels), kind)
    _pool(values, pool, sums)
    return sums


@numba.njit(cache=True, nogil=True)
def _pool(values, pool, sums):  # type: ignore[no-untyped-def]
    frames, height, width, channels = sums.shape
    kind = sums.dtype.type
    for f in range(frames):
        for y in range(height):
            for x in range(width):
                target = sums[f, y, x]
                for i in range(pool[0]):
                    for j in range(pool[1]):
                        source = values[f, y * pool[0] + i, x * pool[1] + j]
                        for c in range(channels):
                            target[c] = kind(target[c] + source[c])


def _channels_last(connection: IntegerConnection, source_shape: tuple[int, ...]) -> np.ndarray:
    """Return the weights; those of a dense connection from a map read it channels last."""
    weights = connection.weights
    if weights.ndim == 4 or len(source_shape) == 1:
        return weights
    shape = pooled_shape(source_shape, connection.pool)
    return weights.reshape(-1, *shape).transpose(0, 2, 3, 1).reshape(len(weights), -1)


@contextmanager
def exact_and_single_threaded() -> Iterator[None]:
    """Set torch to one thread and to direct sums meanwhile; its settings are restored afterwards.

    NNPACK would take Winograd and Fourier transforms, which round, and a caller's autocast bfloat16. Many samples use
    many cores better than many threads share one sample (two threads on a loaded two-core machine measured 2 to 6
    times slower).
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            torch.inference_mode(),
            torch.backends.nnpack.flags(enabled=False),
            torch.autocast("cpu", enabled=False),
        ):
            yield
    finally:
        torch.set_num_threads(threads)
