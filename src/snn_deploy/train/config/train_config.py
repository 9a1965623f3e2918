"""TrainConfig: everything that a training run depends on, as frozen dataclasses; read_config.py reads it from a file.

The tables of the file are listed here: those that choose one plug-in by name, those that choose any number, and those
that hold plain settings.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from snn_deploy.rounding.limits import Limits
from snn_deploy.train.compiled.arithmetic import Arithmetic
from snn_deploy.train.data.input_coding import Coding, coded
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.signals import Signals
from snn_deploy.train.processes.devices import Device

SURROGATE, TIME_BASED = "surrogate", "time-based"
SCHEDULES = "train.schedules"


@dataclass(frozen=True)
class NameIn:
    """The mark of a key whose value is the name of a plug-in. package: of those."""

    package: str


_LEAST_WIDTH = 0.5  # steps: narrower, and a delay between two steps has no gradient


@dataclass(frozen=True)
class Training:
    """How long, with what, and what is kept and measured on the way.

    epochs: 0, behind [ann_first], leaves the network as it was converted. batch_size: samples of a batch. samples: 0 is
    the whole training set. keep: the network of the last epoch, or of that with the best validation accuracy (of the
    quantized epochs, where there are some). threads: 0 leaves the choice to torch. device: "auto" is a GPU where there
    is one; a run goes on with the device that it began with. checkpoint_every: batches between checkpoints within an
    epoch; 0 leaves those at the ends of epochs. measured_samples: validation samples (training samples, where there are
    none) on which every layer is measured after each epoch; 0 measures none. norm_samples: training samples on which
    the norms' moments are measured after each epoch (norm_statistics.py); 0 leaves the running ones. tensorboard:
    whether the metrics are written for it, too. synapses: what convolutions and dense layers of spikes are computed in:
    float32, or int8 and their gradients in float32 or bfloat16 (int8_synapses.py says what that rounds); "auto" is what
    is fastest on the device, measured. keeps_zeros: whether weights that are 0 when the run begins stay 0, as in a
    network that `fit` has pruned.
    """

    epochs: Annotated[int, Ge(0)] = 3
    batch_size: Annotated[int, Ge(1)] = 128
    samples: Annotated[int, Ge(0)] = 0
    keep: Literal["last", "best"] = "last"
    threads: Annotated[int, Ge(0)] = 0
    device: Literal["auto", Device] = "auto"
    checkpoint_every: Annotated[int, Ge(0)] = 0
    measured_samples: Annotated[int, Ge(0)] = 500
    norm_samples: Annotated[int, Ge(0)] = 2000
    tensorboard: bool = False
    synapses: Literal["auto", Arithmetic] = "auto"
    keeps_zeros: bool = False


@dataclass(frozen=True)
class AnnFirst:
    """The equal ReLU network is trained before the spiking one, which starts from it (Dspike Sec. 5.2).

    epochs: of the ReLU network; 0 starts the spiking one from random weights. learning_rate: of the ReLU network; the
    rest is as in [optimizer] and [training]. percentile: of a layer's activations, the one that becomes a spike in
    every step (activation_scales.py). matches_rates: whether gains are changed then until each layer spikes as often as
    its activations ask for, which neurons that leak or reset to zero need (match_rates.py).
    """

    epochs: Annotated[int, Ge(0)] = 0
    learning_rate: Annotated[float, Gt(0)] = 0.03
    percentile: Annotated[float, Gt(0), Le(100)] = 99.0
    matches_rates: bool = True


@dataclass(frozen=True)
class QuantizationAware:
    """Training with weights as the exporter will round them, in the last epochs.

    epochs: how many of them; 0 is none. weight_bits, per_channel: as the exporter gets them; it takes them from the run
    where nothing else is said.
    """

    epochs: Annotated[int, Ge(0)] = 0
    weight_bits: Annotated[int, Ge(2), Le(8)] = 8
    per_channel: bool = False

    def limits(self, epoch: int, epochs: int) -> Limits | None:
        """Return what weights are rounded to in `epoch` (from 1) of `epochs`, or None for floats."""
        return Limits(self.weight_bits, self.per_channel) if epoch > epochs - self.epochs else None


@dataclass(frozen=True)
class Delays:
    """Delays of spikes that are learned with the weights (learned_delays.py).

    kind: "axonal", one for each channel that a connection comes from, or "synaptic", one for each synapse of dense
    layers; "none" learns none. most: steps. width: of the spread of an arriving spike in the first epoch, in steps; it
    shrinks to half a step. whole: the share of the epochs, the last ones, in which delays are whole and stay. rate: the
    learning rate of delays, in steps, as a multiple of that of weights.
    """

    kind: Literal["none", "axonal", "synaptic"] = "none"
    most: Annotated[int, Ge(1), Le(62)] = 16
    width: Annotated[float, Ge(_LEAST_WIDTH), Le(62)] = 4.0
    whole: Annotated[float, Gt(0), Le(1)] = 0.25
    rate: Annotated[float, Gt(0)] = 30.0

    def width_in(self, epoch: int, epochs: int) -> float:
        """Return the width in `epoch` (from 1) of `epochs`; 0 where delays are whole."""
        learning = epochs - math.ceil(self.whole * epochs)
        if epoch > learning:
            return 0.0
        passed = (epoch - 1) / max(learning - 1, 1)
        return float(self.width * (_LEAST_WIDTH / self.width) ** passed)


@dataclass(frozen=True)
class Feedback:
    """How strong the currents are that layers bring to themselves, those with an R in `model.layers`.

    share: what the root mean square of such a current is scaled to in each channel, in thresholds (feedback_norm.py); 0
    leaves it as the weights make it. momentum: the weight of a new batch in the running mean squares.
    """

    share: Annotated[float, Ge(0)] = 0.0
    momentum: Annotated[float, Gt(0), Lt(1)] = 0.1


@dataclass(frozen=True)
class Optimizer:
    """name: "sgd" with momentum, or "adamw" (Loshchilov & Hutter 2019), whose steps do not grow with the gradients.

    learning_rate: of the first batch. momentum: of the gradients. squares_momentum: of their squares, for AdamW.
    weight_decay: of weights, towards 0. schedule: how the learning rate falls.
    """

    name: Literal["sgd", "adamw"] = "sgd"
    learning_rate: Annotated[float, Gt(0)] = 0.03
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    squares_momentum: Annotated[float, Ge(0), Lt(1)] = 0.999
    weight_decay: Annotated[float, Ge(0)] = 0.0
    schedule: Annotated[str, NameIn(SCHEDULES)] = "cosine"


@dataclass(frozen=True)
class HeldOut:
    """Keys of [data] beside those of the data set.

    validation: the share of each class's training samples that is held out to choose by (splits.py): epochs, what a
    search tries. 0 holds none out. A data set with a validation split of its own uses that instead. Test samples are
    looked at once, at the end.
    """

    validation: Annotated[float, Ge(0), Le(0.5)] = 0.1


@dataclass(frozen=True)
class Numbers:
    """The keys at the top of a config.

    seed: of the weights, of what is held out and of the order of samples. steps: time steps of a sample. method:
    "surrogate", gradients of pretended derivatives, or "time-based", gradients on spike times (time_based_network.py),
    which has no use for `surrogate`. coding: how images are shown (input_coding.py).
    """

    seed: Annotated[int, Ge(0)] = 0
    steps: Annotated[int, Ge(1)] = 4
    method: Literal["surrogate", "time-based"] = "surrogate"
    coding: Coding = "direct"


@dataclass(frozen=True)
class Section:
    """A table of a config that chooses plug-ins by name.

    package: of the plug-ins. class_name: of the dataclass in each, whose fields are the table's other keys. default:
    method -> the plug-in of a table that names none; a method that is not here has none.
    """

    package: str
    class_name: str
    default: Mapping[str, str] = field(default_factory=dict)


# One plug-in each: [model] name = "vgg11".
CHOICES: Mapping[str, Section] = MappingProxyType(
    {
        "data": Section("train.datasets", "Dataset"),
        "encoder": Section("train.encoders", "Encoder", {SURROGATE: "current", TIME_BASED: "current"}),
        "model": Section("train.models", "Model", {SURROGATE: "layer_string", TIME_BASED: "layer_string"}),
        "neuron": Section("train.neurons", "Neuron", {SURROGATE: "lif", TIME_BASED: "spike_response"}),
        "norm": Section("train.norms", "Norm", {SURROGATE: "centered_tdbn", TIME_BASED: "threshold_standardization"}),
        "surrogate": Section("train.surrogates", "Surrogate", {SURROGATE: "dspike", TIME_BASED: "dspike"}),
    }
)
# Any number of plug-ins each: [losses.im_loss].
COLLECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "losses": Section("train.losses", "Loss", {SURROGATE: "cross_entropy", TIME_BASED: "enhanced_counting"}),
        "augmentations": Section("train.augmentations", "Augmentation"),
    }
)
VALUE_LOSS = "mean_squared_error"  # where none is chosen and the data have values instead of classes
# Plain settings: [training] epochs = 5.
SETTINGS: Mapping[str, type] = MappingProxyType(
    {
        "training": Training,
        "optimizer": Optimizer,
        "ann_first": AnnFirst,
        "quantization": QuantizationAware,
        "delays": Delays,
        "feedback": Feedback,
    }
)


@dataclass(frozen=True)
class Choice:
    """A plug-in that the config names, and its options (an instance of the plug-in's dataclass)."""

    name: str
    options: Any


@dataclass(frozen=True)
class TrainConfig:
    """Everything that a training run depends on. `table` gives it back as it would stand in a file.

    encoder: how signals are shown, None for data that are none. seed, steps, method, coding: see Numbers.
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
    ann_first: AnnFirst = field(default_factory=AnnFirst)
    quantization: QuantizationAware = field(default_factory=QuantizationAware)
    delays: Delays = field(default_factory=Delays)
    feedback: Feedback = field(default_factory=Feedback)
    seed: int = 0
    steps: int = 4
    method: str = SURROGATE
    coding: Coding = "direct"
    encoder: Choice | None = None
    held_out: HeldOut = field(default_factory=HeldOut)

    def shown(self, samples: Samples | Signals) -> Samples:
        """Return `samples` as the network is shown them."""
        return coded(samples, self.coding, self.steps, None if self.encoder is None else self.encoder.options)

    def table(self) -> dict[str, Any]:
        """Return the resolved config, every default written out, as nested dicts for TOML or JSON."""
        table: dict[str, Any] = {key.name: getattr(self, key.name) for key in fields(Numbers)}
        for section in CHOICES:
            choice = getattr(self, section)
            if choice is not None:
                table[section] = {"name": choice.name, **asdict(choice.options)}
        table["data"] |= asdict(self.held_out)
        for section in COLLECTIONS:
            table[section] = {choice.name: asdict(choice.options) for choice in getattr(self, section)}
        return {**table, **{section: asdict(getattr(self, section)) for section in SETTINGS}}
