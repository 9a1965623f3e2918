"""FloatNetwork: a trained spiking network as plain data. `train` makes it, `export` reads it.

A graph of populations and connections. In every step, each population sums what its connections bring,

    current   u[t] = current_keep * u[t-1] + sum over connections of norm(weights * pool(spikes))
    potential v[t] = voltage_keep * left[t-1] + u[t] + bias
    spike     s[t] = v[t] >= threshold + rise[t-1]   (or >, see `fires_at_threshold`)
    left      left[t] = v[t], and where it fired reset_value, or v[t] - threshold where reset is "subtract"
    rise      rise[t] = threshold_keep * rise[t-1] + threshold_step * s[t]

from u[-1] = rise[-1] = 0 and left[-1] = initial_value. With current_keep, bias, reset_value, initial_value and
threshold_step all 0 that is the iterative LIF neuron with reset to zero (IM-Loss Eq. 5-6, RMP-Loss Eq. 1-3).
A population that does not fire only accumulates (RMP-Loss Eq. 4): the output. It never resets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from snn_deploy.network import adaptive_threshold
from snn_deploy.network.adaptive_threshold import where_adapting
from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.field_check import (
    is_whole,
    per_channel,
    require_arrays,
    require_flag,
    require_numbers,
    require_shape,
    shown,
)
from snn_deploy.network.graph_check import check_graph
from snn_deploy.network.neuron_reset import Reset, check_reset, nothing
from snn_deploy.network.provenance import checked_provenance
from snn_deploy.network.short_name import short_name
from snn_deploy.support.array_file import plain_fields, read_array_file, restored_fields, write_array_file
from snn_deploy.support.read_only import read_only
from snn_deploy.support.user_error import UserError

KIND, VERSION = "snn-deploy FloatNetwork", 2
VERSION_WITH_ADAPTATION = 3  # of files with adaptive thresholds, which a reader of version 2 would leave out


@dataclass(frozen=True)
class FloatInput:
    """Where samples enter: integers 0..largest_value (uint8 pixels: 255; 0/1 spikes: 1) times `scale`."""

    name: str
    shape: tuple[int, ...]
    largest_value: int = 255
    scale: float = 1 / 255

    def __post_init__(self) -> None:
        require_shape(self.name, self.shape)
        is_positive = isinstance(self.scale, float | int) and 0 < self.scale < np.inf
        if not (is_whole(self.largest_value, 1, 255) and is_positive):
            raise UserError(
                f"input {shown(self.name)}: largest value {shown(self.largest_value)} and scale {shown(self.scale)}; "
                "allowed are 1..255 and a positive scale."
            )


@dataclass(frozen=True)
class FloatPopulation:
    """Neurons of one layer; every parameter is per channel, shape (channels,), the first axis of `shape`.

    voltage_keep: the share of the potential that is left after one step (tau in the papers). current_keep: the same
    for the synaptic current; 0 is no memory. bias: added to the potential in every step. reset: what a spike does to
    the potential: "value" sets it to `reset_value` (hard reset), "subtract" takes the threshold off (soft reset), and
    then reset_value is 0. initial_value: the potential before the first step; it decays in that step like any other.
    clears_current: a spike sets the current to 0 as well (the spike response model; no chip here does).
    threshold_step: by how much each spike raises the neuron's own threshold, 0 or more. threshold_keep: the share of
    that rise that is left after one step, below 1; 0 where threshold_step is (adaptive_threshold.py).
    A population that does not fire has no use for threshold, reset and reset_value.
    """

    name: str
    shape: tuple[int, ...]
    threshold: np.ndarray
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    fires: bool = True
    fires_at_threshold: bool = True  # >= (IM-Loss, RMP-Loss) or > (Dspike)
    bias: np.ndarray = field(default_factory=nothing)
    reset: Reset = "value"
    reset_value: np.ndarray = field(default_factory=nothing)
    initial_value: np.ndarray = field(default_factory=nothing)
    clears_current: bool = False
    threshold_step: np.ndarray = field(default_factory=nothing)
    threshold_keep: np.ndarray = field(default_factory=nothing)

    def __post_init__(self) -> None:
        where = f"population {shown(self.name)}"
        require_shape(self.name, self.shape)
        require_flag(where, "fires", self.fires)
        require_flag(where, "clears_current", self.clears_current)
        require_flag(where, "fires_at_threshold", self.fires_at_threshold)
        for name in _POPULATION_ARRAYS:
            values = per_channel(where, name, np.asarray(getattr(self, name)), self.shape[0])
            object.__setattr__(self, name, read_only(values, np.float64))
            _require_finite(where, name, getattr(self, name))
        check_reset(where, self.reset, self.reset_value)
        for name in ("voltage_keep", "current_keep"):
            values = getattr(self, name)
            if not ((values >= 0) & (values <= 1)).all():
                raise UserError(f"{where}: {name} {values.min()}..{values.max()}; allowed is 0..1.")
        step, keep = where_adapting(self.threshold_step, self.threshold_keep, fires=self.fires)
        if step.min() < 0 or not ((keep >= 0) & (keep < 1)).all():
            raise UserError(
                f"{where}: threshold_step {step.min():g}..{step.max():g} with threshold_keep {keep.min():g}.."
                f"{keep.max():g}; allowed are steps of 0 or more, and keeps from 0 to below 1."
            )
        object.__setattr__(self, "threshold_step", read_only(step, np.float64))
        object.__setattr__(self, "threshold_keep", read_only(keep, np.float64))

    @property
    def adapts(self) -> bool:
        """Whether a spike raises the threshold of some neuron."""
        return bool(self.threshold_step.any())


@dataclass(frozen=True)
class ChannelNorm:
    """Batch normalization with fixed statistics: (x - mean) * gain / sqrt(variance + epsilon) + shift.

    Each array has shape (channels,). tdBN's alpha * V_th (RMP-Loss Eq. 6) is part of `gain`.
    """

    mean: np.ndarray
    variance: np.ndarray
    gain: np.ndarray
    shift: np.ndarray
    epsilon: float

    def __post_init__(self) -> None:
        for name in ("mean", "variance", "gain", "shift"):
            require_numbers("norm", name, np.asarray(getattr(self, name)))
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
            _require_finite("norm", name, getattr(self, name))
        if not ((self.variance >= 0).all() and self.epsilon >= 0):
            raise UserError("norm: a negative variance or epsilon. Train again.")

    @property
    def factor(self) -> np.ndarray:
        """What each channel's current is multiplied with: gain / sqrt(variance + epsilon)."""
        return self.gain / np.sqrt(self.variance + self.epsilon)

    @property
    def offset(self) -> np.ndarray:
        """What each channel's current is shifted by, in every step: a bias."""
        return self.shift - self.mean * self.factor


