"""read_net: lava-dl's exchange file (HDF5, .net) as an IntegerNetwork: its weights are integers already.

The file is a chain of layers. What a layer's fields mean: lava_dl/layers.py. Recurrent weights arrive one step after
the spike, as in lava-dl's RecurrentDense. Delays of a dense layer are those of lava-dl's reader, of the synapses that
arrive; each different delay becomes a connection.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.interchange.lava_dl.as_stated import stated_connections, stated_populations
from snn_deploy.interchange.lava_dl.layers import Layer, Neurons, layer_type
from snn_deploy.interchange.lava_dl.reading import NetReading
from snn_deploy.interchange.load_hdf5 import Kind, load_hdf5
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.net_format import LARGEST_DELAY
from snn_deploy.network.net_statement import damaged, read_statement
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_THRESHOLD
from snn_deploy.support.require_file import as_utf8
from snn_deploy.support.user_error import UserError

_FILE = Kind("file of lava-dl (.net)", "/", "net.export_hdf5")
_MOST_GROUPS = 4096  # of an average, the classes
_NOT_TAKEN = {
    "convT": "transposed convolutions",
    "unpool": "unpooling",
    "concat": "concatenations",
    "dense_comp": "complex weights",
}


def read_net(path: str | Path, reading: NetReading | None = None) -> IntegerNetwork:
    """Return the network that lava-dl wrote to `path` with export_hdf5, or snn-deploy export to network.net.

    Parameters
    ----------
    path
        An HDF5 file with layers of the types input, conv, pool, dense, dense_rec, flatten and average, with neurons of
        the types CUBA and LOIHI.
    reading
        Steps and input, where the file does not say them; see NetReading.

    Raises
    ------
    UserError
        Names the layer that cannot be taken and why, or what must be stated.

    Notes
    -----
    A last layer with the largest threshold, 131071, and without voltage decay only integrates. The input neurons of a
    file, if any, take whole numbers: what lava-dl's in_layer.transform makes of a frame.
    """
    file, reading = load_hdf5(Path(path), _FILE), reading or NetReading()
    layers = _layers(Path(path), file)
    builder = _Builder(str(path), reading)
    for layer in layers:
        with _naming(layer.where):
            builder.add(layer)
    with _naming(str(path)):
        return builder.network(file, reading)


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Put `where` before an error that does not begin with it: what the network's own classes refuse."""
    try:
        yield
    except UserError as error:
        if str(error).startswith(where):
            raise
        raise UserError(f"{where}: {error}") from error


def _layers(path: Path, file: Mapping[str, Any]) -> list[Layer]:
    """Return the layers in order; the first is the input."""
    group = file.get("layer")
    if not isinstance(group, Mapping) or not group:
        raise UserError(f"{path}: it has no group 'layer' with layers. Give a file that lava-dl's export_hdf5 wrote.")
    found = []
    for i in range(len(group)):
        fields = group.get(str(i))
        if not isinstance(fields, Mapping):
            raise UserError(f"{path}: {len(group)} layers, and none is {i}. Its layers have the names 0, 1, 2, ...")
        kind = layer_type(f"{path}, layer {i}", fields)
        found.append(Layer(f"{path}, layer {i} ({kind})", kind, fields))
    if found[0].type != "input" or "shape" not in found[0].fields:
        raise UserError(
            f"{path}: the first layer is no input with a shape. Add slayer.block.cuba.Input and export again."
        )
    return found


