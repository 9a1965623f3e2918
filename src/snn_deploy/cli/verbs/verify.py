"""snn-deploy verify: the same inputs on several backends, every spike compared."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.inputs import DATA_HELP, network_file, read_network, require_fit, test_samples
from snn_deploy.cli.output import FAILED_CHECK, Output, say_expected, verb
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.verification.cut_network import first_layers
from snn_deploy.deploy.verification.input_sets import InputSet, check_inputs, nasty_sets, random_sets
from snn_deploy.deploy.verification.verify import Verification, verify
from snn_deploy.deploy.verification.verify_layers import verify_layers
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples

_EXPORTED = {"netx": "network.net", "onnx": "network.onnx"}  # backend -> the exported file that it runs


@click.command("verify")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--backends",
    help="Compared with the first one; default: reference,cpu,lava, and netx and onnx where NETWORK has their files.",
)
@click.option("--inputs", default="data", show_default=True, help="What is shown: any of data,random,nasty.")
@click.option("--data", help=DATA_HELP)
@click.option("--samples", default=20, show_default=True, help="How many test samples; 0 is all.")
@click.option("--layers", type=click.IntRange(min=1), help="Cut the network to so many first layers.")
@click.option("--per-layer", is_flag=True, help="Feed every layer with the first backend's spikes.")
@click.option("--seed", default=0, show_default=True, help="Of the random inputs.")
@verb
def command(
    output: Output,
    network: Path,
    backends: str | None,
    inputs: str,
    data: str | None,
    samples: int,
    layers: int | None,
    per_layer: bool,
    seed: int,
) -> int:
    """Run the same samples on every backend and compare every spike of every layer and every output.

    Nasty inputs are made for the network: the extremes of its input's range, single pixels, frames that alternate,
    potentials that stand exactly at a threshold, one below and one above, and more steps than it was exported with.
    The backends netx and onnx run the files network.net and network.onnx beside NETWORK, as they were exported; where
    there is no network.onnx, or it cannot take the inputs, onnx makes its own; with --layers or --per-layer both do.
    With --per-layer every layer runs by itself, fed with what its sources sent on the first backend, so that a
    difference stays in its layer. Exit code 1 when a spike or an output differs.
    Example: snn-deploy verify runs/digits-seed0/loihi --samples 50 --inputs data,random,nasty
    """
    kinds = inputs.split(",")
    check_inputs(kinds)
    if seed < 0:
        raise UserError(f"--seed {seed}; allowed is a whole number from 0.")
    integer = read_network(network)
    sets: list[InputSet] = []
    if "data" in kinds:
        chosen = test_samples(integer.provenance, data, samples)
        require_fit(integer, chosen)
        sets.append(data_set(integer, chosen))
    if "random" in kinds:
        sets += random_sets(integer, seed)
    if "nasty" in kinds:
        sets += nasty_sets(integer)
    files = exported_files(network)
    names = (
        backends.split(",") if backends else ["reference", "cpu", "lava", *(n for n, f in files.items() if f.is_file())]
    )
    if layers is not None:
        sets = [_cut(shown, layers) for shown in sets]
    usable = {} if layers is not None or per_layer else files
    result, is_identical = verify_with_output(output, sets, names, usable, per_layer=per_layer)
    output.result(result)
    return 0 if is_identical else FAILED_CHECK


def exported_files(network: Path) -> dict[str, Path]:
    """Return backend -> the file beside `network` that it runs; netx's even where it is missing, and must be named."""
    files = {backend: network_file(network).with_name(name) for backend, name in _EXPORTED.items()}
    return {backend: file for backend, file in files.items() if backend == "netx" or file.is_file()}


def data_set(network: IntegerNetwork, samples: Samples) -> InputSet:
    """Return `samples` as verify_with_output takes them."""
    return InputSet("data", network, samples.shown, tuple(f"test sample {i}" for i in range(len(samples.labels))))


def _cut(shown: InputSet, layers: int) -> InputSet:
    network, inputs = first_layers(shown.network, shown.inputs, layers)
    return replace(shown, network=network, inputs=inputs)


def verify_with_output(
    output: Output,
    sets: Sequence[InputSet],
    backends: Sequence[str],
    files: Mapping[str, Path],
    *,
    per_layer: bool = False,
) -> tuple[dict[str, Any], bool]:
    """Verify all of `sets` and print the outcome; return what --json prints, and whether everything is identical."""
    for name in backends:
        try:
            load_backend(name)
        except UserError as error:
            others = ",".join(n for n in backends if n != name)
            raise UserError(f"{error} Or leave it out: --backends {others}.") from error
    reports = []
    exported = sets[0].network  # the first set never has other steps
    for shown in sets:
        runs = 1 + (len(backends) - 1) * (len(shown.network.populations) if per_layer else 1)
        for name in backends:
            say_expected(output, name, shown.network, len(shown.names))
        with output.progress(f"verify {', '.join(backends)}: {shown.name}", len(shown.names) * runs) as advance:
            if per_layer:
                found = verify_layers(shown.network, shown.inputs, backends, progress=advance)
            else:
                usable = _usable(files, exported, shown)
                found = verify(shown.network, shown.inputs, backends, files=usable, progress=advance)
        output.say(str(found) if len(sets) == 1 else f"{shown.name}: {found}")
        output.say("samples a second: " + ", ".join(f"{n} {_rate(r)}" for n, r in found.samples_per_second().items()))
        reports.append(_report(shown, found))
    is_identical = all(report["identical"] for report in reports)
    result = {
        "identical": is_identical,
        "backends": list(backends),
        "samples": sum(report["samples"] for report in reports),
        "spikes": sum(report["spikes"] for report in reports),
        "differences": [d for report in reports for d in report.pop("differences")],
        "inputs": reports,
    }
    return result, is_identical


def _rate(samples_per_second: float) -> str:
    return f"{samples_per_second:.3g}" if samples_per_second < 100 else f"{samples_per_second:.0f}"


def _usable(files: Mapping[str, Path], exported: IntegerNetwork, shown: InputSet) -> dict[str, Path]:
    """Return the exported files that can run `shown`: none at other steps, and an ONNX model of images no frames."""
    if shown.network is not exported:
        return {}
    is_images = shown.inputs.shape[1:] == exported.input.shape
    return {backend: file for backend, file in files.items() if backend != "onnx" or is_images}


def _report(shown: InputSet, found: Verification) -> dict[str, Any]:
    report = {"name": shown.name, "steps": shown.network.steps, **found.as_json()}
    del report["backends"]
    for difference in report["differences"]:
        difference |= {"inputs": shown.name, "sample_name": shown.names[difference["sample"]]}
    return report
