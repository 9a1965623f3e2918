"""sources: what a call of the API is given: a network or its file, and samples, a data set or nothing but a name."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.api.data_set_of import data_set_of, encoder_of
from snn_deploy.deploy.running.memory import require_memory
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile, profile_names
from snn_deploy.network.field_check import shown
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork, read_integer_network
from snn_deploy.network.value_errors import ValueErrors, value_errors
from snn_deploy.network.value_reading import gives_values, read_values, reading_of
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.input_coding import coded
from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.data.signals import Signals
from snn_deploy.train.data.splits import validation_samples

DEFAULT_CHIP = "loihi2"  # of every verb, where the network was not exported for another

Network = IntegerNetwork | str | Path
"""An exported network, the file network.npz, or the folder that holds it."""

Data = np.ndarray | Samples | str | None
"""What a network is shown: an array, as simulation.as_frames takes it; Samples; the name of a data set, NAME or
NAME:PATH, whose test split it is; or None for the test split of the data set that the network was trained on."""


@dataclass(frozen=True)
class Chosen:
    """Samples that a network is shown.

    shown: images (samples, *input shape) or frames (steps, samples, *input shape). labels: (samples,), of a network
    that gives values (samples, steps, values) with NaN where none is asked for; None where they are not known.
    """

    shown: np.ndarray
    labels: np.ndarray | None
    is_sequence: bool

    @property
    def count(self) -> int:
        """How many samples there are."""
        return int(self.shown.shape[1 if self.is_sequence else 0])

    def first(self, count: int) -> "Chosen":
        """Return the first `count` samples; 0 is all of them."""
        if not 0 < count < self.count:
            return self
        shown = self.shown[:, :count] if self.is_sequence else self.shown[:count]
        return replace(self, shown=shown, labels=None if self.labels is None else self.labels[:count])

    def accuracy(self, classes: np.ndarray) -> float | None:
        """Return the share of `classes` that equal the labels, None where these are not known or no classes."""
        return (
            None
            if self.labels is None or self.labels.ndim > 1
            else float((classes == self.labels[: len(classes)]).mean())
        )

    def value_errors(self, network: IntegerNetwork, outputs_by_step: np.ndarray | None) -> ValueErrors | None:
        """Return how far the values of `network` are from the labels, None where these are not known or classes."""
        return None if outputs_by_step is None else value_errors_of(network, outputs_by_step, self.labels)


def value_errors_of(
    network: IntegerNetwork, outputs_by_step: np.ndarray, labels: np.ndarray | None
) -> ValueErrors | None:
    """Return how far the values that `network` gave are from `labels`, (samples, steps, values); None without labels.

    outputs_by_step: its output's potentials, (steps, samples, values).
    """
    reading = reading_of(network)
    if labels is None or reading is None:
        return None
    wanted = np.swapaxes(reading.read_steps(np.swapaxes(labels[: outputs_by_step.shape[1]], 0, 1)), 0, 1)
    return value_errors(read_values(network, outputs_by_step), wanted)


def network_file(path: Path) -> Path:
    """Return the file of an exported network: `path` itself, or network.npz in the folder `path`."""
    try:
        return path / "network.npz" if path.is_dir() else path
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}). Give an exported network.") from error


def integer_network(network: Network) -> IntegerNetwork:
    """Return the exported network that `network` is, or is the file of; a UserError for what else there is."""
    if isinstance(network, IntegerNetwork):
        return network
    if not isinstance(network, str | PathLike):
        raise UserError(f"network: {_not_exported(network)}")
    return read_integer_network(network_file(Path(network)))


def _not_exported(given: object) -> str:
    """Return what is wrong with a network that is neither exported nor a file, and what to give."""
    kind = type(given).__name__
    if isinstance(given, FloatNetwork):
        return f"is in floats ({kind}). Give sd.export(network).network."
    if isinstance(getattr(given, "network", None), IntegerNetwork):
        return f"is a result ({kind}). Give its network: its attribute .network."
    if callable(getattr(given, "named_modules", None)):
        return f"is a module of torch ({kind}). Give sd.export(sd.from_torch(module, ...)).network."
    return f"is of type {kind}. Give an exported network, its file or its folder."


def chip_of(network: IntegerNetwork, chip: str | None) -> HardwareProfile:
    """Return the profile `chip`; None is the one that the network was exported for, and else DEFAULT_CHIP."""
    if chip is not None:
        return load_profile(chip)
    exported_for = network.provenance.get("export", {}).get("chip")
    if exported_for is not None and exported_for not in profile_names():
        raise UserError(
            f"the network was exported for the chip {shown(exported_for)}, whose profile does not come with the "
            f"program. Give it, with --profile FILE.toml, or one of {', '.join(profile_names())}."
        )
    return load_profile(exported_for or DEFAULT_CHIP)


def chosen_for_measuring(network: FloatNetwork, data: Data, samples: int) -> tuple[Chosen, str]:
    """Return up to `samples` (0: all) training samples, or those of an array that was given, and what they are.

    data: as of `choose`, but of a data set its training split: what is counted on test samples is then not about them.
    """
    if samples < 0:
        raise UserError(f"--measured-samples {samples}; allowed is a whole number from 0 (all).")
    if isinstance(data, np.ndarray):
        as_frames(network, data)
        chosen = Chosen(data, None, data.shape[1:] != network.input.shape).first(samples)
        return chosen, "samples that were given"
    require_data(network, data)
    where = "samples that were given"
    if not isinstance(data, Samples):
        data = samples_of(network.provenance, data, samples, "train")
        where = "training samples"
    data = fitting(network, data)
    first = data.first(samples)
    return Chosen(first.shown, first.labels, first.is_sequence), where


def choose(network: IntegerNetwork, data: Data = None, samples: int = 0, labels: np.ndarray | None = None) -> Chosen:
    """Return the first `samples` (0: all) of `data`; what the network does not take is a UserError.

    So is a network of which not even one sample fits this machine's memory. labels: (samples,), of an array.
    """
    require_memory(network, 1, ["cpu"])
    if isinstance(data, np.ndarray):
        is_sequence = data.shape[1:] != network.input.shape
        as_frames(network, data)
        chosen = Chosen(data, None if labels is None else np.asarray(labels), is_sequence)
        if chosen.labels is not None:
            _require_labels(network, chosen.labels, chosen.count)
        return chosen.first(_counted(samples, chosen.count, "data"))
    require_data(network, data)
    if labels is not None:
        raise UserError("labels: are for inputs that are an array; a data set has its own. Leave them out.")
    if not isinstance(data, Samples):
        data = test_samples(network.provenance, data, samples)
    data = fitting(network, data)
    first = data.first(_counted(samples, len(data.labels), "data"))
    return Chosen(first.shown, first.labels, first.is_sequence)


def require_data(network: IntegerNetwork | FloatNetwork, data: object) -> None:
    """Raise UserError unless `data` is Data, which a caller without types may not know."""
    if isinstance(data, np.ndarray | Samples | str | None):
        return
    kind = type(data)
    is_tensor = callable(getattr(data, "numpy", None))
    do = "Give inputs.numpy(), and" if is_tensor else "Give a numpy array of"
    raise UserError(
        f"inputs of type {kind.__module__.partition('.')[0]}.{kind.__name__}; the network takes an array, or the name "
        f"of a data set. {do} whole numbers 0..{network.input.largest_value}."
    )


def _require_labels(network: IntegerNetwork, labels: np.ndarray, count: int) -> None:
    """Raise UserError unless `labels` are one for each of `count` samples, or the values of every step."""
    if not gives_values(network):
        if labels.shape != (count,):
            raise UserError(f"labels of shape {labels.shape} for {count} samples; give one for each.")
        return
    shape = (count, network.steps, math.prod(network.output.shape))
    if labels.shape != shape or labels.dtype.kind != "f" or np.isnan(labels).all():
        raise UserError(
            f"labels of shape {labels.shape} and type {labels.dtype}; the network gives values, so give floats of "
            f"shape {shape}, (samples, steps, values), NaN where none is asked for."
        )


def test_samples(provenance: Mapping[str, Any], data: str | None, count: int) -> Samples:
    """Return the first `count` test samples (0: all) of `data`, or of the data set in the network's provenance."""
    return samples_of(provenance, data, count, "test")


