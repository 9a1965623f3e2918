"""layers: one layer of a .net file, checked field by field, in integers.

What fields mean is what lava-dl's reader makes of them (lava/lib/dl/netx/hdf5.py): a step leaves 4096 - vDecay and
4096 - iDecay of the states, in 1/4096; vThMant, weights and biases count 64 state units; a bias reaches the potential
in every step. Decays and thresholds are one number, or one for each channel.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn_deploy.network.net_format import BIAS_UNIT
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_THRESHOLD, NEVER_FIRES
from snn_deploy.support.user_error import UserError

_NEURONS = ("CUBA", "LOIHI")
# Of a layer without one, lava-dl's reader makes a neuron that integrates in its current (hdf5.py, create_dense).
_NO_NEURON = {"type": "CUBA", "iDecay": 0, "vDecay": DECAY_UNITY, "vThMant": NEVER_FIRES}
_LARGEST_WEIGHT = 255
_LARGEST_EXPONENT = 7
_MOST_NEURONS = 1 << 24  # of a layer, more than all cores of many chips hold: nothing larger is allocated for a claim

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Neurons:
    """What the neurons of a layer are: (channels,) each.

    never_fires: whether no potential reaches any threshold. exponent: of 2, that the layer's weights are times.
    """

    threshold: np.ndarray
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    never_fires: bool = False
    exponent: int = 0


@dataclass(frozen=True)
class Layer:
    """A layer of the file. where: its place, for errors."""

    where: str
    type: str
    fields: Fields

    def refused(self, what: str, instead: str = "") -> UserError:
        """Return the error that the layer has `what`, which no integer network here can hold."""
        return UserError(f"{self.where}: {what}.{instead and ' ' + instead}")

    def whole(self, name: str, default: int | None = None) -> np.ndarray:
        """Return the numbers of a field, int64; those that are not whole numbers, or too large, are an error."""
        return self._whole(self.fields, name, default)

    def has_delays(self) -> bool:
        """Return whether the layer has a delay other than 0."""
        return "delay" in self.fields and bool(self.whole("delay").any())

    def pair(self, name: str, default: int) -> tuple[int, int]:
        """Return a field of one number or (vertical, horizontal)."""
        values = self.whole(name, default).ravel()
        if values.size not in (1, 2):
            raise self.refused(f"{name} has {values.size} numbers; allowed are one or two")
        return int(values[0]), int(values[-1])

    def shape(self) -> tuple[int, ...]:
        """Return the field `shape`: (channels, height, width), or fewer."""
        values = self.whole("shape").ravel()
        if not 1 <= values.size <= 3 or (values < 1).any():
            raise self.refused(f"the shape {values.tolist()[:5]}; allowed are one to three numbers from 1")
        if math.prod(map(int, values)) > _MOST_NEURONS:
            raise self.refused(f"the shape {values.tolist()}; taken are up to {_MOST_NEURONS} neurons")
        return tuple(int(n) for n in values)

    def neurons(self, channels: int) -> Neurons:
        """Return the neurons of the layer."""
        fields = self.fields.get("neuron", _NO_NEURON)
        if not isinstance(fields, Mapping):
            raise self.refused("its neuron is no group of fields")
        kind = _text(fields.get("type"))
        if kind not in _NEURONS:
            raise self.refused(
                f"neurons of type {kind!r}; taken are {' and '.join(_NEURONS)}",
                "Sigma-delta and resonate-and-fire neurons have states that no integer network here holds.",
            )
        for name, allowed in (("refDelay", 1), ("gradedSpike", 0), ("messageBits", 0)):
            found = int(self._whole(fields, name, allowed).ravel()[0])
            if found != allowed:
                raise self.refused(f"neuron/{name} is {found}; taken is {allowed}")
        scale = int(self._whole(fields, "weight_exp", 0).ravel()[0])
        if scale:
            raise self.refused(
                f"neuron/weight_exp is {scale}; taken is 0",
                "lava-dl's own reader leaves this scale of its batch norm out, which changes the network.",
            )
        threshold, voltage_decay, current_decay = (
            self._per_channel(fields, name, channels) for name in ("vThMant", "vDecay", "iDecay")
        )
        return Neurons(
            threshold.clip(max=LARGEST_THRESHOLD),
            DECAY_UNITY - voltage_decay,
            DECAY_UNITY - current_decay,
            bool((threshold >= NEVER_FIRES).all()),
            int(self._whole(fields, "wgtExp", 0).ravel()[0]),
        )

    def bias(self, channels: int, neurons: int) -> np.ndarray:
        """Return the bias of each channel in state units, int64; neurons of a channel that differ are an error."""
        values = self.whole("bias", 0).ravel() * BIAS_UNIT
        if values.size in (1, channels):
            return np.broadcast_to(values, channels)
        if values.size != neurons:
            raise self.refused(f"{values.size} biases for {channels} channels of {neurons} neurons")
        of_channel = values.reshape(channels, -1)
        if (of_channel != of_channel[:, :1]).any():
            raise self.refused("biases that differ within a channel")
        return of_channel[:, 0]

    def weights(self, name: str, exponent: int) -> tuple[np.ndarray, int]:
        """Return (weights, exponent): weights of 8 bits, and the exponent of 2 that they are multiplied with."""
        if name not in self.fields:
            parts = self.fields.get("weight")
            raise self.refused("complex weights" if isinstance(parts, Mapping) else f"no {name}")
        weights = self.whole(name)
        if not 0 <= exponent <= _LARGEST_EXPONENT:
            raise self.refused(f"neuron/wgtExp is {exponent}; taken are 0 to {_LARGEST_EXPONENT}")
        while not _is_held(weights) and exponent < _LARGEST_EXPONENT and not (weights % 2).any():
            weights, exponent = weights // 2, exponent + 1
        if not _is_held(weights):
            raise self.refused(
                f"{name}s {weights.min()}..{weights.max()}; taken are -128..127, those of one sign up to "
                f"{_LARGEST_WEIGHT}, and multiples of these by a power of 2"
            )
        return weights, exponent

    def _per_channel(self, fields: Fields, name: str, channels: int) -> np.ndarray:
        if name not in fields:
            raise self.refused(f"no neuron/{name}")
        values = self._whole(fields, name, None).ravel()
        if values.size not in (1, channels):
            raise self.refused(f"neuron/{name} has {values.size} numbers; taken are one, or one for each channel")
        return np.broadcast_to(values, channels)

    def _whole(self, fields: Fields, name: str, default: int | None) -> np.ndarray:
        if name not in fields and default is None:
            raise self.refused(f"no {name}")
        values = np.asarray(fields.get(name, default))
        if values.dtype.kind not in "biuf" or not values.size:
            raise self.refused(f"{name} holds no numbers")
        if not (np.abs(values.astype(np.float64)) < 2**31).all() or (np.rint(values) != values).any():
            raise self.refused(f"{name} holds numbers that are not whole, or too large", "Quantize it in lava-dl.")
        return np.rint(values).astype(np.int64)


def layer_type(where: str, fields: object) -> str:
    """Return the type of a layer, as the file says it."""
    found = _text(fields.get("type")) if isinstance(fields, Mapping) else None
    if found is None:
        raise UserError(f"{where}: it says no type.")
    return found


def _text(value: object) -> str | None:
    item = value.ravel()[0] if isinstance(value, np.ndarray) and value.size else value
    if isinstance(item, bytes):
        return item.decode("ascii", "replace").rstrip("\0")
    return item if isinstance(item, str) else None


def _is_held(weights: np.ndarray) -> bool:
    least, most = int(weights.min(initial=0)), int(weights.max(initial=0))
    return -128 <= least <= most <= 127 or (not least < 0 < most and max(most, -least) <= _LARGEST_WEIGHT)
