"""snn-deploy export: a trained network becomes integers, and files that other programs open."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np

from snn_deploy.cli.health import LIMITS, broken_limits, health_as_json, read_limits, say_health
from snn_deploy.cli.inputs import DATA_HELP, require_fit, test_samples
from snn_deploy.cli.nir_options import export_nir, nir_options, read_trained
from snn_deploy.cli.output import FAILED_CHECK, Output, percent, verb
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.health import health
from snn_deploy.export.passes.place_shift import Shift
from snn_deploy.export.targets.targets import TARGETS
from snn_deploy.export.to_integer_network import PLAIN, Export, ExportOptions, export_options, to_integer_network
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import write_integer_network
from snn_deploy.rounding.fit import Limits
from snn_deploy.support.user_error import UserError

_REQUIRED_SAMPLES = 20  # of the health report, where limits are set and no number


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--target", type=click.Choice([*TARGETS, "nir"]), default="loihi", show_default=True, help="For what.")
@click.option("--profile", default="loihi2", show_default=True, help="Hardware profile: a name, or a TOML file.")
@click.option("--weight-bits", type=int, help="Bits of a signed weight; default: as trained, else 8.")
@click.option(
    "--thresholds",
    type=click.Choice(["scalar", "per-channel"]),
    help="One threshold and weight scale per layer or per channel; default: as trained, else scalar.",
)
@click.option(
    "--shift",
    type=click.Choice(get_args(Shift)),
    default="refuse",
    show_default=True,
    help="Norms' shifts: refused, a bias in each step, or moved into thresholds and reset values.",
)
@click.option("--round-decays", is_flag=True, help="Round decays to what the chip has; the change is printed.")
@click.option("--data", help=DATA_HELP)
@click.option("--samples", default=0, show_default=True, help="Test samples for the accuracy in integers; 0 is all.")
@click.option("--health", "shown", default=0, show_default=True, help="Test samples for the health report; 0: none.")
@click.option("--require", help=f"Limits of the health report, NAME=NUMBER,...: {', '.join(LIMITS)}.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the files; default RUN/TARGET.")
@verb
@nir_options
def command(
    output: Output,
    run: Path,
    target: str,
    profile: str,
    weight_bits: int | None,
    thresholds: str | None,
    shift: Shift,
    round_decays: bool,
    data: str | None,
    samples: int,
    shown: int,
    require: str | None,
    out: Path | None,
    reading: NirReading,
) -> int:
    """Export RUN, a run folder, a float_network.npz or a .nir file, to network.npz and to the file of a target.

    The health report compares each layer with the float network. Limits that --require names are checked against it
    (on 20 samples where --health does not say how many); exit code 1 when one is broken. Shares are in percent.
    Example: snn-deploy export runs/digits-seed0 --target loihi --profile loihi2 --require accuracy_drop=0.5,dead=10
    """
    required = read_limits(require)
    if shown < 0 or (target == "nir" and (shown or required)):
        raise UserError(f"--health {shown} --target {target}; allowed are samples from 0, for targets in integers.")
    float_network = read_trained(run, reading, target)
    folder = out or (run if run.is_dir() else run.parent) / target
    if target == "nir":
        output.result(export_nir(output, float_network, folder, reading.time_step))
        return 0
    trained = float_network.provenance.get("config", {}).get("quantization", {})
    trained = trained if trained.get("epochs") else {}
    limits = limits_of(
        profile,
        trained.get("weight_bits", 8) if weight_bits is None else weight_bits,
        per_channel=trained.get("per_channel", False) if thresholds is None else thresholds == "per-channel",
    )
    options = export_options(profile, shift, round_decays=round_decays)
    samples_shown = shown or (_REQUIRED_SAMPLES if required else 0)
    report = export_with_output(
        output,
        float_network,
        limits,
        folder,
        data,
        samples,
        target,
        options,
        health_samples=samples_shown,
        required=required,
    )
    output.result(report)
    return FAILED_CHECK if report["broken_limits"] else 0


def export_with_output(
    output: Output,
    float_network: FloatNetwork,
    limits: Limits,
    folder: Path,
    data: str | None,
    samples: int,
    target: str = "loihi",
    options: ExportOptions = PLAIN,
    *,
    health_samples: int = 0,
    required: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Export to `folder` and print what a user must know about it; return what --json prints."""
    seen = test_samples(float_network.provenance, data, health_samples) if health_samples else None
    export = to_integer_network(float_network, limits, options)
    if seen is not None:
        require_fit(export.network, seen)
    accuracy, tests = None, 0
    if data is not None or "nir" not in float_network.provenance:  # a .nir file of another program names no data
        chosen = test_samples(float_network.provenance, data, samples)
        require_fit(export.network, chosen)
        tests = len(chosen.labels)
        with output.progress("integer accuracy", tests) as advance:
            simulation = load_backend("cpu").run(export.network, chosen.shown, progress=advance)
        accuracy = float((simulation.classes == chosen.labels).mean())
    write_integer_network(export.network, folder / "network.npz")
    written = [str(folder / "network.npz")]
    problem = None
    file_name, write = TARGETS[target]
    try:
        write(export.network, folder / file_name)
        written.append(str(folder / file_name))
    except UserError as error:
        (folder / file_name).unlink(missing_ok=True)  # an older export's file would not match
        problem = str(error)
    float_accuracy = float_network.provenance.get("float_accuracy")
    layers = _layers(export, limits)
    output.table(
        ["population", "scale", "weights", "threshold", "largest current", "largest potential", "of 24 bits"],
        [
            (
                layer["population"],
                _shown(layer["scale"]),
                f"{layer['weights'][0]}..{layer['weights'][1]}",
                "-" if layer["threshold"] is None else _shown(layer["threshold"]),
                layer["largest_current"],
                layer["largest_potential"],
                f"{100 * layer['largest_potential'] / layer['limit']:.1f} %",
            )
            for layer in layers
        ],
    )
    output.say("scale: the trained potential that an integer weight of 1 adds. Currents and potentials in 1/64 of it,")
    output.say(f"the largest that any input can cause; the limit is {layers[0]['limit']}.")
    _say_what_changed(output, export)
    tested = float_network.provenance.get("test_samples")
    if float_accuracy is not None:
        output.say(f"float accuracy    {percent(float_accuracy)} of {tested} test samples (measured after training)")
    if trained_accuracy := float_network.provenance.get("quantized_accuracy"):
        output.say(
            f"as trained        {percent(trained_accuracy)} of {tested} test samples, with weights rounded as then"
        )
    if accuracy is None:
        output.say("integer accuracy  not measured: the file names no data set. Give --data NAME or NAME:PATH.")
    else:
        output.say(f"integer accuracy  {percent(accuracy)} of {tests} test samples")
    found, broken = None, []
    if seen is not None:
        with output.progress("health", health_samples) as advance:
            found = health(float_network, export, limits, seen.shown, float_semantics.run, progress=advance)
        say_health(output, found)
        drop = None if accuracy is None or float_accuracy is None else float_accuracy - accuracy
        broken = broken_limits(required or {}, found, drop)
    for path in written:
        output.say(f"wrote {path}")
    for line in broken:
        output.say(line)
    if problem:
        output.say(f"no {file_name}: {problem}")
    return {
        "files": written,
        "problem": problem,
        "float_accuracy": float_accuracy,
        "integer_accuracy": accuracy,
        "samples": tests,
        "weight_bits": limits.weight_bits,
        "sha256": export.network.digest,
        "rounded_decays": export.rounded_decays,
        "layers": layers,
        "health": found and health_as_json(found),
        "broken_limits": broken,
    }


