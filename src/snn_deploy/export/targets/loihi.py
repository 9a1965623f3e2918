"""loihi: a network as lava-dl's exchange file (HDF5), which lava.lib.dl.netx.hdf5.Network loads.

Written are the fields that lava-dl 0.6.0 reads (lava/lib/dl/netx/hdf5.py). Its root attributes and the group
snn_deploy, which lava-dl does not look at, say which network the file is, with its steps and names. Two writes of one
network give the same bytes.
"""

from pathlib import Path

import h5py
import numpy as np

from snn_deploy.network.expand_pooling import expand_pooling, pooling_expands
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.net_statement import GROUP, Statement
from snn_deploy.network.state_units import DECAY_UNITY, NEVER_FIRES, STATE_SHIFT
from snn_deploy.support.atomic_file import atomic_path
from snn_deploy.support.user_error import UserError

FILE = "network.net"
FORMAT = "snn-deploy netx"
FORMAT_ATTRIBUTE, NETWORK_ATTRIBUTE = "format", "network_sha256"

_LARGEST_BIAS = 2**12 - 1  # mantissas of 13 bits (Lava lif/models.py); lava-dl sets their exponent to 6
_INSTEAD = "Run it with --backend lava, which holds it."


def write(network: IntegerNetwork, path: Path) -> None:
    """Write `network` to `path`; what the format cannot hold is a UserError that names the object."""
    layers = netx_layers(network)
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver=("earliest", "v110")) as file:
        file.attrs[FORMAT_ATTRIBUTE] = FORMAT
        file.attrs[NETWORK_ATTRIBUTE] = network.digest
        file.create_dataset(f"{GROUP}/statement", data=np.bytes_(_statement(network).to_json()), track_times=False)
        for i, layer in enumerate(layers):
            for name, value in layer.items():
                stored = np.bytes_(value) if isinstance(value, str) else np.asarray(value)
                file.create_dataset(f"layer/{i}/{name}", data=stored, track_times=False)


def _statement(network: IntegerNetwork) -> Statement:
    """Return what lava-dl has no place for, so that read_net gives the same network back."""
    return Statement(
        network.steps,
        network.input.largest_value,
        network.input.name,
        tuple(p.name for p in network.populations),
        tuple(network.connections_to(p.name)[0].name for p in network.populations),
        () if network.output.fires else tuple(network.output.threshold.tolist()),
    )


def netx_layers(network: IntegerNetwork) -> list[dict[str, str | int | np.ndarray]]:
    """Return the layers as lava-dl names and reads them: field -> value, in the file's order."""
    layers: list[dict[str, str | int | np.ndarray]] = [{"type": "input", "shape": np.array(network.input.shape)}]
    shape, source = network.input.shape, network.input.name
    for population in network.populations:
        arriving = network.connections_to(population.name)
        if len(arriving) != 1 or arriving[0].source != source or arriving[0].delay:
            raise _refusal(_misfit(arriving, source))
        connection = _plain(arriving[0], shape)
        if connection.weights.ndim == 2 and len(shape) == 3:
            layers.append({"type": "flatten"})
        layers.append(_synapses(connection, population) | _neuron(population))
        shape, source = population.shape, population.name
    return layers


def _misfit(arriving: tuple[IntegerConnection, ...], source: str) -> str:
    """Return what makes these connections no link of a chain."""
    odd = next(c for c in arriving if c.source != source or c.delay or (len(arriving) > 1 and c is not arriving[0]))
    if odd.delay:
        return f"connection {odd.name!r} with a delay of {odd.delay} steps"
    return f"connection {odd.name!r} from {odd.source!r} to {odd.target!r}, which makes the network more than a chain"


