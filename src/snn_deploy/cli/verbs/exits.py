"""snn-deploy exits: when a sample may stop before the last step."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.options import data_option
from snn_deploy.cli.output import Output, verb
from snn_deploy.deploy.exits.sureness import RULES, Rule


@click.command("exits")
@click.argument("network", type=click.Path(path_type=Path))
@data_option
@click.option("--samples", default=0, show_default=True, help="Validation samples to fit on; 0: all.")
@click.option("--test-samples", default=0, show_default=True, help="Test samples to measure on; 0: all.")
@click.option(
    "--rule", type=click.Choice(RULES), default="margin", show_default=True, help="What says how sure an output is."
)
@click.option(
    "--allowed-loss", default=0.1, show_default=True, help="Points of accuracy that stopping may cost, on validation."
)
@click.option("--coverage", type=float, help="Also calibrate sets that hold the class so often, such as 0.95.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write. Default: exits.json beside NETWORK.")
@verb
def command(
    output: Output,
    network: Path,
    data: str | None,
    samples: int,
    test_samples: int,
    rule: Rule,
    allowed_loss: float,
    coverage: float | None,
    out: Path | None,
) -> None:
    """Fit for NETWORK from which sureness on a sample stops in each step, on validation samples; write it to a file.

    margin is the difference of the two highest outputs; entropy and confidence are of their softmax. Chosen are the
    fewest steps on average that lose no more accuracy than --allowed-loss. Test samples are looked at once, with the
    fitted thresholds. `snn-deploy run NETWORK --exits FILE` stops by them.

    Example: snn-deploy exits runs/fashion/loihi --allowed-loss 0.1 --coverage 0.95
    """
    result = sd.exits(
        network,
        data,
        samples=samples,
        test_samples=test_samples,
        rule=rule,
        allowed_loss=allowed_loss / 100,
        coverage=coverage,
        watch=output,
    )
    output.show(result.save(out))
