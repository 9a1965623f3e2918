"""export_result: what an export gives back: integers, proofs, what was measured, and the files that it writes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from snn_deploy.api.exported_layer import ExportedLayer, exported_layer, layer_as_dict, span_in_words
from snn_deploy.api.health import health_as_dict, health_blocks
from snn_deploy.deploy.running.overflows import Overflow, overflow_line
from snn_deploy.export.health import Health
from snn_deploy.export.proof.prove_bounds import Bounds
from snn_deploy.export.to_integer_network import Export
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, integer_network_bytes
from snn_deploy.network.source_comparison import source_line
from snn_deploy.network.state_units import STATE_SHIFT
from snn_deploy.network.value_errors import ValueErrors
from snn_deploy.network.value_reading import gives_values
from snn_deploy.rounding.fit import Fit
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.atomic_file import remove_file, write_files
from snn_deploy.support.counted import counted
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.one_writer import one_writer
from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError

_TARGETS = "export.targets"  # one file for each, with its FILE and a function content(network), its bytes
_FEW_LEVELS = 16  # of an input, above 0
_NAMED = 6  # populations in a line about many
_MANY_BITS = 1.0  # that bounds may cost a weight before the result says how to avoid it


@dataclass(frozen=True, repr=False)
class ExportResult(Result):
    """An integer network, how its integers were found, what is proved of them, and what was measured.

    limits: what the chip holds. export: everything that the passes gave. accuracy: the share of `samples` test samples
    that the integers get right, or None where it was not measured. health: the layers beside the float network, or
    None. broken_limits: one sentence for each required limit that does not hold. files: what `save` wrote; problem: why
    the target's file is not among them, or None. overflows: of the populations in which a state can leave 24 bits, how
    many did on those samples; None where that was not counted. beside_source: of a network from a torch module, the
    integers beside the floats; None for others. is_beside_random: whether on random samples, not on the inputs.
    silent: populations that never fired on the samples of `accuracy`. errors: of a network that gives values, how far
    they are from those wanted, on the same samples; None where that was not measured, and of others.
    """

    export: Export
    limits: Limits
    accuracy: float | None = None
    errors: ValueErrors | None = None
    samples: int = 0
    health: Health | None = None
    broken_limits: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    problem: str | None = None
    overflows: tuple[Overflow, ...] | None = None
    beside_source: Health | None = None
    is_beside_random: bool = True
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
    def float_smape(self) -> float | None:
        """The sMAPE of the float network's values for test samples, after training; None where it is not known."""
        found = self.network.provenance.get("float_smape")
        return None if found is None else float(found)

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
        populations = counted(len(self.network.populations), "population")
        steps = counted(self.network.steps, "step")
        kept = (
            "" if self.accuracy is None else f", {100 * self.accuracy:.2f} % of {counted(self.samples, 'test sample')}"
        )
        return f"{populations}, {steps}, weights of {self.limits.weight_bits} bits{kept}"

    def blocks(self) -> tuple[Block, ...]:
        """Return each layer's integers and bounds, what they do not hold exactly, accuracies and the health report."""
        return (
            self._table(),
            *(("the network came in integers, and they stay as they are",) if self.export.folded is None else ()),
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
        if any(layer.threshold_step is not None for layer in layers):
            columns["a spike adds"] = [_rise_in_words(layer) for layer in layers]
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
        fewer = " or inputs of fewer levels" if self._takes_many_levels(largest.population) else ""
        units = "scale: membrane potential per weight step. Currents and potentials are in 1/64 of it, the largest that"
        if not self.is_measured:
            found = [f"{units} any input can cause; the limit is {limit}."]
            if largest.bits_lost_to_bounds > _MANY_BITS:
                found.append(f"the proof for all inputs costs {cost}; --states measured{fewer} may cost fewer.")
        else:
            record = self.network.provenance["export"]["states"]
            margin = f"{record['margin']:g} times that, or all that any input can cause, fits {limit}."
            found = [f"{units} {record['samples']} {record['from']} caused in floats; {margin}"]
            if largest.bits_lost_to_bounds > _MANY_BITS:
                ways = ("a smaller --margin" if record["margin"] > 1 else "") + fewer
                ways = ways.removeprefix(" or ")
                found.append(f"room for that costs {cost}{f'; {ways} may cost fewer' if ways else ''}.")
        if self.overflows is not None:
            found += overflow_line(self.overflows, counted(self.samples, "test sample"))
        elif self.is_measured:
            found.append("states beyond 24 bits: not counted, as no test samples ran")
        return tuple(found)

    def _takes_many_levels(self, population: str) -> bool:
        """Return whether inputs of many levels, which leave the weights fewer bits, arrive at a module's layer."""
        if "torch" not in self.network.provenance:  # levels are those of the data set
            return False
        entry = self.network.input
        arrives = any(c.source == entry.name and c.target == population for c in self.network.connections)
        return arrives and entry.largest_value > _FEW_LEVELS

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
                lines.append(
                    f"{p.name} never fired on the {counted(self.samples, 'test sample')}; nothing passes through it"
                )
        return tuple(lines)

    def _changes(self) -> tuple[str, ...]:
        """Return what the integers do not hold exactly, beside the rounding of the weights themselves."""
        clipped = {n: sum(f.clipped) for n, f in self.fits.items() if any(f.clipped)}
        counts = ", ".join(f"{count} of {name}" for name, count in clipped.items())
        steps = ", and threshold steps" * any(p.adapts for p in self.network.populations)
        return (
            *_rounded("decays", self.export.rounded_decays),
            *((f"clipped weights (clipping reduced the total rounding error): {counts}",) if clipped else ()),
            *(
                ("9 weight bits are 8 and a sign for all weights of a connection; here none shares one: as with 8",)
                if self.limits.weight_bits == 9 and not any(map(_has_one_sign, self.network.connections))
                else ()
            ),
            *_rounded(
                f"biases, reset and initial values{steps}", {n: f.largest_rounding for n, f in self.fits.items()}
            ),
        )

    def _accuracies(self) -> tuple[str, ...]:
        origin = self.network.provenance
        tested = counted(origin.get("test_samples", 0), "test sample")
        lines = []
        if self.float_accuracy is not None:
            measured = f"{100 * self.float_accuracy:.2f} % of {tested} (measured after training)"
            lines.append(f"float accuracy    {measured}")
        if self.float_smape is not None:
            lines.append(f"float sMAPE       {self.float_smape:.2f} of {tested} (measured after training)")
        if (in_steps := origin.get("quantized_smape")) is not None:
            lines.append(f"as trained        sMAPE {in_steps:.2f} of {tested}, with weights rounded as then")
        if self.errors is not None:
            found = f"{self.errors.smape:.2f} (MSE {self.errors.mse:.3g})"
            lines.append(f"integer sMAPE     {found} of {counted(self.samples, 'test sample')}")
        if trained := origin.get("quantized_accuracy"):
            rounded = f"{100 * trained:.2f} % of {tested}, with weights rounded as then"
            lines.append(f"as trained        {rounded}")
        if self.accuracy is not None:
            lines.append(f"integer accuracy  {100 * self.accuracy:.2f} % of {counted(self.samples, 'test sample')}")
        return tuple(lines)

    def _source(self) -> tuple[str, ...]:
        """Return what is known of the network and the one that it came from."""
        line, found = source_line(self.network.provenance), self.beside_source
        if found is None:
            return () if line is None else (line,)
        classes = "" if found.agreement is None else f" and {100 * found.agreement:.0f} % of decisions"
        shares = f"{100 * found.spike_agreement:.1f} % of spikes{classes}"
        which = "random samples; with inputs=, on yours" if self.is_beside_random else "of the inputs"
        told = f"in integers       {shares} as in floats, on {found.samples} {which}"
        return (told,) if line is None else (line, told)

    def to_dict(self) -> dict[str, object]:
        """Return files, accuracies, each layer's integers and bounds, and the health report."""
        return {
            "files": [str(path) for path in self.files],
            "problem": self.problem,
            "float_accuracy": self.float_accuracy,
            "integer_accuracy": self.accuracy,
            **({"float_smape": self.float_smape} if gives_values(self.network) else {}),
            **({} if self.errors is None else {"integer_errors": self.errors.to_dict()}),
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


def _rise_in_words(layer: ExportedLayer) -> str:
    """Return what a spike adds to the threshold, and the share of that which is left after each step."""
    if layer.threshold_step is None or layer.threshold_keep is None:
        return "-"
    return f"{span_in_words(layer.threshold_step)}, {span_in_words(layer.threshold_keep)} of it left after a step"


def _has_one_sign(connection: IntegerConnection) -> bool:
    return bool((connection.weights >= 0).all() or (connection.weights <= 0).all())


def _rounded(what: str, changes: Mapping[str, float]) -> tuple[str, ...]:
    """Return a line that says by how much `what` was rounded, of the populations where it was, most changed first."""
    names = sorted((name for name, change in changes.items() if change), key=lambda name: -changes[name])
    if not names:
        return ()
    others = f" and {counted(len(names) - _NAMED, 'more population')}" if len(names) > _NAMED else ""
    return (f"{what} rounded, by up to {changes[names[0]]:.3g}: {', '.join(names[:_NAMED])}{others}",)