class _Builder:
    """The network, layer by layer. source, shape: what the next layer hears."""

    def __init__(self, where: str, reading: NetReading) -> None:
        self.where, self.reading = where, reading
        self.populations: list[IntegerPopulation] = []
        self.connections: list[IntegerConnection] = []
        self.source, self.is_flat = "input", False
        self.shape: tuple[int, ...] = ()
        self.input_shape: tuple[int, ...] = ()
        self.has_input_neurons = False
        self.never_fires: list[bool] = []
        self.counts: dict[str, int] = {}

    def add(self, layer: Layer) -> None:
        """Add one layer."""
        adders: Mapping[str, Callable[[Layer], None]] = {
            "input": self._input,
            "conv": self._conv,
            "pool": self._conv,
            "dense": self._dense,
            "dense_rec": self._dense,
            "flatten": self._flatten,
            "average": self._average,
        }
        if layer.type not in adders:
            what = _NOT_TAKEN.get(layer.type, f"layers of the type {layer.type!r}")
            raise layer.refused(f"{what} are not taken; taken are {', '.join(adders)}")
        if "weight" in layer.fields and isinstance(layer.fields["weight"], Mapping):
            raise layer.refused("complex weights are not taken")
        adders[layer.type](layer)

    def network(self, file: Mapping[str, Any], reading: NetReading) -> IntegerNetwork:
        """Return all of it, with the names and steps of the file's statement where it has one."""
        if not self.populations:
            raise UserError(f"{self.where}: it has no layer with neurons. Give a file with dense or conv layers.")
        stated = read_statement(self.where, file, len(self.populations))
        steps = reading.steps or (stated.steps if stated else _sample_steps(file))
        if steps is None:
            raise UserError(f"{self.where}: it does not say how many steps a sample has. Give --steps N.")
        largest = reading.largest_value or (stated.largest_value if stated else 255 if self.has_input_neurons else 1)
        name = "input"
        populations = (*self.populations[:-1], _output(self.populations[-1], self.never_fires[-1]))
        connections = tuple(self.connections)
        if stated:
            name = stated.input
            try:
                connections = stated_connections(connections, self.populations, self.input_shape, stated)
                populations = stated_populations(self.populations, self.never_fires, stated)
            except (ValueError, KeyError, TypeError) as error:
                raise damaged(self.where, error) from error
        return IntegerNetwork(
            IntegerInput(name, self.input_shape, largest),
            populations,
            connections,
            steps,
            {"net": {"file": as_utf8(Path(self.where).name), "input_neurons": self.has_input_neurons}},
        )

    def _input(self, layer: Layer) -> None:
        if self.input_shape:
            raise layer.refused("a second input; taken is a chain of layers behind one")
        shape = layer.shape()
        has_neurons = "neuron" in layer.fields and self.reading.input_neurons
        # A vector with neurons is a map of single positions, so that each of them hears its own number alone.
        self.input_shape = self.shape = (
            shape if len(shape) == 3 else (int(np.prod(shape)), *((1, 1) if has_neurons else ()))
        )
        if not has_neurons:
            return
        self.has_input_neurons = True
        channels = self.shape[0]
        part = (np.ones((channels, 1, 1, 1), np.int64), 0, 0)
        bias = np.zeros(channels, np.int64)
        self._append("input_neurons", self.shape, layer.neurons(channels), bias, [part], {"groups": channels})

    def _conv(self, layer: Layer) -> None:
        """Add a convolution, or pooling: a sum with one kernel for every channel by itself."""
        if len(self.shape) != 3 or self.is_flat:
            raise layer.refused(f"a layer of maps behind {self.shape}, which is no map")
        if layer.has_delays():
            raise layer.refused("delays of a layer of maps, which lava-dl's own reader leaves out")
        shape = layer.shape()
        neurons = layer.neurons(shape[0])
        weights, exponent = layer.weights("weight", neurons.exponent)
        kernel = weights[..., 0] if weights.ndim == 5 and weights.shape[4] == 1 else weights
        if kernel.ndim != 4:
            raise layer.refused(f"a kernel of the shape {kernel.shape}; taken is (out, in, height, width)")
        groups = int(layer.whole("groups", 1).ravel()[0])
        if layer.type == "pool":
            if kernel.shape[:2] != (1, 1):
                raise layer.refused(f"a pooling kernel of the shape {kernel.shape}; taken is (1, 1, height, width)")
            groups = self.shape[0]
            kernel = np.repeat(kernel, groups, axis=0)
        if len(kernel) != shape[0]:
            raise layer.refused(f"kernels of {len(kernel)} channels for the shape {shape}")
        geometry = {name: layer.pair(name, default) for name, default in _GEOMETRY.items()}
        bias = layer.bias(shape[0], int(np.prod(shape)))
        self._append(
            self._name(layer.type), shape, neurons, bias, [(kernel, exponent, 0)], {**geometry, "groups": groups}
        )

    def _dense(self, layer: Layer) -> None:
        if len(self.shape) == 3 and not self.is_flat and self.shape[1:] != (1, 1):
            raise layer.refused(f"a dense layer on the map {self.shape}; lava-dl has a flatten layer between them")
        count, heard = int(np.prod(layer.shape())), int(np.prod(self.shape))
        neurons = layer.neurons(count)
        if layer.type == "dense_rec" and layer.has_delays():
            raise layer.refused(
                "delays of a recurrent layer, which lava-dl's reader gives to its recurrent weights, and its layers not"
            )
        weights, exponent = layer.weights("weight", neurons.exponent)
        if weights.size != count * heard:
            raise layer.refused(f"{weights.size} weights from {heard} to {count} neurons")
        parts = _parts_by_delay(layer, weights.reshape(count, heard), exponent)
        name = self._name("dense")
        self._append(name, (count,), neurons, layer.bias(count, count), parts, {})
        if layer.type == "dense_rec":
            again, exponent = layer.weights("weight_rec", neurons.exponent)
            if again.size != count**2:
                raise layer.refused(f"{again.size} recurrent weights of {count} neurons")
            loop = IntegerConnection(f"{name}-loop", name, name, again.reshape(count, count), exponent, delay=1)
            self.connections.append(loop)

    def _flatten(self, layer: Layer) -> None:
        self.is_flat = True

    def _average(self, layer: Layer) -> None:
        """Add sums over equal groups of neighbouring neurons: an average up to a factor, so classes stay."""
        groups, heard = int(np.prod(layer.shape())), int(np.prod(self.shape))
        if heard % groups or groups > _MOST_GROUPS:
            raise layer.refused(f"an average of {heard} neurons in {groups} groups")
        weights = np.kron(np.eye(groups, dtype=np.int64), np.ones((1, heard // groups), np.int64))
        everything, nothing = np.full(groups, DECAY_UNITY), np.zeros(groups, np.int64)
        sums = Neurons(np.full(groups, LARGEST_THRESHOLD), everything, nothing, never_fires=True)
        self._append(self._name("average"), (groups,), sums, np.zeros(groups, np.int64), [(weights, 0, 0)], {})

    def _append(
        self,
        name: str,
        shape: tuple[int, ...],
        neurons: Neurons,
        bias: np.ndarray,
        parts: list[tuple[np.ndarray, int, int]],
        options: Mapping[str, Any],
    ) -> None:
        """Append a population and a connection for each of `parts`: (weights, exponent, delay)."""
        n = neurons
        self.populations.append(IntegerPopulation(name, shape, n.threshold, n.voltage_keep, n.current_keep, bias))
        self.never_fires.append(n.never_fires)
        for i, (weights, exponent, delay) in enumerate(parts):
            title = f"{self.source}-{name}" + (f".{i}" if i else "")
            self.connections.append(
                IntegerConnection(title, self.source, name, weights, exponent, delay=delay, **options)
            )
        self.source, self.shape, self.is_flat = name, shape, False

    def _name(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}{self.counts[kind]}"


_GEOMETRY = {"stride": 1, "padding": 0, "dilation": 1}


def _parts_by_delay(layer: Layer, weights: np.ndarray, exponent: int) -> list[tuple[np.ndarray, int, int]]:
    """Return (weights, exponent, delay) of each delay that occurs; lava/lib/dl/netx/hdf5.py, create_dense."""
    if "delay" not in layer.fields:
        return [(weights, exponent, 0)]
    delays = np.floor(np.asarray(layer.fields["delay"], np.float64))
    outputs, inputs = weights.shape
    if delays.size == outputs:  # lava-dl looks at this first
        delays = np.broadcast_to(delays.reshape(outputs, 1), weights.shape)
    elif delays.size in (1, inputs):
        delays = np.broadcast_to(delays.reshape(1, -1), weights.shape)
    elif delays.size == weights.size:
        delays = delays.reshape(weights.shape)
    else:
        raise layer.refused(f"{delays.size} delays of {inputs} inputs and {outputs} neurons")
    if not ((delays >= 0) & (delays <= LARGEST_DELAY)).all():
        raise layer.refused(f"delays {delays.min():g}..{delays.max():g}; taken are 0 to {LARGEST_DELAY} steps")
    return [(np.where(delays == delay, weights, 0), exponent, int(delay)) for delay in np.unique(delays)]


def _sample_steps(file: Mapping[str, Any]) -> int | None:
    """Return the steps of a sample that lava-dl wrote, None where it did not."""
    simulation = file.get("simulation")
    steps = simulation.get("tSample") if isinstance(simulation, Mapping) else None
    return int(steps) if isinstance(steps, np.integer | int) and int(steps) >= 1 else None


def _output(last: IntegerPopulation, never_fires: bool) -> IntegerPopulation:
    """Return the last population, which integrates where it cannot fire, or has the largest threshold and no decay."""
    integrates = (last.threshold >= LARGEST_THRESHOLD).all() and (last.voltage_keep == DECAY_UNITY).all()
    return replace(last, fires=False) if never_fires or integrates else last
