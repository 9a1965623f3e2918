"""synapses: the fields of a layer that hold its weights, geometry and delays."""

import numpy as np

from snn_deploy.export.targets._loihi.chain import Link
from snn_deploy.export.targets._loihi.dense_scaling import shift_of
from snn_deploy.export.targets._loihi.refusal import refused
from snn_deploy.network.expand_pooling import expand_pooling
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.largest_values import largest_sent_value
from snn_deploy.network.lava_sums import misfit_of_convolution

Fields = dict[str, str | int | np.ndarray]

_NAMED = 3  # connections of one layer; a layer with learned delays has one for each of them
_INT32 = 2**31


def synapse_fields(network: IntegerNetwork, link: Link) -> Fields:
    """Return the fields of the link's layer but those of its neurons; weights stand there with their exponents."""
    return _convolution(network, link) if link.forward[0].weights.ndim == 4 else _dense(network, link)


def _convolution(network: IntegerNetwork, link: Link) -> Fields:
    (connection,) = link.forward
    misfit = misfit_of_convolution(network, connection)
    if misfit:
        what, _, why = misfit.partition("; ")
        raise refused(f"connection {connection.name!r}, {what}", why or "lava-dl's reader takes plain convolutions")
    plain = expand_pooling(connection, link.source_shape)
    return {
        "type": "conv",
        "shape": np.array(link.population.shape),
        "weight": _scaled(plain),
        "stride": np.array(plain.stride),
        "padding": np.array(plain.padding),
        "dilation": np.array(plain.dilation),
        "groups": plain.groups,
    }


def _dense(network: IntegerNetwork, link: Link) -> Fields:
    weights, delays = _one_matrix(link)
    fields: Fields = {"type": "dense", "shape": np.array(link.population.shape), "weight": weights}
    if delays.any():
        fields["delay"] = delays
    parts, names = [weights], [repr(c.name) for c in link.forward]
    if link.loop is not None:
        fields |= {"type": "dense_rec", "weight_rec": _scaled(link.loop)}
        parts.append(_scaled(link.loop))
        names.append(repr(link.loop.name))
    others = f" and {len(names) - 1} others" if len(names) > _NAMED else ""
    what = f"connection {names[0] + others if others else ' and '.join(names)}"
    shift = shift_of(parts)
    least, most = min(int(p.min()) for p in parts), max(int(p.max()) for p in parts)
    if shift is None:
        raise refused(
            f"{what}, whose weights {least}..{most} lava-dl's scaling would change",
            "it takes dense weights of both signs from -256 to 254 and of one sign up to 255, but not all of these",
            "Export with --lava-dl",
        )
    largest = largest_sent_value(network.input, link.forward[0].source)
    reached = int(np.abs(weights).sum(axis=1).max()) * largest << shift
    if reached >= _INT32:
        raise refused(f"{what}, whose scaled weights can bring sums of {reached}", f"Lava adds in {_INT32 - 1}")
    return fields


def _one_matrix(link: Link) -> tuple[np.ndarray, np.ndarray]:
    """Return (weights, delays) of all synapses from the layer before, (out, in) each."""
    parts = [(c, _scaled(expand_pooling(c, link.source_shape))) for c in link.forward]
    weights = np.zeros_like(parts[0][1])
    delays = np.full(weights.shape, parts[0][0].delay)
    for c, part in parts:
        twice = (weights != 0) & (part != 0)
        if twice.any():
            out, heard = np.argwhere(twice)[0]
            raise refused(
                f"connection {c.name!r}, through which neuron {out} hears neuron {heard} a second time",
                "lava-dl has one delay for each synapse",
            )
        weights = weights + part
        delays = np.where(part != 0, c.delay, delays)
    return weights, delays


def _scaled(connection: IntegerConnection) -> np.ndarray:
    return connection.weights.astype(np.int64) << connection.exponent