def samples_of(provenance: Mapping[str, Any], data: str | None, count: int, split: Split) -> Samples:
    """Return the first `count` samples (0: all) of a split of `data`, or of the data set in the network's provenance.

    There must be so many test samples; of training samples there may be fewer. Where both name the same data set, the
    options that are no places are those of the provenance; data_set_of.py says what a file may choose.
    """
    options, _, where = data_set_of(provenance, data)
    samples = options.load(split)
    chosen = samples.first(count if split == "train" else _counted(count, len(samples.labels), where))
    return _as_trained(chosen, provenance, is_named=data is not None)


def calibration_samples(network: IntegerNetwork, data: Data, count: int, labels: np.ndarray | None = None) -> Chosen:
    """Return the first `count` samples (0: all) to choose by: those that no weight was trained on, and no test samples.

    data: samples, an array with `labels`, or as of `choose`, but of a data set what its training held out.
    """
    if isinstance(data, np.ndarray | Samples):
        chosen = choose(network, data, count, labels)
        if chosen.labels is None:
            raise UserError("samples to choose by need labels; give labels=, one for each.")
        return chosen
    if count < 0:
        raise UserError(f"--samples {count}; allowed is a whole number from 0 (all).")
    options, share, where = data_set_of(network.provenance, data)
    every = validation_samples(options, share, where)
    held_out = _as_trained(every, network.provenance, is_named=data is not None)
    held_out = fitting(network, held_out)
    first = held_out.first(count)
    return Chosen(first.shown, first.labels, first.is_sequence)


