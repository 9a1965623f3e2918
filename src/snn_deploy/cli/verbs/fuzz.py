"""snn-deploy fuzz: random networks on several backends, every spike compared."""

import click

import snn_deploy as sd
from snn_deploy.cli.completion import plug_ins
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.support.user_error import UserError


@click.command("fuzz")
@click.option("--networks", default=100, show_default=True, help="How many random networks.")
@click.option("--seed", default=0, show_default=True, help="Of the first network; each further one has the next seed.")
@click.option(
    "--backends",
    shell_complete=plug_ins("deploy.backends", is_list=True),
    default="reference,cpu,onnx",
    show_default=True,
    help="The first is the one that the others are compared with.",
)
@verb
def command(output: Output, networks: int, seed: int, backends: str) -> int:
    """Draw random legal networks and inputs, and compare every spike and output of the backends.

    The networks have loops, delays and joins, all kinds of convolutions, pooling, resets, decays and thresholds, and
    sums that overflow the states; for netx only what its format can express. Exit code 1 when a network differs: its
    seed and the command that repeats it are printed.

    Example: snn-deploy fuzz --networks 1000 --backends reference,cpu
    """
    found = sd.fuzz(networks, seed=seed, backends=backends.split(","), watch=output)
    if not found.compared and not found.failures:
        for block in found.blocks():
            output.line(str(block))
        raise UserError(f"none of {networks} networks could be compared; the reasons are above. Choose other backends.")
    output.show(found)
    return 0 if found.is_identical else FAILED_CHECK
