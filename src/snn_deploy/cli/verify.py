"""snn-deploy verify: the same inputs on several backends, every spike compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.inputs import DATA_HELP, network_file, read_network, require_fit, test_samples
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.deploy.backend import load_backend
from snn_deploy.export.integer_network import IntegerNetwork
from snn_deploy.train.samples import Samples
from snn_deploy.user_error import UserError

_EXPORTED = {"netx": "network.net", "onnx": "network.onnx"}  # backend -> the exported file that it runs


@click.command("verify")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--backends",
    help="Compared with the first one; default: reference,cpu,lava, and netx and onnx where NETWORK has their files.",
)
@click.option("--data", help=DATA_HELP)
@click.option("--samples", default=20, show_default=True, help="How many test samples; 0 is all.")
@verb
def command(output: Output, network: Path, backends: str | None, data: str | None, samples: int) -> int:
    """Run the same samples on every backend and compare every spike of every layer and every output.

    The backends netx and onnx run the files network.net and network.onnx beside NETWORK, as they were exported; where
    there is no network.onnx, onnx makes its own. Exit code 1 when a spike or an output differs.
    Example: snn-deploy verify runs/digits-seed0/loihi --samples 50
    """
    integer = read_network(network)
    chosen = test_samples(integer.provenance, data, samples)
    require_fit(integer, chosen)
    files = exported_files(network)
    names = (
        backends.split(",") if backends else ["reference", "cpu", "lava", *(n for n, f in files.items() if f.is_file())]
    )
    result, is_identical = verify_with_output(output, integer, chosen, names, files)
    output.result(result)
    return 0 if is_identical else FAILED_CHECK


def exported_files(network: Path) -> dict[str, Path]:
    """Return backend -> the file beside `network` that it runs; netx's even where it is missing, and must be named."""
    files = {backend: network_file(network).with_name(name) for backend, name in _EXPORTED.items()}
    return {backend: file for backend, file in files.items() if backend == "netx" or file.is_file()}


def verify_with_output(
    output: Output, network: IntegerNetwork, samples: Samples, backends: Sequence[str], files: Mapping[str, Path]
) -> tuple[dict[str, Any], bool]:
    """Verify and print the outcome; return what --json prints, and whether everything is identical."""
    from snn_deploy.deploy.verify import verify  # noqa: PLC0415

    for name in backends:
        try:
            load_backend(name)
        except UserError as error:
            others = ",".join(n for n in backends if n != name)
            raise UserError(f"{error} Or leave it out: --backends {others}.") from error
    with output.progress(f"verify {', '.join(backends)}", len(samples.labels) * len(backends)) as advance:
        verification = verify(network, samples.inputs, backends, files=files, progress=advance)
    output.say(str(verification))
    return verification.as_json(), verification.is_identical
