"""to_integer_network: all passes in order, from a trained FloatNetwork to an IntegerNetwork."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import get_args

from snn_deploy.export.chip.check_on_chip import require_on_chip
from snn_deploy.export.chip.neurons import ANY_NEURONS, chip_neurons
from snn_deploy.export.passes.absorb_average_pool import ABSORB_AVERAGE_POOL
from snn_deploy.export.passes.absorb_input_scale import ABSORB_INPUT_SCALE
from snn_deploy.export.passes.even_thresholds import EVEN_OUT_THRESHOLDS
from snn_deploy.export.passes.fold_td_batch_norm import FOLD_TD_BATCH_NORM
from snn_deploy.export.passes.graph_pass import apply
from snn_deploy.export.passes.place_shift import PLACE_SHIFT, Shift, require_no_shift
from snn_deploy.export.passes.quantize import quantize
from snn_deploy.export.passes.round_decays import round_decays
from snn_deploy.export.proof.prove_bounds import Bounds, prove_bounds
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.largest_states import LargestStates
from snn_deploy.network.state_units import STATE_UNIT
from snn_deploy.network.value_reading import KEY, reading_of
from snn_deploy.rounding.fit import Fit
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class Export:
    """An integer network, and per population how its integers were found and the bounds that were proved.

    folded: the network in floats that the integers were made of, None where it came in integers; then there are no
    fits. rounded_decays: population -> the largest change. largest_states: population -> what was measured, in the unit
    of `folded`; None where the scales keep to the proved bounds.
    """

    network: IntegerNetwork
    fits: dict[str, Fit]
    bounds: dict[str, Bounds]
    folded: FloatNetwork | None
    rounded_decays: dict[str, float] = field(default_factory=dict)
    largest_states: Mapping[str, LargestStates] | None = None


@dataclass(frozen=True)
class Measured:
    """Scales that keep what was measured on samples within a chip's bits, where proved bounds would keep every input.

    of: gives population -> its largest states on the samples, of the folded network that it is handed; export runs no
    networks. margin: how many times those must fit. samples: how many; where: what they are, for the file's record.
    """

    of: Callable[[FloatNetwork], Mapping[str, LargestStates]]
    margin: float
    samples: int
    where: str


@dataclass(frozen=True)
class ExportOptions:
    """How a network becomes integers where there is a choice.

    shift: what becomes of norms' shifts (place_shift.py): refused; a bias, as a population's own biases are; or moved,
    those too, into thresholds and reset values. may_round_decays: whether decays may become
    the nearest ones of the chip; otherwise others are refused. chip: that must be able to run it; None is any
    whose neurons are those of integer_semantics.py.
    """

    shift: Shift = "refuse"
    may_round_decays: bool = False
    chip: HardwareProfile | None = None
    measured: Measured | None = None


PLAIN = ExportOptions()
_TOOL = {"tool": f"snn-deploy {version('snn-deploy')}"}
_FOLDING = (FOLD_TD_BATCH_NORM, ABSORB_AVERAGE_POOL, ABSORB_INPUT_SCALE)


def fold(network: FloatNetwork, shift: Shift = "refuse") -> FloatNetwork:
    """Return an equal network of plain weights, sum pooling and whole-number inputs; `shift`: see ExportOptions."""
    for p in network.populations:
        if p.clears_current:
            raise UserError(
                f"population {p.name!r}: a spike clears its current, which no neuron of Lava and of the chips here "
                "does. Train with neuron.forgets = 'potential', which clears the potential alone."
            )
    if shift == "refuse":
        require_no_shift(network)
    elif shift not in get_args(Shift):
        raise UserError(f"shift {shift!r}; allowed are {', '.join(get_args(Shift))}.")
    return apply((*_FOLDING, PLACE_SHIFT) if shift == "reset" else _FOLDING, network)


def to_integer_network(network: FloatNetwork, limits: Limits, options: ExportOptions = PLAIN) -> Export:
    """Return the integer network of `network` within `limits`, or a UserError that names what does not fit."""
    changes: dict[str, float] = {}
    if options.may_round_decays:  # before shifts are placed, because these depend on decays
        network, changes = round_decays(network, ANY_NEURONS if options.chip is None else chip_neurons(options.chip))
    folded = fold(network, options.shift)
    if not limits.per_channel:
        folded = apply((EVEN_OUT_THRESHOLDS,), folded)
    measured, largest, wanted = options.measured, None, None
    if measured is not None:
        _require_margin(measured.margin)
        _require_whole_states(limits)
        largest = measured.of(folded)
        wanted = {name: states.largest * measured.margin for name, states in largest.items()}
    provenance = {
        **network.provenance,
        "export": {
            **({} if options.shift == "refuse" else {"shift": options.shift}),
            **({"rounded_decays": changes} if changes else {}),
            **({"one_exponent_per_population": True} if limits.one_exponent else {}),
            **({"least_bias_exponent": limits.least_bias_exponent} if limits.least_bias_exponent else {}),
            **({} if options.chip is None else {"chip": options.chip.name}),
            **_TOOL,
            "weight_bits": limits.weight_bits,
            "thresholds": "per_channel" if limits.per_channel else "scalar",
            **({} if measured is None else {"states": _record(measured)}),
        },
    }
    integer, fits = quantize(folded, limits, provenance, wanted)
    reading = reading_of(network)
    if reading is not None:  # the output's potentials are counted in units of the integers from here on
        in_units = reading.in_steps_of(fits[network.output.name].units / STATE_UNIT)
        integer = replace(integer, provenance={**integer.provenance, KEY: in_units.to_dict()})
    if options.chip is not None:
        require_on_chip(integer, options.chip)
    return Export(integer, fits, prove_bounds(integer), folded, changes, largest)


def _record(measured: Measured) -> dict[str, object]:
    return {"from": measured.where, "samples": measured.samples, "margin": float(measured.margin)}


def _require_margin(margin: float) -> None:
    if not 1 <= margin < math.inf:
        raise UserError(f"--margin {margin:g}; allowed is a number from 1: how many times what was measured must fit.")


def _require_whole_states(limits: Limits) -> None:
    if limits.state_bits < Limits.state_bits:
        raise UserError(
            f"--states measured: the chip's states have {limits.state_bits} bits, and beyond them its neurons do not "
            f"do what the integer network does, which has {Limits.state_bits}. Export with --states proved."
        )


def keep_integers(network: IntegerNetwork, chip: HardwareProfile) -> Export:
    """Return a network that came in integers, unchanged, for `chip`; a UserError names what the chip cannot do."""
    require_on_chip(network, chip)
    provenance = {**network.provenance, "export": {"chip": chip.name, **_TOOL}}
    return Export(replace(network, provenance=provenance), {}, prove_bounds(network), None)
