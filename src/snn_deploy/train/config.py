"""TrainConfig: a TOML file, read strictly into frozen dataclasses, with every plug-in chosen by name.

A table of the file that chooses a plug-in has the key `name` and beside it the plug-in's own options, such as
[surrogate] name = "dspike", temperature = 3.0. Losses are tables [losses.NAME], each with its options; so are
augmentations, [augmentations.NAME], which are applied in the order of their places (augmentation.py).
"""

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from snn_deploy.integer_fit import Limits
from snn_deploy.nearest_name import did_you_mean
from snn_deploy.plugin import load_plugin
from snn_deploy.train.checked_options import checked_options
from snn_deploy.train.combinations import require_sensible
from snn_deploy.train.input_coding import Coding
from snn_deploy.user_error import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SURROGATE, TIME_BASED = "surrogate", "time-based"


@dataclass(frozen=True)
class Training:
    """How long, with what, and what is kept and measured on the way.

    samples: 0 is the whole training set. threads: 0 leaves the choice to torch. device: "auto" is a GPU where there
    is one. checkpoint_every: batches between checkpoints within an epoch; 0 leaves those at the ends of epochs.
    measured_samples: test samples on which every layer is measured after each epoch; 0 measures none.
    synapses: "amx" computes convolutions and dense layers of spikes in int8 and bfloat16 (amx_synapses.py says what
    that rounds); "auto" does where the CPU can.
    """

    epochs: Annotated[int, Ge(1)] = 3
    batch_size: Annotated[int, Ge(1)] = 128
    samples: Annotated[int, Ge(0)] = 0
    threads: Annotated[int, Ge(0)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    checkpoint_every: Annotated[int, Ge(0)] = 0
    measured_samples: Annotated[int, Ge(0)] = 500
    tensorboard: bool = False
    synapses: Literal["auto", "float32", "amx"] = "auto"


@dataclass(frozen=True)
class QuantizationAware:
    """Training with weights as the exporter will round them, in the last `epochs` epochs; 0 is never.

    weight_bits, per_channel: as the exporter gets them; it takes them from the run where nothing else is said.
    """

    epochs: Annotated[int, Ge(0)] = 0
    weight_bits: Annotated[int, Ge(2), Le(8)] = 8
    per_channel: bool = False

    def limits(self, epoch: int, epochs: int) -> Limits | None:
        """Return what weights are rounded to in `epoch` (from 1) of `epochs`, or None for floats."""
        return Limits(self.weight_bits, self.per_channel) if epoch > epochs - self.epochs else None


@dataclass(frozen=True)
class Optimizer:
    """SGD with momentum. schedule: how the learning rate falls, the name of a file in train/schedules/."""

    learning_rate: Annotated[float, Gt(0)] = 0.03
    momentum: Annotated[float, Ge(0), Le(1)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 0.0
    schedule: str = "cosine"


@dataclass(frozen=True)
class Choice:
    """A plug-in that the config names, and its options (an instance of the plug-in's dataclass)."""

    name: str
    options: Any


@dataclass(frozen=True)
class TrainConfig:
    """Everything that a training run depends on. `table` gives it back as it would stand in a file.

    method: "surrogate", gradients of pretended derivatives, or "time-based", gradients on spike times
    (time_based_network.py), which has no use for `surrogate`. coding: how images are shown (input_coding.py).
    """

    data: Choice
    model: Choice
    neuron: Choice
    norm: Choice
    surrogate: Choice
    losses: tuple[Choice, ...]
    augmentations: tuple[Choice, ...] = ()
    training: Training = field(default_factory=Training)
    optimizer: Optimizer = field(default_factory=Optimizer)
    quantization: QuantizationAware = field(default_factory=QuantizationAware)
    seed: int = 0
    steps: int = 4
    method: str = SURROGATE
    coding: Coding = "direct"

    def table(self) -> dict[str, Any]:
        """Return the resolved config, every default written out, as nested dicts for TOML or JSON."""
        table: dict[str, Any] = {"seed": self.seed, "steps": self.steps}
        if self.method != SURROGATE:  # the tables of older runs have no such key
            table["method"] = self.method
        if self.coding != "direct":
            table["coding"] = self.coding
        for section in _CHOICES:
            choice = getattr(self, section)
            table[section] = {"name": choice.name, **asdict(choice.options)}
        for section in ("losses", "augmentations"):
            table[section] = {choice.name: asdict(choice.options) for choice in getattr(self, section)}
        return {**table, **{section: asdict(getattr(self, section)) for section in _SECTIONS}}


def read_config(path: Path, assignments: Sequence[str] = ()) -> TrainConfig:
    """Return the config in the TOML file at `path`, after `assignments` such as "training.epochs=5".

    An assignment that chooses another plug-in, such as "surrogate.name=esg", drops the options of the one before.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Give the path of a TOML file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not TOML ({error}).") from error
    return changed_config(table, assignments, str(path))


def changed_config(table: Mapping[str, Any], assignments: Sequence[str], where: str) -> TrainConfig:
    """Return the config that `table` describes after `assignments`, as read_config; `where` starts every error."""
    changed = deepcopy(dict(table))
    for assignment in assignments:
        _assign(changed, assignment)
    return resolved_config(changed, where)


def resolved_config(table: Mapping[str, Any], where: str) -> TrainConfig:
    """Return the config that `table` describes; `where` starts every error."""
    top = {*_NUMBERS, *_CHOICES, *_SECTIONS, "losses", "augmentations"}
    for key, value in table.items():
        if key not in top:
            raise UserError(f"{where}: no key {key!r}.{did_you_mean(key, top)} Allowed: {', '.join(sorted(top))}.")
        if key not in _NUMBERS and not isinstance(value, Mapping):
            raise UserError(f"{where}: {key} = {value!r}; allowed is a table, [{key}].")
    numbers = checked_options(_Numbers, {k: table[k] for k in _NUMBERS if k in table}, where)
    config = TrainConfig(
        data=_choice("data", table, where),
        model=_choice("model", table, where),
        neuron=_choice("neuron", table, where),
        norm=_choice("norm", table, where),
        surrogate=_choice("surrogate", table, where),
        training=checked_options(Training, table.get("training", {}), f"{where}: [training]"),
        optimizer=_optimizer(table.get("optimizer", {}), f"{where}: [optimizer]"),
        quantization=checked_options(QuantizationAware, table.get("quantization", {}), f"{where}: [quantization]"),
        losses=_losses(table.get("losses", {}), numbers.method, where),
        augmentations=_augmentations(table.get("augmentations", {}), where),
        seed=numbers.seed,
        steps=numbers.steps,
        method=numbers.method,
        coding=numbers.coding,
    )
    require_sensible(config, where)
    return config


@dataclass(frozen=True)
class _Numbers:
    seed: Annotated[int, Ge(0)] = 0
    steps: Annotated[int, Ge(1)] = 4
    method: Literal["surrogate", "time-based"] = "surrogate"
    coding: Coding = "direct"


_NUMBERS = ("seed", "steps", "method", "coding")


# section of the config -> package of plug-ins; the dataclass in each file has the section's name.
_CHOICES = {
    "data": "train.datasets",
    "model": "train.models",
    "neuron": "train.neurons",
    "norm": "train.norms",
    "surrogate": "train.surrogates",
}
_CLASSES = {"data": "Dataset", "model": "Model", "neuron": "Neuron", "norm": "Norm", "surrogate": "Surrogate"}
_DEFAULTS = {"model": "layer_string", "neuron": "lif", "norm": "centered_tdbn", "surrogate": "dspike"}
_TIME_BASED_DEFAULTS = {"neuron": "spike_response", "norm": "threshold_standardization"}
_SECTIONS = ("training", "optimizer", "quantization")


def _default(section: str, table: Mapping[str, Any]) -> str | None:
    """Return the plug-in of a section that names none."""
    own = _TIME_BASED_DEFAULTS if table.get("method") == TIME_BASED else {}
    return own.get(section, _DEFAULTS.get(section))


def _choice(section: str, config: Mapping[str, Any], where: str) -> Choice:
    options = dict(config.get(section, {}))
    name = options.pop("name", _default(section, config))
    where = f"{where}: [{section}]"
    if not isinstance(name, str):
        raise UserError(f"{where}: name is {name!r}; it must say which one, as text.")
    try:
        module = load_plugin(_CHOICES[section], name)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return Choice(name, checked_options(getattr(module, _CLASSES[section]), options, where))


def _optimizer(table: Mapping[str, Any], where: str) -> Optimizer:
    optimizer = checked_options(Optimizer, table, where)
    try:
        load_plugin("train.schedules", optimizer.schedule)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return optimizer


def _losses(table: Mapping[str, Any], method: str, where: str) -> tuple[Choice, ...]:
    choices = _named_tables("losses", "Loss", table, where)
    classifying = [c.name for c in choices if c.options.classifies]
    if len(classifying) > 1:
        raise UserError(f"{where}: losses {' and '.join(classifying)} both classify; choose one.")
    if not classifying:
        name = "enhanced_counting" if method == TIME_BASED else "cross_entropy"
        choices.insert(0, Choice(name, load_plugin("train.losses", name).Loss()))
    return tuple(choices)


def _augmentations(table: Mapping[str, Any], where: str) -> tuple[Choice, ...]:
    choices = _named_tables("augmentations", "Augmentation", table, where)
    return tuple(sorted(choices, key=lambda choice: choice.options.place))


def _named_tables(section: str, class_name: str, table: Mapping[str, Any], where: str) -> list[Choice]:
    """Return the plug-ins that the tables [section.NAME] choose, in the order of their names."""
    choices = []
    for name in sorted(table):
        if not isinstance(table[name], Mapping):
            raise UserError(f"{where}: {section}.{name} = {table[name]!r}; allowed is a table, [{section}.{name}].")
        try:
            module = load_plugin(f"train.{section}", name)
        except UserError as error:
            raise UserError(f"{where}: [{section}.{name}]: {error}") from error
        options = checked_options(getattr(module, class_name), table[name], f"{where}: [{section}.{name}]")
        choices.append(Choice(name, options))
    return choices


def _assign(table: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {assignment}: write KEY=VALUE, such as training.epochs=5.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a word without quotes
    whole = table
    *sections, last = key.strip().split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UserError(f"--set {assignment}: {section!r} is a value, not a table.")
    chooses = last == "name" and len(sections) == 1 and sections[0] in _CHOICES
    if chooses and table.get("name", _default(sections[0], whole)) != value:
        table.clear()  # the options were those of another plug-in
    table[last] = value
