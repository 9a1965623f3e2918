"""options: the options that several verbs share."""

import click

data_option = click.option(
    "--data", help="Data set: NAME, or NAME:PATH. Default: the test split of the one that the network was trained on."
)
