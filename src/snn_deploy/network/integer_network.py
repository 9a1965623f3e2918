"""IntegerNetwork: what the exporter makes and every backend runs. What its integers mean: integer_semantics.py.

The numbers are those of Loihi and of Lava's fixed-point LIF: 8-bit weights, thresholds as 17-bit mantissas
that count 2^6 units of the state, decays in 1/4096, states in 24 bits. Nothing here knows a backend.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.network import adaptive_threshold
from snn_deploy.network.adaptive_threshold import LARGEST_KEEP, require_bounded, where_adapting
from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.field_check import is_whole, per_channel, require_arrays, require_flag, require_shape, shown
from snn_deploy.network.graph_check import check_graph
from snn_deploy.network.neuron_reset import Reset, check_reset, nothing
from snn_deploy.network.provenance import checked_provenance
from snn_deploy.network.short_name import short_name
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_STATE, LARGEST_THRESHOLD
from snn_deploy.support.array_file import (
    array_file_bytes,
    content_digest,
    plain_fields,
    read_array_file,
    restored_fields,
)
from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.read_only import read_only
from snn_deploy.support.user_error import UserError

KIND, VERSION = "snn-deploy IntegerNetwork", 2
VERSION_WITH_ADAPTATION = 3  # of files with adaptive thresholds, which a reader of version 2 would leave out


@dataclass(frozen=True)
class IntegerInput:
    """Where samples enter: integers 0..largest_value; 255 for uint8 pixels, 1 for spikes."""

    name: str
    shape: tuple[int, ...]
    largest_value: int = 255

    def __post_init__(self) -> None:
        require_shape(self.name, self.shape)
        if not is_whole(self.largest_value, 1, 255):
            raise UserError(f"input {shown(self.name)}: largest value {shown(self.largest_value)}; allowed is 1..255.")


@dataclass(frozen=True)
class IntegerPopulation:
    """Neurons of one layer; every parameter is per channel, shape (channels,), the first axis of `shape`.

    threshold: fires when the potential is strictly above threshold * 2^6; ignored when it never fires.
    voltage_keep, current_keep: what one step leaves of the state, in 1/4096; 0 is no memory, 4096 no decay.
    bias: added to the potential in every step, in state units.
    fires: False for an output that only accumulates; it has no use for threshold, reset and reset_value.
    reset: what a spike does to the potential: "value" sets it to reset_value, "subtract" takes threshold * 2^6 off,
    and then reset_value is 0. reset_value: in state units, 24 bits. initial_value: the potential before the first
    step, in state units, 24 bits; it decays in that step like any other.
    threshold_step: by how much each spike raises the neuron's own threshold, in state units, 0 or more. threshold_keep:
    what one step leaves of that rise, in 1/4096; 0 where threshold_step is. See adaptive_threshold.py.
    """

    name: str
    shape: tuple[int, ...]
    threshold: np.ndarray
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    bias: np.ndarray
    fires: bool = True
    reset: Reset = "value"
    reset_value: np.ndarray = field(default_factory=nothing)
    initial_value: np.ndarray = field(default_factory=nothing)
    threshold_step: np.ndarray = field(default_factory=nothing)
    threshold_keep: np.ndarray = field(default_factory=nothing)

    def __post_init__(self) -> None:
        where = f"population {shown(self.name)}"
        require_shape(self.name, self.shape)
        require_flag(where, "fires", self.fires)
        for name, (least, most) in _POPULATION_LIMITS.items():
            values = _whole_numbers(where, name, getattr(self, name), least, most)
            values = per_channel(where, name, values, self.shape[0])
            object.__setattr__(self, name, read_only(values, np.int32))
        check_reset(where, self.reset, self.reset_value)
        adaptation = where_adapting(self.threshold_step, self.threshold_keep, fires=self.fires)
        require_bounded(where, *adaptation)
        for name, values in zip(adaptive_threshold.ARRAYS, adaptation, strict=True):
            object.__setattr__(self, name, read_only(values, np.int32))

    @property
    def adapts(self) -> bool:
        """Whether a spike raises the threshold of some neuron."""
        return bool(self.threshold_step.any())


@dataclass(frozen=True)
class IntegerConnection:
    """Synapses from one population to another; a spike of value s adds s * weight * 2^exponent to the current.

    weights: (out, in / groups, height, width) of a convolution (cross-correlation, as in PyTorch) or (out, in) of a
    dense connection, which reads its source flattened in the order channels, height, width. int8, or int16 where
    that does not hold them: weights that share one sign go to 255 (Loihi's sign modes, Lava utils/weightutils.py).
    pool: the source is first summed over windows of this size; (1, 1) is none.
    delay: steps between a spike and its arrival; 0 needs a source that comes before the target.
    """

    name: str
    source: str
    target: str
    weights: np.ndarray
    exponent: int = 0
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    pool: Pair = (1, 1)
    delay: int = 0

    def __post_init__(self) -> None:
        where = f"connection {shown(self.name)}"
        weights = _whole_numbers(where, "weights", self.weights, -255, 255)
        is_int8 = not weights.size or (weights.min() >= -128 and weights.max() <= 127)
        if not is_int8 and weights.min() < 0 < weights.max():
            raise UserError(
                f"{where}: weights {weights.min()}..{weights.max()}; allowed are -128..127, and where all share one "
                "sign -255..0 or 0..255."
            )
        object.__setattr__(self, "weights", read_only(weights, np.int8 if is_int8 else np.int16))
        if not is_whole(self.exponent, 0, 7):
            raise UserError(f"{where}: exponent {shown(self.exponent)}; allowed is 0..7.")

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """The shape of the weights."""
        return self.weights.shape


@dataclass(frozen=True, repr=False)
class IntegerNetwork:
    """A spiking network in integers. Populations stand in the order in which a step evaluates them."""

    input: IntegerInput
    populations: tuple[IntegerPopulation, ...]
    connections: tuple[IntegerConnection, ...]
    steps: int
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_graph(self.input, self.populations, self.connections, self.steps)

    def __repr__(self) -> str:
        weights = sum(c.weights.size for c in self.connections)
        return short_name("IntegerNetwork", self.input, self.populations, weights, self.steps)

    @property
    def output(self) -> IntegerPopulation:
        """The last population: what a sample's class is read from."""
        return self.populations[-1]

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Return the shape of the input or population `name`."""
        shapes = {p.name: p.shape for p in self.populations} | {self.input.name: self.input.shape}
        return shapes[name]

    def connections_to(self, name: str) -> tuple[IntegerConnection, ...]:
        """Return the connections that end at the population `name`."""
        return tuple(c for c in self.connections if c.target == name)

    @property
    def density(self) -> float:
        """The share of its weights that is not 0."""
        weights = [c.weights for c in self.connections]
        return float(sum(map(np.count_nonzero, weights)) / sum(w.size for w in weights))

    @property
    def digest(self) -> str:
        """The SHA-256 of everything the network is: two networks with one digest behave alike."""
        return content_digest(*_header_and_arrays(self))


def write_integer_network(network: IntegerNetwork, path: Path) -> None:
    """Write `network` to `path`; see integer_network_bytes."""
    write_bytes(path, integer_network_bytes(network))


def integer_network_bytes(network: IntegerNetwork) -> bytes:
    """Return the bytes of the network's file (.npz, no pickle, the same bytes for the same network)."""
    version = VERSION_WITH_ADAPTATION if any(p.adapts for p in network.populations) else VERSION
    return array_file_bytes(KIND, version, *_header_and_arrays(network))


def read_integer_network(path: Path) -> IntegerNetwork:
    """Return the network that `write_integer_network` wrote; a damaged or foreign file is a UserError."""
    header, arrays = read_array_file(path, KIND, VERSION, VERSION_WITH_ADAPTATION)
    try:
        for p in header["populations"]:
            require_shape(p["name"], tuple(p["shape"]))
            require_arrays(arrays, f"{p['name']}/", p["shape"][0])
        return IntegerNetwork(
            IntegerInput(**restored_fields(header["input"])),
            tuple(
                IntegerPopulation(**restored_fields(p, **_arrays_of(p["name"], arrays))) for p in header["populations"]
            ),
            tuple(
                IntegerConnection(**restored_fields(c, weights=arrays[f"{c['name']}/weights"]))
                for c in header["connections"]
            ),
            header["steps"],
            checked_provenance(header["provenance"]),
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: not a legal IntegerNetwork ({shown(error)}). Export it again.") from error


_STATE = (-LARGEST_STATE, LARGEST_STATE)
_POPULATION_LIMITS = {
    "threshold": (0, LARGEST_THRESHOLD),
    "voltage_keep": (0, DECAY_UNITY),
    "current_keep": (0, DECAY_UNITY),
    "bias": _STATE,
    "reset_value": _STATE,
    "initial_value": _STATE,
    "threshold_step": (0, LARGEST_STATE),
    "threshold_keep": (0, LARGEST_KEEP),
}
_ALWAYS_STORED = tuple(name for name in _POPULATION_LIMITS if name not in adaptive_threshold.ARRAYS)


def _stored(population: IntegerPopulation) -> tuple[str, ...]:
    """Return the names of the arrays that a file has of `population`."""
    return tuple(_POPULATION_LIMITS) if population.adapts else _ALWAYS_STORED


def _arrays_of(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of the population `name` of a file."""
    adapts = any(f"{name}/{n}" in arrays for n in adaptive_threshold.ARRAYS)
    return {n: arrays[f"{name}/{n}"] for n in (_POPULATION_LIMITS if adapts else _ALWAYS_STORED)}


def _header_and_arrays(network: IntegerNetwork) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    arrays = {f"{p.name}/{n}": getattr(p, n) for p in network.populations for n in _stored(p)}
    arrays |= {f"{c.name}/weights": c.weights for c in network.connections}
    header = {
        "input": plain_fields(network.input),
        "populations": [plain_fields(p) for p in network.populations],
        "connections": [plain_fields(c) for c in network.connections],
        "steps": network.steps,
        "provenance": dict(network.provenance),
    }
    return header, arrays


def _whole_numbers(where: str, what: str, values: Any, least: int, most: int) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "iubf":
        raise UserError(f"{where}: {what} of type {values.dtype}; allowed are whole numbers.")
    if values.dtype.kind not in "iub" and not (np.isfinite(values).all() and (values == np.floor(values)).all()):
        raise UserError(f"{where}: {what} holds values that are no whole numbers. Quantize it first.")
    if values.size and (values.min() < least or values.max() > most):
        raise UserError(f"{where}: {what} {values.min()}..{values.max()}; allowed is {least}..{most}.")
    return values
