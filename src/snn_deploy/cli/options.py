"""options: the options that several verbs share."""

from collections.abc import Callable
from pathlib import Path

import click

from snn_deploy.cli.completion import assignments, plug_ins

data_option = click.option(
    "--data",
    shell_complete=plug_ins("train.datasets"),
    help="Data set: NAME, or NAME:PATH. Default: the test split of the one that the network was trained on.",
)
exits_option = click.option(
    "--exits", type=click.Path(path_type=Path), help="Stop each sample as this file of `exits` says."
)
storage_option = click.option(
    "--storage",
    type=click.Choice(["nengo-loihi", "margins", "sub-lists"]),
    default="nengo-loihi",
    show_default=True,
    help="How kernels are stored where words of synapse memory are counted (Loihi 1). margins takes fewer cores, and "
    "sub-lists fewer still, but rests on more that no chip has shown.",
)


def set_option(about: str, name: str = "assignments") -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Return the option --set of a verb that takes a config. about: its help; name: of the verb's parameter."""
    return click.option("--set", name, multiple=True, shell_complete=assignments, metavar="KEY=VALUE", help=about)
