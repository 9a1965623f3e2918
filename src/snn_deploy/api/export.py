"""export: a network in floats becomes integers that a chip holds, and files that other programs open."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.api.health import broken_limits, check_limits, health_as_dict, health_blocks
from snn_deploy.api.sources import DEFAULT_CHIP, Chosen, Data, choose
from snn_deploy.deploy.running.backend import load_backend, make_ready
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.health import Health
from snn_deploy.export.health import health as measured_health
from snn_deploy.export.passes.place_shift import Shift
from snn_deploy.export.proof.prove_bounds import Bounds
from snn_deploy.export.to_integer_network import Export, ExportOptions, keep_integers, to_integer_network
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation, write_integer_network
from snn_deploy.rounding.fit import Fit, Limits
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_TARGETS = "export.targets"  # one file for each, with its FILE and a function write(network, path)
REQUIRED_SAMPLES = 20  # of the health report, where limits are set and no number


Span = float | tuple[float, float]
"""One number where all channels have the same, else (least, most)."""


@dataclass(frozen=True)
class ExportedLayer:
    """How one population became integers.

    scale: membrane potential per weight step, in the unit of the trained network, None where that came in integers;
    scale_set_by_bounds: whether a finer
    one would have let a state overflow. exponents: of each connection that reaches it. clipped_weights: how many.
    largest_rounding: of biases, reset and initial values, in the trained unit. weights: (least, most). threshold: in
    weight steps, None where it never fires. largest_current, largest_potential: that any input can cause; limit: the
    largest that the chip holds; these three in 1/64 of a weight step.
    """

    population: str
    scale: Span | None
    scale_set_by_bounds: bool
    exponents: tuple[int, ...]
    clipped_weights: int
    largest_rounding: float
    weights: tuple[int, int]
    threshold: Span | None
    largest_current: int
    largest_potential: int
    limit: int


@dataclass(frozen=True, repr=False)
class ExportResult(Result):
    """An integer network, how its integers were found, what is proved of them, and what was measured.

    limits: what the chip holds. export: everything that the passes gave. accuracy: the share of `samples` test samples
    that the integers get right, or None where it was not measured. health: the layers beside the float network, or
    None. broken_limits: one sentence for each required limit that does not hold. files: what `save` wrote; problem: why
    the target's file is not among them, or None.
    """

    export: Export
    limits: Limits
    accuracy: float | None = None
    samples: int = 0
    health: Health | None = None
    broken_limits: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    problem: str | None = None

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
        return tuple(_layer(self.export, p, self.limits) for p in self.network.populations)

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
        files = [Path(folder) / "network.npz", Path(folder) / plugin.FILE]
        write_integer_network(self.network, files[0])
        problem = None
        try:
            plugin.write(self.network, files[1])
        except UserError as error:
            files.pop().unlink(missing_ok=True)  # an older export's file would not match
            problem = f"no {plugin.FILE}: {error}"
        return replace(self, files=tuple(files), problem=problem)

    def headline(self) -> str:
        """Return the network's shape, its bits, and how much accuracy it kept."""
        populations = len(self.network.populations)
        kept = "" if self.accuracy is None else f", {100 * self.accuracy:.2f} % of {self.samples} test samples"
        return f"{populations} populations, {self.network.steps} steps, weights of {self.limits.weight_bits} bits{kept}"

    def blocks(self) -> tuple[Block, ...]:
        """Return each layer's integers and bounds, what they do not hold exactly, accuracies and the health report."""
        titles = ("population", "scale", "weights", "threshold", "largest current", "largest potential", "of 24 bits")
        rows = tuple(
            (
                layer.population,
                "-" if layer.scale is None else _shown(layer.scale),
                f"{layer.weights[0]}..{layer.weights[1]}",
                "-" if layer.threshold is None else _shown(layer.threshold),
                layer.largest_current,
                layer.largest_potential,
                f"{100 * layer.largest_potential / layer.limit:.1f} %",
            )
            for layer in self.layers
        )
        return (
            Table(titles, rows),
            *(("the network came in integers, and they stay as they are",) if self.export.folded is None else ()),
            "scale: membrane potential per weight step. Currents and potentials are in 1/64 of it, the largest that",
            f"any input can cause; the limit is {self.limits.largest_state}.",
            *self._changes(),
            *self._accuracies(),
            *(() if self.health is None else health_blocks(self.health)),
            *(f"wrote {path}" for path in self.files),
            *self.broken_limits,
            *(() if self.problem is None else (self.problem,)),
        )

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
            "layers": [_plain(layer) for layer in self.layers],
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
        _require_no_choices(weight_bits, per_channel, shift, round_decays, lava_dl, health, required)
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
    exported = to_integer_network(floats, limits, ExportOptions(shift, round_decays, profile))
    result = ExportResult(exported, limits)
    shown = health or (REQUIRED_SAMPLES if required else 0)
    if shown:
        seen = choose(exported.network, inputs, min(shown, len(inputs)) if isinstance(inputs, np.ndarray) else shown)
    if measure:
        result = _measured(result, choose(exported.network, inputs, samples, labels), watch)
    else:
        make_ready(load_backend("cpu"), exported.network, watch)  # so that the first verify need not wait for it
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
    return replace(result, accuracy=chosen.accuracy(simulation.classes), samples=chosen.count)