@dataclass(frozen=True)
class FloatConnection:
    """Weights from one population to another: (out, in / groups, height, width) or (out, in).

    pool: window of the pooling of the source's spikes before the weights; (1, 1) is none.
    delay: steps between a spike and its arrival; 0 needs a source that comes before the target.
    """

    name: str
    source: str
    target: str
    weights: np.ndarray
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    pool: Pair = (1, 1)
    pool_mode: Literal["sum", "average"] = "sum"
    delay: int = 0
    norm: ChannelNorm | None = None

    def __post_init__(self) -> None:
        require_numbers(f"connection {shown(self.name)}", "weights", np.asarray(self.weights))
        object.__setattr__(self, "weights", read_only(self.weights, np.float64))
        _require_finite(f"connection {self.name!r}", "weights", self.weights)
        if self.pool_mode not in ("sum", "average"):
            raise UserError(
                f"connection {shown(self.name)}: {shown(self.pool_mode)} pooling. Its result is no sum of spikes, so "
                "no chip with additive synapses computes it exactly; allowed are average and sum. Train with one."
            )

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """The shape of the weights."""
        return self.weights.shape


@dataclass(frozen=True, repr=False)
class FloatNetwork:
    """A trained spiking network. `steps` is the number of time steps per sample that it was trained with."""

    input: FloatInput
    populations: tuple[FloatPopulation, ...]
    connections: tuple[FloatConnection, ...]
    steps: int
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_graph(self.input, self.populations, self.connections, self.steps)

    def __repr__(self) -> str:
        weights = sum(c.weights.size for c in self.connections)
        return short_name("FloatNetwork", self.input, self.populations, weights, self.steps)

    @property
    def output(self) -> FloatPopulation:
        """The last population: what a sample's class is read from."""
        return self.populations[-1]


