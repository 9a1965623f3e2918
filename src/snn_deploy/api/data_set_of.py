"""data_set_of: the data set and the encoder that a network's provenance names, and what a file may choose of them.

A file never acts: it may choose what comes with the program and how samples are cut, but no download, no place outside
of the current folder and no plug-in. What the user names may.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from snn_deploy.network.field_check import shown
from snn_deploy.support.plugin import comes_with_the_program, load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.checked_options import checked_options
from snn_deploy.train.config.train_config import HeldOut
from snn_deploy.train.data.data_set_name import DataSetName
from snn_deploy.train.data.encoded_signals import Encoder
from snn_deploy.train.data.place_key import place_key
from snn_deploy.train.data.splits import DatasetOptions


def data_set_of(provenance: Mapping[str, Any], data: str | None) -> tuple[DatasetOptions, float, str]:
    """Return a data set, the share of it that training holds out for validation, and its name for errors."""
    config = provenance.get("config", {})
    stated = dict(config.get("data", {}))
    trained_on, place = stated.pop("name", None), ""
    held_out = {key.name: stated.pop(key.name) for key in fields(HeldOut) if key.name in stated}
    if data is not None:
        name, _, place = data.partition(":")
    elif trained_on is None:
        raise UserError(
            "the network does not say what it was trained on. Give --data NAME or NAME:PATH, such as "
            "npz_file:FILE.npz with arrays test_images and test_labels; in Python, inputs and labels."
        )
    else:
        name = trained_on
        if not comes_with_the_program("train.datasets", name):
            raise UserError(
                f"the network was trained on data {shown(name)}, which does not come with the program, and a file may "
                "not run a plug-in. If you trust it, give --data NAME or NAME:PATH."
            )
    where = f"data {name!r}"
    kind = load_plugin("train.datasets", name).Dataset
    if data is None:
        options = _without_acting(kind, name, stated)
    else:
        options = _harmless(kind, stated) if name == trained_on else {}
        if place:
            options[place_key(kind)] = place
    share = checked_options(HeldOut, held_out, "provenance").validation
    return checked_options(kind, options, where), share, where


def encoder_of(stated: Mapping[str, Any], is_trusted: bool) -> Encoder:
    """Return the encoder that a file states, one that comes with the program unless the file is trusted."""
    if "name" not in stated:
        raise UserError("data: signals, and the network was not trained on any. Choose the data it was trained for.")
    name = stated["name"]
    if not is_trusted and not comes_with_the_program("train.encoders", name):
        raise UserError(
            f"the network was trained with encoder {shown(name)}, which does not come with the program, and a file may "
            "not run a plug-in. If you trust it, give --data NAME or NAME:PATH."
        )
    options = {key: value for key, value in stated.items() if key != "name"}
    encoder: Encoder = checked_options(load_plugin("train.encoders", name).Encoder, options, f"encoder {name!r}")
    return encoder


def _without_acting(kind: type, name: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a file states for the data set `kind`; a place that it may not choose is a UserError."""
    default = {field.name: field.default for field in fields(kind)}
    for key in _places(kind):
        place = stated.get(key, default[key])
        if place != default[key] and _leads_away(place):
            raise UserError(
                f"the network was trained on data {name!r} with {key} {shown(place)}, and a file may not choose a "
                f"place outside of the current folder. If you trust it, give it yourself: --data {name}:PATH."
            )
    for key, hint in get_type_hints(kind).items():
        if hint is DataSetName and not comes_with_the_program("train.datasets", stated.get(key, default[key])):
            raise UserError(
                f"the network was trained on data {name!r} with {key} {shown(stated[key])}, which does not come with "
                f"the program, and a file may not run a plug-in. If you trust it, give --data {name}."
            )
    kept = {"download": False} if "download" in default else {}
    return {**stated, **kept, **({"cache": default["cache"]} if "cache" in default else {})}


def _harmless(kind: type, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a file states for the data set `kind`, without places and downloads."""
    known = {field.name for field in fields(kind)} - _places(kind) - {"download"}
    return {key: value for key, value in stated.items() if key in known}


def _places(kind: type) -> set[str]:
    """Return the options of a data set that say where its files are: those that are any text."""
    return {name for name, hint in get_type_hints(kind).items() if hint is str}


def _leads_away(place: object) -> bool:
    """Return whether `place` may be anything but a folder or file below the current folder."""
    is_plain = isinstance(place, str) and place.isprintable() and not place.startswith("~")
    return not is_plain or Path(str(place)).is_absolute() or ".." in Path(str(place)).parts
