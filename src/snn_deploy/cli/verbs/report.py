"""snn-deploy report: everything that is known about a deployment, as one HTML file."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snn_deploy.cli.inputs import DATA_HELP, network_file, read_network, require_fit, test_samples
from snn_deploy.cli.output import FAILED_CHECK, Output, say_expected, verb
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    from snn_deploy.network.integer_network import IntegerNetwork
    from snn_deploy.report.findings import Compared, Rung, Training
    from snn_deploy.report.layer_facts import LayerFacts
    from snn_deploy.train.data.samples import Samples

_COSTS = "cmos45"
_SAMPLES = 1000
_MOST_FLOAT_WORK, _FLOATS_AT_A_TIME = 2e10, 20  # multiply-accumulates, about half a minute; samples
_MOST_EPOCHS = 60  # of a table


@click.command("report")
@click.argument("source", metavar="RUN_OR_NETWORK", type=click.Path(path_type=Path))
@click.option("--profile", "profiles", multiple=True, help="A chip, again for each; default: loihi1 and loihi2.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: report.html beside the network.")
@click.option("--data", help=DATA_HELP)
@click.option("--samples", type=int, help=f"Test samples that are measured; 0 is all. Default: at most {_SAMPLES:,}.")
@click.option("--compared", default=10, show_default=True, help="Test samples that every backend runs.")
@click.option("--beside", type=click.Path(path_type=Path), help="A run or network whose potentials are drawn as well.")
@click.option("--backends", help="Compared; default: reference, cpu, and onnx and lava where they are installed.")
@verb
def command(
    output: Output,
    source: Path,
    profiles: tuple[str, ...],
    out: Path | None,
    data: str | None,
    samples: int | None,
    compared: int,
    beside: Path | None,
    backends: str | None,
) -> int:
    """Write what a deployment of RUN_OR_NETWORK is like: accuracy, identical spikes, layers, fit, energy, training.

    One HTML file that opens offline. RUN_OR_NETWORK is a run folder with an exported network in RUN/loihi or RUN/onnx,
    or such a network. --beside takes one that was trained otherwise, such as without a regularizer. Exit code 1 when a
    backend differs. Example: snn-deploy report runs/digits-seed0
    """
    from snn_deploy.deploy.energy.memory_estimates import integer_estimates  # noqa: PLC0415
    from snn_deploy.deploy.energy.paper_estimate import estimate_energy  # noqa: PLC0415
    from snn_deploy.deploy.mapping.memory.resources import limits  # noqa: PLC0415
    from snn_deploy.deploy.running.backend import load_backend  # noqa: PLC0415
    from snn_deploy.deploy.running.mean_spikes import mean_spikes  # noqa: PLC0415
    from snn_deploy.hardware_profiles.profile import load_profile  # noqa: PLC0415
    from snn_deploy.report import charts, layer_facts, trials  # noqa: PLC0415
    from snn_deploy.report.chip_facts import chip_facts  # noqa: PLC0415
    from snn_deploy.report.findings import Findings  # noqa: PLC0415
    from snn_deploy.report.page import page  # noqa: PLC0415
    from snn_deploy.support.atomic_file import write_text  # noqa: PLC0415 - matplotlib and torch are slow to import

    if compared < 1:
        raise UserError(f"--compared {compared}; allowed is a whole number from 1.")
    file, run = _places(source)
    network = read_network(file)
    chosen = test_samples(network.provenance, data, samples or 0).first(_SAMPLES if samples is None else samples)
    require_fit(network, chosen)
    chips = [load_profile(name) for name in profiles or ("loihi1", "loihi2")]
    for chip in chips:
        limits(chip)  # refuses one without cores, before anything is run
    found = _compared(output, network, chosen.first(compared), backends)
    count = len(chosen.labels)
    with output.progress("layers", count) as advance:
        layers = layer_facts.layer_facts(network, chosen.shown, advance)
    other = None if beside is None else _beside(output, beside, layers, chosen)
    with output.progress("integers", count) as advance:
        simulation = load_backend("cpu").run(network, chosen.shown, progress=advance)
    accuracy = float((simulation.classes == chosen.labels).mean())
    with output.progress("events", count) as advance:
        spikes = mean_spikes(network, chosen.shown, advance)
    fits = tuple(chip_facts(network, chip, spikes) for chip in chips)
    costs = load_profile(_COSTS)
    changed = trials.without_dead_channels(network, layers)
    changed |= {} if chosen.is_sequence else trials.fewer_steps(network)
    changed |= _exported_otherwise(network, run)
    with output.progress("trials", count * (1 + len(changed))) as advance:
        tried = trials.tried(network, changed, chosen.shown, chosen.labels, costs, advance)
    pictures = (charts.operations_chart(layers), charts.potentials_chart(layers, other), charts.weights_chart(layers))
    training, config = _training(run)
    findings = Findings(
        title=(run or file.parent).resolve().name,
        steps=network.steps,
        input_shape=network.input.shape,
        input_values=network.input.largest_value,
        output=network.output.name,
        ladder=_ladder(network, accuracy, count, found, _same_samples(output, network, run, chosen)),
        compared=found,
        layers=layers,
        charts=tuple(c for c in pictures if c),
        fits=fits,
        energies=(
            estimate_energy(network, simulation.synaptic_operations, costs),
            *integer_estimates(network, simulation.synaptic_operations, simulation.spike_counts, costs),
        ),
        trials=tried,
        training=training,
        samples=count,
        provenance=_provenance(network),
        config=config,
        commands=_commands(source, profiles, data, count, compared, beside, found.backends),
    )
    path = out or file.parent / "report.html"
    write_text(path, page(findings))
    output.say(f"accuracy in integers {100 * accuracy:.2f} % of {count} test samples")
    for fit in fits:
        chip_said = f"fits, {fit.on_chip.cores} cores, {fit.on_chip.chips} chips" if fit.on_chip else "does not fit"
        output.say(f"{fit.title}: {chip_said}")
    for line in found.differences:
        output.say(line)
    output.say(f"wrote {path}")
    output.result(
        {
            "file": str(path),
            "accuracy": accuracy,
            "samples": count,
            "differences": list(found.differences),
            "fits": {fit.profile: fit.on_chip is not None for fit in fits},
            "improvements": [t.change for t in findings.better],
        }
    )
    return FAILED_CHECK if found.differences else 0


def _places(source: Path) -> tuple[Path, Path | None]:
    """Return (the network's file, the run's folder or None)."""
    if source.is_dir() and not network_file(source).exists():
        exported = [source / target / "network.npz" for target in ("loihi", "onnx")]
        if not (source / "float_network.npz").exists():
            raise UserError(f"{source}: neither a run nor an exported network. Give the folder of one of them.")
        found = next((path for path in exported if path.exists()), None)
        if found is None:
            raise UserError(f"{source}: is not exported yet. Call snn-deploy export {source}.")
        return found, source
    file = network_file(source)
    run = file.parent.parent
    return file, run if (run / "float_network.npz").exists() else None


def _compared(output: Output, network: "IntegerNetwork", shown: "Samples", backends: str | None) -> "Compared":
    """Return what the backends do with `shown`, every spike of it."""
    from snn_deploy.deploy.backends import lava, onnx  # noqa: PLC0415
    from snn_deploy.deploy.verification.verify import verify  # noqa: PLC0415
    from snn_deploy.report.findings import Compared  # noqa: PLC0415

    installed = [name for name, backend in (("onnx", onnx), ("lava", lava)) if backend.why_unavailable() is None]
    names = backends.split(",") if backends else ["reference", "cpu", *installed]
    for name in names:
        say_expected(output, name, network, len(shown.labels))
    with output.progress(f"verify {', '.join(names)}", len(shown.labels) * len(names)) as advance:
        found = verify(network, shown.shown, names, progress=advance)
    differences = tuple(f"{d.backend}: {d}" for d in found.differences)
    return Compared(tuple(names), "test data", found.samples, found.spikes, differences)


def _beside(
    output: Output, source: Path, layers: "Sequence[LayerFacts]", chosen: "Samples"
) -> "tuple[str, Sequence[LayerFacts]]":
    """Return the title and the layers of the network in `source`, measured on the same samples."""
    from snn_deploy.report.layer_facts import layer_facts  # noqa: PLC0415

    file, run = _places(source)
    other = read_network(file)
    require_fit(other, chosen)
    if not {p.name for p in other.populations if p.fires} & {layer.name for layer in layers if layer.fires}:
        names = ", ".join(layer.name for layer in layers)
        raise UserError(f"--beside {source}: none of its layers has the name of one that is reported: {names}.")
    with output.progress("beside", len(chosen.labels)) as advance:
        return (run or file.parent).resolve().name, layer_facts(other, chosen.shown, advance)


def _exported_otherwise(network: "IntegerNetwork", run: Path | None) -> "dict[str, IntegerNetwork]":
    """Return change -> the run's network exported with other bits or thresholds; none where there is no run."""
    from snn_deploy.export.to_integer_network import to_integer_network  # noqa: PLC0415
    from snn_deploy.network.float_network import read_float_network  # noqa: PLC0415
    from snn_deploy.rounding.fit import Limits  # noqa: PLC0415

    bits = network.provenance.get("export", {}).get("weight_bits")
    if run is None or not isinstance(bits, int):
        return {}
    floats = read_float_network(run / "float_network.npz")
    found: dict[str, IntegerNetwork] = {}
    for fewer, per_channel in ((8, True), (6, True), (4, True)):
        change = f"weights of {fewer} bits with a threshold for each channel"
        try:
            found[change] = to_integer_network(floats, Limits(fewer, per_channel)).network
        except UserError:
            continue  # this network cannot be exported so: then it is no suggestion
    return found


