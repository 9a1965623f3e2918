"""snn-deploy fit: make a trained network smaller until it fits; or say from a config alone what will fit."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

import snn_deploy as sd
from snn_deploy.cli.completion import plug_ins, profiles
from snn_deploy.cli.options import set_option, storage_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    from snn_deploy.deploy.mapping.cores.placement import Storage
    from snn_deploy.fitting.settings import Criterion, Pruned

_ONLY_BEFORE = ("density", "input_shape", "classes")
_ONLY_TRAINED = ("busiest_us", "rounds", "epochs", "quantized_epochs", "criterion", "prune", "samples", "verified",
                 "backends", "out", "resume")  # fmt: skip


@click.command("fit")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--before-training", is_flag=True, help="RUN is a config: say what its network will take, untrained.")
@click.option(
    "--chip",
    "--profile",
    "chip",
    shell_complete=profiles(),
    default="loihi2",
    show_default=True,
    help="A hardware profile: a name, or a TOML file.",
)
@click.option("--cores", type=click.IntRange(min=1), help="The most cores that it may take.")
@click.option("--chips", type=click.IntRange(min=1), help="The most chips that it may take.")
@click.option("--busiest-us", type=float, help="The most microseconds of a step that a core may work.")
@click.option("--rounds", default=3, show_default=True, help="In so many rounds channels go.")
@click.option("--epochs", default=1, show_default=True, help="Epochs of training after each round.")
@click.option(
    "--quantized-epochs", default=1, show_default=True, help="Epochs with rounded weights, after those of the last."
)
@click.option(
    "--criterion",
    type=click.Choice(["taylor", "magnitude"]),
    default="taylor",
    show_default=True,
    help="Which channels go: those that save most on the chip for the loss that they cost, or of every layer the same "
    "share with the smallest weights.",
)
@click.option(
    "--prune",
    type=click.Choice(["both", "channels", "synapses"]),
    default="both",
    show_default=True,
    help="What may go; synapses where the chip stores only those that there are (loihi1).",
)
@click.option("--samples", default=500, show_default=True, help="Training samples to estimate losses on.")
@click.option("--weight-bits", type=click.IntRange(2, 8), help="Of a signed weight. Default: as trained, else 8.")
@storage_option
@set_option("Set a key of the config of every stage.", "changes")
@click.option("--verify", "verified", default=5, show_default=True, help="Test samples to compare every spike on.")
@click.option(
    "--backends",
    shell_complete=plug_ins("deploy.backends", is_list=True),
    default="reference,cpu,onnx",
    show_default=True,
    help="Backends to compare.",
)
@click.option("--density", default=1.0, show_default=True, help="Before training: the share of weights that is not 0.")
@click.option("--input-shape", help="Before training, where the data are not here: such as 3,32,32.")
@click.option("--classes", type=click.IntRange(min=1), help="Before training, beside --input-shape.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the fit. Default: runs/fit-RUN.")
@click.option("--resume", is_flag=True, help="Continue the fit in --out.")
@verb
def command(
    output: Output,
    run: Path,
    before_training: bool,
    chip: str,
    cores: int | None,
    chips: int | None,
    busiest_us: float | None,
    rounds: int,
    epochs: int,
    quantized_epochs: int,
    criterion: "Criterion",
    prune: "Pruned",
    samples: int,
    weight_bits: int | None,
    storage: "Storage",
    changes: tuple[str, ...],
    verified: int,
    backends: str,
    density: float,
    input_shape: str | None,
    classes: int | None,
    out: Path | None,
    resume: bool,
) -> int:
    """Make the trained network of RUN smaller until it fits what --cores, --chips and --busiest-us say.

    In each round, whole channels go: those that save most on the chip, as map counts it, for the accuracy that they
    cost, as estimated on training samples. Between the rounds the network trains. Every stage is an ordinary run in
    --out; the last one is exported and verified. --resume continues a fit that was stopped at any moment. Exit code 1
    when a spike differs, or when the network does not fit in the end: then it says how near it came.

    \b
    Examples:
      snn-deploy fit runs/fashion --cores 6
      snn-deploy fit runs/fashion --chip loihi2 --busiest-us 20 --rounds 2 --epochs 2
      snn-deploy fit fashion_mnist.toml --before-training --cores 6
    """
    _require_of_this_use(before_training)
    if before_training:
        planned = sd.fit_before_training(
            run,
            chip=chip,
            cores=cores,
            chips=chips,
            changes=changes,
            weight_bits=weight_bits,
            density=density,
            input_shape=None if input_shape is None else _shape(input_shape),
            classes=classes,
            storage=storage,
        )
        output.show(planned)
        return 0 if planned.fits else FAILED_CHECK
    if run.suffix == ".toml":
        raise UserError(f"{run}: is a config. Give the folder of a finished run, or --before-training.")
    from snn_deploy.cli.training_progress import training_progress  # noqa: PLC0415 - slow to import

    with training_progress(output) as watcher:
        result = sd.fit(
            run,
            chip=chip,
            cores=cores,
            chips=chips,
            busiest_us=busiest_us,
            rounds=rounds,
            epochs=epochs,
            quantized_epochs=quantized_epochs,
            criterion=criterion,
            prune=prune,
            samples=samples,
            weight_bits=weight_bits,
            changes=changes,
            storage=storage,
            verify_samples=verified,
            backends=backends.split(","),
            out=out,
            resume=resume,
            watcher=watcher,
            watch=output,
        )
    output.show(result)
    return 0 if result.fits and result.is_identical else FAILED_CHECK


def _require_of_this_use(before_training: bool) -> None:
    """Raise UserError where an option was given that the other of the two uses has."""
    context = click.get_current_context()
    foreign = _ONLY_TRAINED if before_training else _ONLY_BEFORE
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in foreign:
            use = "is of a trained run; leave out --before-training" if before_training else "needs --before-training"
            raise UserError(f"{parameter.opts[-1]}: {use}, or leave it out.")


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UserError(f"--input-shape {text}; allowed are whole numbers such as 3,32,32.") from None
