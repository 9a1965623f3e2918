"""snn-deploy verify: the same inputs on several backends, every spike compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.inputs import DATA_HELP, network_file, read_network, require_fit, test_samples
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.deploy.backend import load_backend
from snn_deploy.export.integer_network import IntegerNetwork
from snn_deploy.train.samples import Samples
from snn_deploy.user_error import UserError


@click.command("verify")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--backends", default="reference,cpu,lava,netx", show_default=True, help="Compared with the first one.")
@click.option("--data", help=DATA_HELP)
@click.option("--samples", default=20, show_default=True, help="How many test samples; 0 is all.")
@verb
def command(output: Output, network: Path, backends: str, data: str | None, samples: int) -> int:
    """Run the same samples on every backend and compare every spike of every layer and every output.

    The netx backend runs the file network.net beside NETWORK, as it was exported. Exit code 1 when a spike or an
    output differs. Example: snn-deploy verify runs/digits-seed0/loihi --samples 50
    """
    integer = read_network(network)
    chosen = test_samples(integer.provenance, data, samples)
    require_fit(integer, chosen)
    exported = network_file(network).with_name("network.net")
    result, is_identical = verify_with_output(output, integer, chosen, backends.split(","), exported)
    output.result(result)
    return 0 if is_identical else FAILED_CHECK


def verify_with_output(
    output: Output, network: IntegerNetwork, samples: Samples, backends: Sequence[str], netx_file: Path
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
        verification = verify(network, samples.inputs, backends, netx_file=netx_file, progress=advance)
    output.say(str(verification))
    return verification.as_json(), verification.is_identical
