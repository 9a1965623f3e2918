"""neurons: the fields of a layer that hold its neurons and their biases."""

import numpy as np

from snn_deploy.export.targets._loihi.refusal import refused
from snn_deploy.export.targets._loihi.synapses import Fields
from snn_deploy.network.integer_network import IntegerPopulation
from snn_deploy.network.net_format import BIAS_UNIT, LARGEST_BIAS
from snn_deploy.network.state_units import DECAY_UNITY, NEVER_FIRES


def neuron_fields(population: IntegerPopulation) -> Fields:
    """Return the fields of the population's neurons; what a channel has of its own is an array (channels,)."""
    _require_plain_states(population)
    fields: Fields = {
        "neuron/type": "CUBA",
        "neuron/iDecay": _shared(DECAY_UNITY - population.current_keep),
        "neuron/vDecay": _shared(DECAY_UNITY - population.voltage_keep),
        "neuron/vThMant": _shared(population.threshold) if population.fires else NEVER_FIRES,
    }
    bias = population.bias
    if not bias.any():
        return fields
    what = f"population {population.name!r} with the bias {bias.min()}..{bias.max()}"
    if (bias % BIAS_UNIT).any() or np.abs(bias).max() > LARGEST_BIAS:
        raise refused(
            what,
            f"lava-dl's biases are multiples of {BIAS_UNIT} state units up to {LARGEST_BIAS}",
            "Export with --lava-dl",
        )
    return fields | {"bias": bias // BIAS_UNIT}


def _require_plain_states(population: IntegerPopulation) -> None:
    """Raise UserError where the potential starts or goes on otherwise than that of lava-dl's CUBA neuron.

    Where nothing of a potential is kept, what it is reset to and starts from has no effect.
    """
    p = population
    where = f"population {p.name!r}"
    remembers = p.voltage_keep > 0
    if p.adapts:
        raise refused(
            f"{where} with a threshold that its spikes raise",
            "lava-dl's reader makes one neuron alone, CUBA, whose threshold is constant",
        )
    if p.initial_value[remembers].any():
        raise refused(f"{where} with an initial value", "the neurons that lava-dl's reader makes start from 0")
    if p.fires and p.reset == "subtract" and remembers.any():
        raise refused(
            f"{where} with a soft reset, which takes the threshold off",
            "no neuron that lava-dl's reader makes has one: they are reset to 0",
        )
    if p.fires and p.reset_value[remembers].any():
        raise refused(f"{where} with a reset value other than 0", "lava-dl's neurons are reset to 0")


def _shared(values: np.ndarray) -> int | np.ndarray:
    """Return the one value that all channels have, else the values of the channels."""
    return int(values[0]) if (values == values[0]).all() else values