def _same_samples(output: Output, network: "IntegerNetwork", run: Path | None, chosen: "Samples") -> float | None:
    """Return the float network's accuracy on the samples that the integers saw; None where that takes long or is known.

    Without it a ladder from all test samples to a few looks as if the integers had lost what the samples did.
    """
    from snn_deploy.deploy.running.event_counts import multiply_accumulates  # noqa: PLC0415
    from snn_deploy.deploy.running.simulation import as_frames  # noqa: PLC0415
    from snn_deploy.network import float_semantics  # noqa: PLC0415
    from snn_deploy.network.float_network import read_float_network  # noqa: PLC0415

    count = len(chosen.labels)
    work = sum(multiply_accumulates(network).values()) * network.steps * count
    if run is None or count == network.provenance.get("test_samples") or work > _MOST_FLOAT_WORK:
        return None
    floats = read_float_network(run / "float_network.npz")
    frames, right = as_frames(network, chosen.shown), 0
    with output.progress("floats", count) as advance:
        for start in range(0, count, _FLOATS_AT_A_TIME):
            here = slice(start, start + _FLOATS_AT_A_TIME)
            trace, name = float_semantics.run(floats, frames[:, here]), floats.output.name
            sums = trace.spikes[name].sum(axis=0) if floats.output.fires else trace.potentials[name][-1]
            right += int((sums.reshape(len(sums), -1).argmax(axis=1) == chosen.labels[here]).sum())
            advance(len(sums))
    return right / count


