"""inputs: how verbs find a network and the samples to run it on."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from snn_deploy.network.integer_network import IntegerNetwork, read_integer_network
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.checked_options import checked_options
from snn_deploy.train.data.input_coding import coded
from snn_deploy.train.data.samples import Samples

DATA_HELP = "Data set: its name, or NAME:PATH; default: the test split of the one that the network was trained on."


def network_file(path: Path) -> Path:
    """Return the file of an exported network: `path` itself, or network.npz in the folder `path`."""
    return path / "network.npz" if path.is_dir() else path


def read_network(path: Path) -> IntegerNetwork:
    """Return the exported network at `path`, a file or the folder that `export` wrote."""
    return read_integer_network(network_file(path))


def test_samples(provenance: Mapping[str, Any], data: str | None, count: int) -> Samples:
    """Return the first `count` test samples (0: all) of `data`, or of the data set in the network's provenance."""
    place = ""
    if data is None:
        try:
            options = dict(provenance["config"]["data"])
        except KeyError:
            raise UserError("the network does not say what it was trained on. Give --data NAME or NAME:PATH.") from None
    else:
        name, _, place = data.partition(":")
        options = {"name": name}
    name = options.pop("name")
    where = f"data {name!r}"
    kind = load_plugin("train.datasets", name).Dataset
    if place:  # the first option of a data set is where its files are
        options[next((field.name for field in fields(kind)), "folder")] = place
    dataset = checked_options(kind, options, where)
    if count < 0:
        raise UserError(f"--samples {count}; allowed is a whole number from 0 (all).")
    samples: Samples = dataset.load("test")
    if count > len(samples.labels):
        raise UserError(f"--samples {count}; {where} has {len(samples.labels)} test samples.")
    config = provenance.get("config", {})
    return coded(samples.first(count), config.get("coding", "direct"), config.get("steps", 1))


def require_fit(network: IntegerNetwork, samples: Samples) -> None:
    """Raise UserError unless `samples` have the shape and range of the network's input."""
    shape = samples.shape
    if shape != network.input.shape or samples.largest_value != network.input.largest_value:
        raise UserError(
            f"data: samples of shape {shape} with values 0..{samples.largest_value}; the network takes "
            f"{network.input.shape} with values 0..{network.input.largest_value}. Choose the data it was trained for."
        )
    if samples.steps not in (None, network.steps):
        raise UserError(f"data: samples of {samples.steps} steps; the network takes {network.steps}.")
