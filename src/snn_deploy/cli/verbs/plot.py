"""snn-deploy plot: pictures of a run."""

from pathlib import Path

import click

from snn_deploy.cli.output import Output, verb
from snn_deploy.support.user_error import UserError

_DOTS_PER_INCH = 150


@click.command("plot")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pictures; default RUN/plots.")
@verb
def command(output: Output, run: Path, out: Path | None) -> None:
    """Draw RUN (a run folder, finished or not) as PNG files.

    training.png: accuracy and loss terms. spike_rates.png: every layer's rate over the epochs. membranes.png: its
    potentials against the threshold. surrogate.png: the gradient that training assumes.

    Example: snn-deploy plot runs/digits-seed0
    """
    from snn_deploy.support.atomic_file import atomic_path  # noqa: PLC0415 - matplotlib and torch are slow to import
    from snn_deploy.train.run.plots import draw  # noqa: PLC0415
    from snn_deploy.train.run.run_folder import RunFolder  # noqa: PLC0415
    from snn_deploy.train.run.run_start import config_of_run  # noqa: PLC0415

    config = config_of_run(run)
    lines = RunFolder(run).read_metrics()
    if not lines:
        raise UserError(f"{run}: no epoch is finished yet. Plot it after its first epoch.")
    folder = out or run / "plots"
    written = []
    for name, figure in draw(config, lines).items():
        with atomic_path(folder / f"{name}.png") as temporary:
            figure.savefig(temporary, dpi=_DOTS_PER_INCH, format="png")
        written.append(str(folder / f"{name}.png"))
        output.say(f"wrote {written[-1]}")
    if "membranes" not in {Path(path).stem for path in written}:
        output.say("no membranes.png: training.measured_samples was 0, so no potentials were measured.")
    output.result({"files": written})
