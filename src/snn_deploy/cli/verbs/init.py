"""snn-deploy init: a commented config for a data set and a model."""

import sys
from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.completion import plug_ins
from snn_deploy.cli.options import set_option
from snn_deploy.cli.output import Output, verb
from snn_deploy.support.user_error import UserError


@click.command("init")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--data", shell_complete=plug_ins("train.datasets"), help="Data set: NAME, or NAME:PATH.")
@click.option(
    "--model",
    shell_complete=plug_ins("train.models"),
    default="layer_string",
    show_default=True,
    help="A model, such as resnet20.",
)
@set_option("Choose a value that is not the default, such as norm.name=scale_tdbn; may be given several times.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a config instead, and write nothing.")
@verb
def command(
    output: Output, path: Path | None, data: str | None, model: str, assignments: tuple[str, ...], schema: bool
) -> None:
    """Write a config to PATH (default: DATA.toml) that trains MODEL on a data set, with a comment for every key.

    Keys at their defaults are commented out. The schema of a config is written beside it, and the first line of the
    config names it: editors that know "#:schema" complete keys and mark what is wrong. A config that is there already
    is not written over.

    \b
    Examples:
      snn-deploy init mine.toml --data fashion_mnist --model resnet20
      snn-deploy init --data image_folder:photos --set training.epochs=30
    """
    if schema:
        from snn_deploy.api.init import schema_text  # noqa: PLC0415 - slow to import

        with output.live.paused():
            sys.stdout.write(schema_text())
        return
    if data is None:
        raise UserError("init: no data set. Give --data NAME or NAME:PATH; snn-deploy help config_keys lists them.")
    output.show(sd.init(path, data=data, model=model, changes=assignments))