def _say_what_changed(output: Output, export: Export) -> None:
    """Print what the integers do not hold exactly, beside the rounding of the weights themselves."""
    for name, change in export.rounded_decays.items():
        output.say(f"population {name!r}: decays rounded, by up to {change:.3g}")
    clipped = {n: sum(f.clipped) for n, f in export.fits.items() if any(f.clipped)}
    if clipped:
        counts = ", ".join(f"{count} of {name}" for name, count in clipped.items())
        output.say(f"weights cut off at the largest whole one, where that rounds the others less: {counts}")
    for name, fit in export.fits.items():
        if fit.largest_rounding:
            output.say(
                f"population {name!r}: biases, reset and initial values rounded, by up to {fit.largest_rounding:.3g}"
            )


def _layers(export: Export, limits: Limits) -> list[dict[str, Any]]:
    layers = []
    for population in export.network.populations:
        weights = [c.weights for c in export.network.connections_to(population.name)]
        found, bounds = export.fits[population.name], export.bounds[population.name]
        layers.append(
            {
                "population": population.name,
                "scale": _span(found.units),
                "scale_set_by_bounds": bool(found.lowered_by_bounds.any()),
                "exponents": list(found.exponents),
                "clipped_weights": sum(found.clipped),
                "largest_rounding": found.largest_rounding,
                "weights": [min(int(w.min()) for w in weights), max(int(w.max()) for w in weights)],
                "threshold": _span(population.threshold) if population.fires else None,
                "largest_current": int(bounds.current.max()),
                "largest_potential": int(bounds.potential.max()),
                "limit": 2 ** (limits.state_bits - 1) - 1,
            }
        )
    return layers


def _span(values: np.ndarray) -> Any:
    """Return one number where all are equal, else [least, most]."""
    least, most = values.min().item(), values.max().item()
    return least if least == most else [least, most]


def _shown(span: Any) -> str:
    return "..".join(f"{value:.6g}" for value in span) if isinstance(span, list) else f"{span:.6g}"