def _as_trained(samples: Samples | Signals, provenance: Mapping[str, Any], is_named: bool) -> Samples:
    """Return `samples` in the coding that the network was trained with. is_named: whether the user named the data."""
    config = provenance.get("config", {})
    encoder = encoder_of(config.get("encoder", {}), is_named) if isinstance(samples, Signals) else None
    return coded(samples, config.get("coding", "direct"), config.get("steps", 1), encoder)


def fitting(network: IntegerNetwork | FloatNetwork, samples: Samples) -> Samples:
    """Return `samples` as the network's input takes them; a UserError where shape, range or steps are others.

    Where it takes features without channels and rows, images become their values row by row, as torch flattens them.
    """
    features = math.prod(samples.shape)
    if network.input.shape == (features,) and isinstance(samples.inputs, np.ndarray):
        samples = replace(
            samples, inputs=samples.inputs.reshape(*samples.inputs.shape[: -len(samples.shape)], features)
        )
    shape = samples.shape
    if shape != network.input.shape or samples.largest_value != network.input.largest_value:
        raise UserError(
            f"data: samples of shape {shape} with values 0..{samples.largest_value}; the network takes "
            f"{network.input.shape} with values 0..{network.input.largest_value}. Choose the data it was trained for."
        )
    if gives_values(network) != (samples.reading is not None):
        has, gives = ("classes", "values") if samples.reading is None else ("values", "classes")
        raise UserError(f"data: has {has}, and the network gives {gives}. Choose the data it was trained for.")
    if samples.steps not in (None, network.steps):
        raise UserError(f"data: samples of {samples.steps} steps; the network takes {network.steps}.")
    return samples


def _counted(count: int, most: int, where: str) -> int:
    if count < 0:
        raise UserError(f"--samples {count}; allowed is a whole number from 0 (all).")
    if count > most:
        raise UserError(f"--samples {count}; {where} has {most} test samples.")
    return count