def write_float_network(network: FloatNetwork, path: Path) -> None:
    """Write `network` to `path` (.npz, no pickle, the same bytes for the same network)."""
    header = {
        "input": plain_fields(network.input),
        "populations": [plain_fields(p) for p in network.populations],
        "connections": [
            {**plain_fields(c), "norm": c.norm and {"epsilon": c.norm.epsilon}} for c in network.connections
        ],
        "steps": network.steps,
        "provenance": dict(network.provenance),
    }
    arrays: dict[str, np.ndarray] = {}
    for population in network.populations:
        arrays |= {f"{population.name}/{n}": getattr(population, n) for n in _stored(population)}
    for connection in network.connections:
        arrays[f"{connection.name}/weights"] = connection.weights
        if connection.norm is not None:
            arrays |= {f"{connection.name}/norm/{n}": getattr(connection.norm, n) for n in _NORM_ARRAYS}
    version = VERSION_WITH_ADAPTATION if any(p.adapts for p in network.populations) else VERSION
    write_array_file(path, KIND, version, header, arrays)


def read_float_network(path: Path) -> FloatNetwork:
    """Return the network that `write_float_network` wrote; a damaged or foreign file is a UserError."""
    header, arrays = read_array_file(path, KIND, VERSION, VERSION_WITH_ADAPTATION)
    try:
        for p in header["populations"]:
            require_shape(p["name"], tuple(p["shape"]))
            require_arrays(arrays, f"{p['name']}/", p["shape"][0])
        populations = tuple(
            FloatPopulation(**restored_fields(p, **_arrays_of(p["name"], arrays))) for p in header["populations"]
        )
        connections = []
        for plain in header["connections"]:
            name, norm = plain["name"], plain.pop("norm")
            if norm is not None:
                require_arrays(arrays, f"{name}/norm/", len(arrays[f"{name}/weights"]))
                norm = ChannelNorm(**restored_fields(norm, **{n: arrays[f"{name}/norm/{n}"] for n in _NORM_ARRAYS}))
            connections.append(FloatConnection(**restored_fields(plain, weights=arrays[f"{name}/weights"], norm=norm)))
        return FloatNetwork(
            FloatInput(**restored_fields(header["input"])),
            populations,
            tuple(connections),
            header["steps"],
            checked_provenance(header["provenance"]),
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: not a legal FloatNetwork ({shown(error)}). Write it again.") from error


_ALWAYS_STORED = ("threshold", "voltage_keep", "current_keep", "bias", "reset_value", "initial_value")
_POPULATION_ARRAYS = (*_ALWAYS_STORED, *adaptive_threshold.ARRAYS)
_NORM_ARRAYS = ("mean", "variance", "gain", "shift")


def _stored(population: FloatPopulation) -> tuple[str, ...]:
    """Return the names of the arrays that a file has of `population`."""
    return _POPULATION_ARRAYS if population.adapts else _ALWAYS_STORED


def _arrays_of(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of the population `name` of a file."""
    adapts = any(f"{name}/{n}" in arrays for n in adaptive_threshold.ARRAYS)
    return {n: arrays[f"{name}/{n}"] for n in (_POPULATION_ARRAYS if adapts else _ALWAYS_STORED)}


def _require_finite(where: str, what: str, values: np.ndarray) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise UserError(
            f"{where}: {what}{list(index)} is {values[index]} ({len(bad)} such values); every value must be finite. "
            "The training diverged or the file was changed: train again, with a smaller learning rate."
        )