def _ladder(
    network: "IntegerNetwork", accuracy: float, count: int, compared: "Compared", same_samples: float | None
) -> "tuple[Rung, ...]":
    from snn_deploy.report.findings import Rung  # noqa: PLC0415

    origin = network.provenance
    tested = f"{origin['test_samples']:,} test samples, after training" if "test_samples" in origin else "not known"
    rungs = [Rung("floats", origin.get("float_accuracy"), tested)]
    if origin.get("quantized_accuracy") is not None:
        rungs.append(Rung("quantization-aware", origin["quantized_accuracy"], tested))
    if same_samples is not None:
        rungs.append(Rung("floats again", same_samples, f"the {count:,} test samples of the rows below"))
    rungs.append(Rung("integers", accuracy, f"{count:,} test samples, on cpu"))
    broken = {line.split(":")[0] for line in compared.differences}
    rungs += [
        Rung(name, None if name in broken else accuracy, f"{word} {compared.backends[0]} on {compared.samples} samples")
        for name in compared.backends[1:]
        for word in ["differs from" if name in broken else "every spike as"]
        if name != "cpu"
    ]
    return tuple(rungs)


def _training(run: Path | None) -> "tuple[Training | None, str]":
    """Return what the run's folder holds of its training, and its config as TOML."""
    from snn_deploy.report.charts import as_chart  # noqa: PLC0415
    from snn_deploy.report.findings import Training  # noqa: PLC0415
    from snn_deploy.train.run.plots import draw  # noqa: PLC0415
    from snn_deploy.train.run.run_folder import RunFolder  # noqa: PLC0415
    from snn_deploy.train.run.run_start import config_of_run  # noqa: PLC0415

    if run is None or not RunFolder(run).config.exists():
        return None, ""
    lines = RunFolder(run).read_metrics()
    if not lines:
        return None, RunFolder(run).config.read_text(encoding="utf-8")
    words = {
        "training": "Accuracy and loss terms over the epochs; the accuracies stand in the table above.",
        "spike_rates": "Spike rate of each layer over the epochs.",
        "surrogate": "The derivative of a spike that training assumed.",
        "membranes": "Potentials before the reset in floats, after the first and the last epoch.",
    }
    charts = tuple(
        as_chart(f"Training: {name.replace('_', ' ')}", words.get(name, name), figure)
        for name, figure in draw(config_of_run(run), lines).items()
    )
    return Training(tuple(lines[-_MOST_EPOCHS:]), charts), RunFolder(run).config.read_text(encoding="utf-8")


def _provenance(network: "IntegerNetwork") -> tuple[tuple[str, str], ...]:
    origin = network.provenance
    rows: list[tuple[str, Any]] = [
        ("network, SHA-256", network.digest),
        ("exported by", origin.get("export", {}).get("tool", "not known")),
        ("weight bits", origin.get("export", {}).get("weight_bits", "not known")),
        ("seed", origin.get("config", {}).get("seed", "not known")),
        ("data", origin.get("config", {}).get("data", {}).get("name", "not known")),
        ("Python", ".".join(map(str, sys.version_info[:3]))),
        *((package, version(package)) for package in ("snn-deploy", "torch", "numpy", "onnx", "matplotlib")),
    ]
    return tuple((name, str(value)) for name, value in rows)


def _commands(
    source: Path,
    profiles: Sequence[str],
    data: str | None,
    samples: int,
    compared: int,
    beside: Path | None,
    backends: Sequence[str],
) -> tuple[str, ...]:
    options = [f"--profile {name}" for name in profiles] + ([f"--data {data}"] if data else [])
    options += [f"--beside {beside}"] if beside else []
    options += [f"--samples {samples}", f"--compared {compared}", f"--backends {','.join(backends)}"]
    verified = f"snn-deploy verify {source} --backends {','.join(backends)} --samples {compared}"
    return (f"snn-deploy report {source} {' '.join(options)}", verified)
