"""export: a network in floats becomes integers that a chip holds, and files that other programs open."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from snn_deploy.api.exported_layer import ExportedLayer, exported_layer, layer_as_dict, span_in_words
from snn_deploy.api.health import broken_limits, check_limits, health_as_dict, health_blocks
from snn_deploy.api.measuring import States, measuring
from snn_deploy.api.sources import DEFAULT_CHIP, Chosen, Data, choose
from snn_deploy.deploy.running.backend import load_backend, make_ready
from snn_deploy.deploy.running.overflows import Overflow, overflow_line, overflows
from snn_deploy.deploy.verification.verify import silent_populations
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.health import Health
from snn_deploy.export.health import health as measured_health
from snn_deploy.export.passes.place_shift import Shift
from snn_deploy.export.proof.prove_bounds import Bounds
from snn_deploy.export.to_integer_network import Export, ExportOptions, keep_integers, to_integer_network
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.interchange.check_frames import RANDOM_SAMPLES, check_frames
from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.network.integer_network import IntegerNetwork, integer_network_bytes
from snn_deploy.network.source_comparison import source_line
from snn_deploy.network.state_units import STATE_SHIFT
from snn_deploy.rounding.fit import Fit
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.atomic_file import remove_file, write_files
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.one_writer import one_writer
from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_TARGETS = "export.targets"  # one file for each, with its FILE and a function content(network), its bytes
_MANY_BITS = 1.0  # that bounds may cost a weight before the result says how to avoid it
REQUIRED_SAMPLES = 20  # of the health report, where limits are set and no number


@dataclass(frozen=True, repr=False)
class ExportResult(Result):
    """An integer network, how its integers were found, what is proved of them, and what was measured.

    limits: what the chip holds. export: everything that the passes gave. accuracy: the share of `samples` test samples
    that the integers get right, or None where it was not measured. health: the layers beside the float network, or
    None. broken_limits: one sentence for each required limit that does not hold. files: what `save` wrote; problem: why
    the target's file is not among them, or None. overflows: of the populations in which a state can leave 24 bits, how
    many did on those samples; None where that was not counted. beside_source: of a network from a torch module, the
    integers beside the floats on random samples; None for others. silent: populations that never fired on the samples
    of `accuracy`.
    """

    export: Export
    limits: Limits
    accuracy: float | None = None
    samples: int = 0
    health: Health | None = None
    broken_limits: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    problem: str | None = None
    overflows: tuple[Overflow, ...] | None = None
    beside_source: Health | None = None
    silent: tuple[str, ...] = ()

    @property
    def network(self) -> IntegerNetwork:
        """The integer network."""
        return self.export.network

    @property
    def fits(self) -> dict[str, Fit]:
        """Population -> how its integers were found."""
        return self.export.fits

    @property
    def bounds(self) -> dict[str, Bounds]:
        """Population -> the largest current and potential that any input can cause, in 1/64 of a weight step."""
        return self.export.bounds

    @property
    def float_accuracy(self) -> float | None:
        """The share of test samples that the float network got right after training; None where that is not known."""
        found = self.network.provenance.get("float_accuracy")
        return found if isinstance(found, float) else None

    @property
    def layers(self) -> tuple[ExportedLayer, ...]:
        """Each population's weight step, integers and bounds, in order."""
        return tuple(exported_layer(self.export, p, self.limits) for p in self.network.populations)

    def save(self, folder: str | Path, target: str = "loihi") -> "ExportResult":
        """Return this result with the files that it wrote to `folder`: network.npz, and the file of `target`.

        target: "loihi" (network.net, for lava-dl) or "onnx" (network.onnx). Where its format cannot hold the network,
        `problem` says why, and snn-deploy's own backends run network.npz.
        """
        names = plugin_names(_TARGETS)
        if target not in names:
            hint = did_you_mean(target, names)
            raise UserError(f"target {target!r}.{hint} Choose one of {', '.join(names)}; NIR files are from write_nir.")
        plugin = load_plugin(_TARGETS, target)
        with one_writer(Path(folder)):
            return self._saved(Path(folder), plugin)

    def _saved(self, folder: Path, plugin: ModuleType) -> "ExportResult":
        """Return this result with the files of `plugin`, after writing them."""
        of_target, problem = folder / plugin.FILE, None
        files = {folder / "network.npz": integer_network_bytes(self.network)}
        try:
            files[of_target] = plugin.content(self.network)
        except UserError as error:
            problem = f"no {plugin.FILE}: {error}"
        write_files(files)
        if problem is not None:
            remove_file(of_target)  # an older export's file would not match
        return replace(self, files=tuple(files), problem=problem)

    def headline(self) -> str:
        """Return the network's shape, its bits, and how much accuracy it kept."""
        populations = len(self.network.populations)
        kept = "" if self.accuracy is None else f", {100 * self.accuracy:.2f} % of {self.samples} test samples"
        return f"{populations} populations, {self.network.steps} steps, weights of {self.limits.weight_bits} bits{kept}"

    def blocks(self) -> tuple[Block, ...]:
        """Return each layer's integers and bounds, what they do not hold exactly, accuracies and the health report."""
        return (
            self._table(),
            *(("the network came in integers, and they stay as they are",) if self.export.folded is None else ()),
            "scale: membrane potential per weight step. Currents and potentials are in 1/64 of it, the largest that",
            *self._states(),
            *self._warnings(),
            *self._changes(),
            *self._accuracies(),
            *self._source(),
            *(() if self.health is None else health_blocks(self.health)),
            *(f"wrote {path}" for path in self.files),
            *self.broken_limits,
            *(() if self.problem is None else (self.problem,)),
        )

    @property
    def never_fire(self) -> tuple[str, ...]:
        """The populations whose largest potential that any input can cause is not above their threshold."""
        firing = {p.name for p in self.network.populations if p.fires}
        return tuple(x.population for x in self.layers if x.population in firing and not x.can_fire)

    @property
    def is_measured(self) -> bool:
        """Whether the scales keep to states that were measured, so that some input may make others overflow."""
        return self.export.largest_states is not None

    def _table(self) -> Table:
        """Return a row for each population; columns that would be empty are left out."""
        layers, lost = self.layers, any(layer.bits_lost_to_bounds for layer in self.layers)
        beyond = {o.population: o.wrapped_currents + o.saturated_potentials for o in self.overflows or ()}
        columns: dict[str, list[object]] = {
            "population": [layer.population for layer in layers],
            "scale": ["-" if layer.scale is None else span_in_words(layer.scale) for layer in layers],
            "weights": [f"{layer.weights[0]}..{layer.weights[1]}" for layer in layers],
            "threshold": ["-" if layer.threshold is None else span_in_words(layer.threshold) for layer in layers],
            "largest current": [layer.shown_current for layer in layers],
            "largest potential": [layer.shown_potential for layer in layers],
            "of 24 bits": [f"{100 * layer.shown_potential / layer.limit:.1f} %" for layer in layers],
        }
        if lost:
            columns["bits lost to bounds"] = [f"{layer.bits_lost_to_bounds:.1f}" for layer in layers]
        if beyond:
            columns["states beyond"] = [beyond.get(layer.population, 0) for layer in layers]
        return Table(tuple(columns), tuple(zip(*columns.values(), strict=True)))

    def _states(self) -> tuple[str, ...]:
        """Return what the currents and potentials of the table are, and what that cost."""
        limit = self.limits.largest_state
        largest = max(self.layers, key=lambda layer: layer.bits_lost_to_bounds)
        cost = f"{largest.bits_lost_to_bounds:.1f} of {self.limits.weight_bits} weight bits of {largest.population}"
        if not self.is_measured:
            found = [f"any input can cause; the limit is {limit}."]
            if largest.bits_lost_to_bounds > _MANY_BITS:
                found.append(f"that this is proved for all inputs costs {cost}; --states measured may cost fewer.")
        else:
            record = self.network.provenance["export"]["states"]
            margin = f"{record['margin']:g} times that, or all that any"
            found = [
                f"{record['samples']} {record['from']} caused in floats; {margin}",
                f"input can cause, fits {limit}.",
            ]
            if largest.bits_lost_to_bounds > _MANY_BITS:
                less = "; a smaller --margin may cost fewer." if record["margin"] > 1 else "."
                found.append(f"room for that costs {cost}{less}")
        if self.overflows is not None:
            found += overflow_line(self.overflows, f"{self.samples} test samples")
        elif self.is_measured:
            found.append("states beyond 24 bits: not counted, as no test samples ran")
        return tuple(found)

    def _warnings(self) -> tuple[str, ...]:
        """Return a line for each population that no input, or no test sample, makes fire.

        The former about the channel that comes nearest to it.
        """
        lines = []
        for p in self.network.populations:
            if p.name in self.never_fire:
                highest, threshold = self.bounds[p.name].highest_potential, p.threshold.astype(np.int64) << STATE_SHIFT
                i = int((highest - threshold).argmax())
                lines.append(
                    f"{p.name} can never fire: its largest potential is {highest[i]}, its threshold {threshold[i]}"
                )
            elif p.name in self.silent:
                lines.append(f"{p.name} never fired on the {self.samples} test samples; nothing passes through it")
        return tuple(lines)

    def _changes(self) -> tuple[str, ...]:
        """Return what the integers do not hold exactly, beside the rounding of the weights themselves."""
        clipped = {n: sum(f.clipped) for n, f in self.fits.items() if any(f.clipped)}
        counts = ", ".join(f"{count} of {name}" for name, count in clipped.items())
        return (
            *(
                f"population {name!r}: decays rounded, by up to {change:.3g}"
                for name, change in self.export.rounded_decays.items()
            ),
            *((f"clipped weights (clipping reduced the total rounding error): {counts}",) if clipped else ()),
            *(
                f"population {name!r}: biases, reset and initial values rounded, by up to {fit.largest_rounding:.3g}"
                for name, fit in self.fits.items()
                if fit.largest_rounding
            ),
        )

    def _accuracies(self) -> tuple[str, ...]:
        origin = self.network.provenance
        tested = origin.get("test_samples")
        lines = []
        if self.float_accuracy is not None:
            measured = f"{100 * self.float_accuracy:.2f} % of {tested} test samples (measured after training)"
            lines.append(f"float accuracy    {measured}")
        if trained := origin.get("quantized_accuracy"):
            rounded = f"{100 * trained:.2f} % of {tested} test samples, with weights rounded as then"
            lines.append(f"as trained        {rounded}")
        if self.accuracy is not None:
            lines.append(f"integer accuracy  {100 * self.accuracy:.2f} % of {self.samples} test samples")
        return tuple(lines)

    def _source(self) -> tuple[str, ...]:
        """Return what is known of the network and the one that it came from."""
        line, found = source_line(self.network.provenance), self.beside_source
        if found is None:
            return () if line is None else (line,)
        shares = f"{100 * found.spike_agreement:.1f} % of spikes and {100 * found.agreement:.0f} % of decisions"
        told = f"in integers       {shares} as in floats, on {found.samples} random samples"
        return (told,) if line is None else (line, told)

    def to_dict(self) -> dict[str, object]:
        """Return files, accuracies, each layer's integers and bounds, and the health report."""
        return {
            "files": [str(path) for path in self.files],
            "problem": self.problem,
            "float_accuracy": self.float_accuracy,
            "integer_accuracy": self.accuracy,
            "samples": self.samples,
            "weight_bits": self.limits.weight_bits,
            "sha256": self.network.digest,
            "rounded_decays": self.export.rounded_decays,
            "states": self.network.provenance["export"]["states"] if self.is_measured else {"from": "proof"},
            "overflows": None if self.overflows is None else [asdict(one) for one in self.overflows],
            "never_fire": list(self.never_fire),
            "layers": [layer_as_dict(layer) for layer in self.layers],
            "source": self.network.provenance.get("compared"),
            "beside_source": self.beside_source and health_as_dict(self.beside_source),
            "health": self.health and health_as_dict(self.health),
            "broken_limits": list(self.broken_limits),
        }


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
        frames = check_frames(RANDOM_SAMPLES, floats.input, floats.steps)
        result = replace(result, beside_source=measured_health(floats, exported, limits, frames, float_semantics.run))
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
