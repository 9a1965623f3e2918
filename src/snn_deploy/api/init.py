"""init: a config to begin with, commented, and the schema by which an editor knows its keys."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from snn_deploy.support.atomic_file import write_text
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.result import Block, Result
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.config_keys import keys_of
from snn_deploy.train.config.json_schema import TITLE, json_schema
from snn_deploy.train.config.read_config import changed_table, resolved_config
from snn_deploy.train.config.starting_config import starting_config
from snn_deploy.train.config.train_config import CHOICES
from snn_deploy.train.data.place_key import place_key

SCHEMA = "snn-deploy.schema.json"  # beside the config, which names it
_MODEL = "layer_string"
_VALUE_MODEL, _VALUE_LAYERS = "filtered_output", "256"
_LAYERS = {False: "16C3-P2-32C3-P2", True: "128"}  # of images, and of signals, which may have no two dimensions


@dataclass(frozen=True, repr=False)
class InitResult(Result):
    """A config to begin with. config: its file; schema: that of the schema. data, model: what was chosen."""

    config: Path
    schema: Path
    data: str
    model: str

    def headline(self) -> str:
        """Return the file and what is in it."""
        return f"{self.config}: {self.model} on {self.data}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the files, and what to do with them."""
        return (
            f"wrote {self.config}: {self.model} on {self.data}",
            f"wrote {self.schema}, by which an editor completes its keys",
            "go on with:",
            f"  snn-deploy train {self.config}",
        )

    def to_dict(self) -> dict[str, object]:
        """Return both files and what was chosen."""
        return {"config": str(self.config), "schema": str(self.schema), "data": self.data, "model": self.model}


def init(path: str | Path | None = None, *, data: str, model: str = _MODEL, changes: Sequence[str] = ()) -> InitResult:
    """Return the file of a new config for a data set and a model, with a comment for every key.

    Parameters
    ----------
    path
        The file; None is DATA.toml. One that is there already stays as it is: that is a UserError.
    data
        The name of a data set, or NAME:PATH.
    model
        The name of a model.
    changes
        Assignments such as "training.epochs=5" or "norm.name=scale_tdbn": choices that are not left at their defaults.

    Raises
    ------
    UserError
        For a name or key that does not exist, choices that make no sense together, a file that is there already.
    """
    name, _, place = data.partition(":")
    file = Path(f"{name}.toml" if path is None else path)
    if file.exists():
        raise UserError(f"{file}: is there already. Give another path, or remove it.")
    kind = load_plugin(CHOICES["data"].package, name).Dataset
    options = {field.name: field.default for field in fields(kind)}
    if getattr(kind, "gives_values", False) and model == _MODEL:
        model = _VALUE_MODEL  # a sum of everything since the first step follows no signal
    table: dict[str, Any] = {"data": {"name": name}, "model": {"name": model}}
    if place:
        table["data"][place_key(kind)] = place
    if "steps" in options:  # as many frames as the samples have
        table["steps"] = options["steps"]
    if "padding" in options and model != _MODEL:
        table["data"]["padding"] = 2  # images of 28x28 are too small, or of an odd size, for the halvings of deep ones
    if "points" in options:
        table["steps"] = options["points"]
    if model == _VALUE_MODEL:
        table["model"]["layers"] = _VALUE_LAYERS
    if model == _MODEL:
        table["model"]["layers"] = _LAYERS[getattr(kind, "gives_signals", False)]
    chosen = changed_table(table, changes)
    given = chosen["data"]
    missing = next((key.name for key in keys_of(kind) if key.must_be_given and key.name not in given), None)
    if missing is not None and given.get("name") == name:
        raise UserError(f"--data {name}: where is its {missing}? Give --data {name}:PATH.")
    config = resolved_config(chosen, "init")
    schema = file.with_name(SCHEMA)
    if schema.exists() and TITLE not in schema.read_text(encoding="utf-8", errors="replace"):
        raise UserError(f"{schema}: is there already and is no schema of ours. Write the config to another folder.")
    write_text(schema, schema_text())
    write_text(file, starting_config(chosen, config, file.name, SCHEMA))
    return InitResult(file, schema, config.data.name, config.model.name)


def schema_text() -> str:
    """Return the JSON Schema of a config as a file has it."""
    return json.dumps(json_schema(), indent=1) + "\n"
