"""export: a network in floats becomes integers that a chip holds, and files that other programs open."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.api.export_result import ExportResult
from snn_deploy.api.health import broken_limits, check_limits
from snn_deploy.api.measuring import States, measuring
from snn_deploy.api.sources import DEFAULT_CHIP, Chosen, Data, choose
from snn_deploy.deploy.running.backend import load_backend, make_ready
from snn_deploy.deploy.running.overflows import overflows
from snn_deploy.deploy.verification.verify import silent_populations
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.health import health as measured_health
from snn_deploy.export.passes.place_shift import Shift
from snn_deploy.export.to_integer_network import ExportOptions, keep_integers, to_integer_network
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.interchange.check_frames import RANDOM_SAMPLES, check_frames
from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_BESIDE_SOURCE = 10  # of the inputs, where a module's network in floats runs in plain numpy
REQUIRED_SAMPLES = 20  # of the health report, where limits are set and no number


def export(
    network: FloatNetwork | IntegerNetwork | str | Path,
    *,
    chip: str = DEFAULT_CHIP,
    weight_bits: int | None = None,
    per_channel: bool | None = None,
    shift: Shift = "refuse",
    round_decays: bool = False,
    lava_dl: bool = False,
    states: States = "proved",
    margin: float | None = None,
    measured_samples: int = 100,
    measure: bool = False,
    inputs: Data = None,
    labels: np.ndarray | None = None,
    samples: int = 0,
    health: int = 0,
    require: Mapping[str, float] | None = None,
    watch: Watch = SILENT,
) -> ExportResult:
    """Return `network` in the integers that `chip` holds, with the bounds that are proved; nothing is written.

    Parameters
    ----------
    network
        A network in floats, from `train`, `from_torch` or `read_nir`; its file, or the folder of a run. Or one in
        integers, from `read_net`: it stays as it is, and its bits, thresholds, shifts and decays are not to choose.
    chip
        A hardware profile: a name, or a TOML file. What it cannot hold is refused.
    weight_bits
        Of a signed weight; None is as it was trained, else 8.
    per_channel
        One threshold and weight scale for each channel instead of each layer; None is as it was trained, else False.
    shift
        What becomes of norms' shifts: "refuse", a "bias" in every step, or moved into thresholds and resets ("reset").
    round_decays
        Whether decays may be rounded to the chip's; the result says by how much.
    lava_dl
        Whether the integers are chosen so that lava-dl's network.net holds them: biases are whole weight steps, and the
        result says by how much that changes them; the connections that reach a population share an exponent.
    states
        "proved": the scales are such that no input can make a state leave its bits. "measured": such that the largest
        states on samples fit `margin` times (None: 2), which can leave the weights more bits; those beyond saturate,
        and are counted on the inputs where `measure` is True.
    measured_samples
        How many samples those are, 0 is all: of `inputs` where it is an array, else training samples.
    measure
        Whether the integers run on `inputs`, so that their accuracy is known.
    inputs, labels, samples
        What accuracy and health are measured on, as of `run`; None is the test split of the training's data set.
    health
        On how many of the inputs each layer is compared with the float network; 0 is none.
    require
        Limits of the health report, such as {"accuracy_drop": 0.5, "dead": 10}; shares in percent.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        Names what the chip cannot hold, or what no integers of so many bits can represent.
    """
    required = require or {}
    check_limits(required)
    if health < 0:
        raise UserError(f"--health {health}; allowed is a whole number from 0.")
    profile = load_profile(chip)
    if isinstance(network, IntegerNetwork):
        choices = (weight_bits, per_channel, shift, round_decays, lava_dl, states == "measured", margin)
        _require_no_choices(*choices, health, required)
        result = ExportResult(keep_integers(network, profile), limits_of(profile, _bits_of(network, profile)))
        if measure:
            return _measured(result, choose(result.network, inputs, samples, labels), watch)
        make_ready(load_backend("cpu"), result.network, watch)
        return result
    floats = network if isinstance(network, FloatNetwork) else _read(Path(network))
    trained = _as_trained(floats)
    limits = limits_of(
        profile,
        trained.get("weight_bits", 8) if weight_bits is None else weight_bits,
        per_channel=trained.get("per_channel", False) if per_channel is None else per_channel,
        lava_dl=lava_dl,
    )
    measured = measuring(floats, states, margin, inputs, measured_samples, watch)
    exported = to_integer_network(floats, limits, ExportOptions(shift, round_decays, profile, measured))
    result = ExportResult(exported, limits)
    shown = health or (REQUIRED_SAMPLES if required else 0)
    if shown:
        seen = choose(exported.network, inputs, min(shown, len(inputs)) if isinstance(inputs, np.ndarray) else shown)
    if measure:
        result = _measured(result, choose(exported.network, inputs, samples, labels), watch)
    else:
        make_ready(load_backend("cpu"), exported.network, watch)  # so that the first verify need not wait for it
    if "torch" in floats.provenance:
        if is_random := not isinstance(inputs, np.ndarray):
            beside = check_frames(RANDOM_SAMPLES, floats.input, floats.steps)
        else:
            beside = choose(exported.network, inputs).first(_BESIDE_SOURCE).shown
        compared = measured_health(floats, exported, limits, beside, float_semantics.run)
        result = replace(result, beside_source=compared, is_beside_random=is_random)
    if shown:
        with watch.progress("health", seen.count) as advance:
            found = measured_health(floats, exported, limits, seen.shown, float_semantics.run, progress=advance)
        known = result.accuracy is not None and result.float_accuracy is not None
        drop = (result.float_accuracy or 0.0) - (result.accuracy or 0.0) if known else None
        result = replace(result, health=found, broken_limits=broken_limits(required, found, drop))
    return result


def _measured(result: ExportResult, chosen: Chosen, watch: Watch) -> ExportResult:
    with watch.progress("integer accuracy", chosen.count) as advance:
        simulation = load_backend("cpu").run(result.network, chosen.shown, progress=advance)
    found = overflows(result.network, simulation)
    counted = replace(
        result,
        accuracy=chosen.accuracy(simulation.classes),
        errors=chosen.value_errors(result.network, simulation.outputs_by_step),
        samples=chosen.count,
        overflows=found,
        silent=silent_populations(result.network, simulation),
    )
    return _recorded(counted) if result.is_measured else counted


def _recorded(result: ExportResult) -> ExportResult:
    """Return `result` with what overflowed in the record of its network, which its file holds."""
    network, counts = result.network, {one.population: asdict(one) for one in result.overflows or ()}
    export = dict(network.provenance["export"])
    export["states"] = {**export["states"], "tested_samples": result.samples, "overflows": list(counts.values())}
    whole = replace(network, provenance={**network.provenance, "export": export})
    return replace(result, export=replace(result.export, network=whole))


def _read(path: Path) -> FloatNetwork:
    return read_float_network(path / "float_network.npz" if path.is_dir() else path)


def _require_no_choices(*choices: object) -> None:
    if any(choice not in (None, False, "refuse", 0) for choice in choices[:-1]) or choices[-1]:
        raise UserError(
            "a network that came in integers: --weight-bits, --thresholds, --shift, --round-decays, --lava-dl, "
            "--states, --margin, --health and --require are about floats that become integers. Leave them out."
        )


def _bits_of(network: IntegerNetwork, chip: HardwareProfile) -> int:
    """Return the bits of signed weights that hold every weight, at least 2 and at most as many as the chip stores."""
    largest = max((int(np.abs(c.weights.astype(np.int64)).max(initial=0)) for c in network.connections), default=0)
    return min(max(2, 1 + largest.bit_length()), chip.whole("weight.stored_bits_max"))


def _as_trained(network: FloatNetwork) -> Mapping[str, Any]:
    """Return the bits and thresholds that the network was trained for, none where it was trained in floats."""
    quantization = network.provenance.get("config", {}).get("quantization", {})
    return quantization if quantization.get("epochs") else {}