def _read(path: Path) -> FloatNetwork:
    return read_float_network(path / "float_network.npz" if path.is_dir() else path)


def _require_no_choices(*choices: object) -> None:
    if any(choice not in (None, False, "refuse", 0) for choice in choices[:-1]) or choices[-1]:
        raise UserError(
            "a network that came in integers: --weight-bits, --thresholds, --shift, --round-decays, --lava-dl, "
            "--health and --require are about floats that become integers. Leave them out."
        )


def _bits_of(network: IntegerNetwork, chip: HardwareProfile) -> int:
    """Return the bits of signed weights that hold every weight, at least 2 and at most as many as the chip stores."""
    largest = max((int(np.abs(c.weights.astype(np.int64)).max(initial=0)) for c in network.connections), default=0)
    return min(max(2, 1 + largest.bit_length()), chip.whole("weight.stored_bits_max"))


def _as_trained(network: FloatNetwork) -> Mapping[str, Any]:
    """Return the bits and thresholds that the network was trained for, none where it was trained in floats."""
    quantization = network.provenance.get("config", {}).get("quantization", {})
    return quantization if quantization.get("epochs") else {}


def _layer(export: Export, population: IntegerPopulation, limits: Limits) -> ExportedLayer:
    weights = [c.weights for c in export.network.connections_to(population.name)]
    found, bounds = export.fits.get(population.name), export.bounds[population.name]
    return ExportedLayer(
        population=population.name,
        scale=None if found is None else _span(found.units),
        scale_set_by_bounds=bool(found and found.lowered_by_bounds.any()),
        exponents=tuple(c.exponent for c in export.network.connections_to(population.name)),
        clipped_weights=sum(found.clipped) if found else 0,
        largest_rounding=found.largest_rounding if found else 0.0,
        weights=(min(int(w.min()) for w in weights), max(int(w.max()) for w in weights)),
        threshold=_span(population.threshold) if population.fires else None,
        largest_current=int(bounds.current.max()),
        largest_potential=int(bounds.potential.max()),
        limit=limits.largest_state,
    )


def _plain(layer: ExportedLayer) -> dict[str, object]:
    """Return the layer with lists for tuples, as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(layer).items()}


def _span(values: np.ndarray) -> Span:
    least, most = values.min().item(), values.max().item()
    return least if least == most else (least, most)


def _shown(span: Span) -> str:
    return "..".join(f"{value:.6g}" for value in span) if isinstance(span, tuple) else f"{span:.6g}"