def _plain(connection: IntegerConnection, source_shape: tuple[int, ...]) -> IntegerConnection:
    """Return the connection without pooling and with its exponent inside the weights."""
    where = f"connection {connection.name!r}"
    if not pooling_expands(connection, source_shape):
        raise _refusal(f"{where}, whose padding reaches where its pooling leaves a remainder")
    weights = connection.weights.astype(np.int64) << connection.exponent
    if weights.min() < -128 or weights.max() > 127:
        raise _refusal(f"{where} with weights {weights.min()}..{weights.max()} (allowed are -128..127)")
    if weights.ndim == 2 and not (weights.min() < 0 < weights.max()) and not _one_sign_survives(weights):
        raise _refusal(f"{where}, whose weights {weights.min()}..{weights.max()} lava-dl's scaling would change")
    expanded = expand_pooling(connection, source_shape)
    return IntegerConnection(
        connection.name,
        connection.source,
        connection.target,
        expanded.weights.astype(np.int64) << connection.exponent,
        stride=expanded.stride,
        padding=expanded.padding,
        dilation=expanded.dilation,
        groups=expanded.groups,
    )


def _one_sign_survives(weights: np.ndarray) -> bool:
    """Whether dense weights that are all >= 0 or all <= 0 come through lava-dl's scaling unchanged.

    All zero, its logarithm overflows (netx/utils.py, optimize_weight_bits). Without a positive weight it scales
    the least one up to -256 when that is a power of two, and Dense clips that to -255 (weightutils.py).
    """
    least = int(weights.min())
    return bool(weights.any()) and (least >= 0 or -least & (-least - 1) != 0)


def _synapses(connection: IntegerConnection, population: IntegerPopulation) -> dict[str, str | int | np.ndarray]:
    shared: dict[str, str | int | np.ndarray] = {
        "shape": np.array(population.shape),
        "weight": connection.weights,
    }
    if connection.weights.ndim == 2:
        return {"type": "dense"} | shared
    return (
        {"type": "conv"}
        | shared
        | {
            "stride": np.array(connection.stride),
            "padding": np.array(connection.padding),
            "dilation": np.array(connection.dilation),
            "groups": connection.groups,
        }
    )


def _neuron(population: IntegerPopulation) -> dict[str, str | int | np.ndarray]:
    _require_plain_reset(population)
    fields: dict[str, str | int | np.ndarray] = {
        "neuron/type": "CUBA",
        "neuron/iDecay": DECAY_UNITY - _one(population, "current_keep"),
        "neuron/vDecay": DECAY_UNITY - _one(population, "voltage_keep"),
        "neuron/vThMant": _one(population, "threshold") if population.fires else NEVER_FIRES,
    }
    bias = population.bias
    if bias.any():
        if (bias % 2**STATE_SHIFT).any() or abs(bias >> STATE_SHIFT).max() > _LARGEST_BIAS:
            raise _refusal(
                f"population {population.name!r} with the bias {bias.min()}..{bias.max()} (allowed are multiples of "
                f"{2**STATE_SHIFT} up to {_LARGEST_BIAS << STATE_SHIFT})"
            )
        fields["bias"] = bias >> STATE_SHIFT
    return fields


def _require_plain_reset(population: IntegerPopulation) -> None:
    """Raise UserError where the states start or go on otherwise than lava-dl's CUBA neuron, from 0 and to 0."""
    where = f"population {population.name!r}"
    if population.initial_value.any():
        raise _refusal(f"{where} with an initial value (allowed is 0)")
    if population.fires and population.reset == "subtract":
        raise _refusal(f"{where} with a soft reset, which takes the threshold off (allowed is a reset to 0)")
    if population.fires and population.reset_value.any():
        raise _refusal(f"{where} with a reset value other than 0 (allowed is a reset to 0)")


def _one(population: IntegerPopulation, name: str) -> int:
    values = getattr(population, name)
    if len(np.unique(values)) > 1:
        raise _refusal(f"population {population.name!r} with a {name} for every channel (allowed is one for all)")
    return int(values[0])


def _refusal(what: str) -> UserError:
    return UserError(f"netx cannot hold {what}. {_INSTEAD}")
