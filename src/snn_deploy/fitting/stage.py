"""stage: a network with less than the one before, and the training that mends it: an ordinary run folder.

FIT/stageN/stage.json   which channels of the stage before went, and what share of its connections' weights became 0,
                        written before its training begins
FIT/stageN/             else what run_folder.py says: export, verify, report and train --from take it like any other run
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.to_integer_network import ExportOptions, to_integer_network
from snn_deploy.fitting.accounting import Accounting, Measures
from snn_deploy.fitting.chain import layers_of
from snn_deploy.fitting.parts import Pruning
from snn_deploy.fitting.settings import FitSettings
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.float_network import read_float_network
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.sealed_json import SealedJson
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import changed_config
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.run.metrics_lines import kept_line
from snn_deploy.train.run.run_folder import RunFolder

_TIMED_SAMPLES = 50  # on which the spikes are counted that keep the busiest core busy
FILE = SealedJson(
    "snn-deploy fit stage", 2, "stage", 2**26, "the choice of a stage", "Remove its folder, and go on with --resume."
)


@dataclass(frozen=True)
class Stage:
    """A finished stage. number: 0 is the run that the fit began with. measures: of its integers on the chip.

    density: the share of its integer weights that is not 0.
    validation_accuracy: after the epoch that is kept, with rounded weights where it trained so; None where there are no
    validation samples. epochs: of its own training.
    """

    number: int
    folder: Path
    layers: str
    epochs: int
    validation_accuracy: float | None
    measures: Measures
    density: float


def stage_config(
    whole: TrainConfig, settings: FitSettings, layers: str, *, is_last: bool, keeps_zeros: bool = False
) -> TrainConfig:
    """Return the config of a stage. whole: of the run that the fit began with."""
    quantized = settings.quantized_epochs if is_last else 0
    table = {**whole.table(), "model": {"name": "layer_string", "layers": layers}}
    said = [
        "ann_first.epochs=0",
        f"training.epochs={settings.epochs + quantized}",
        f"training.keeps_zeros={str(keeps_zeros or whole.training.keeps_zeros).lower()}",
        f"quantization.epochs={quantized}",
        f"quantization.weight_bits={settings.weight_bits}",
        f"quantization.per_channel={str(settings.per_channel).lower()}",
        *settings.changes,
    ]
    return changed_config(table, said, "fit")


def write_choice(folder: Path, pruned: Pruning) -> None:
    """Write what of the stage before is not in the stage of `folder`."""
    channels = {name: np.flatnonzero(mask).tolist() for name, mask in pruned.channels.items()}
    FILE.write(folder / "stage.json", {"channels": channels, "synapses": dict(pruned.shares)})


def read_choice(folder: Path, plan: NetworkPlan) -> Pruning | None:
    """Return what `write_choice` wrote, of channels and connections of `plan`; None where there is nothing yet."""
    path = folder / "stage.json"
    if not path.exists():
        return None
    whole = FILE.read(path)
    if set(whole) != {"channels", "synapses"} or not all(isinstance(part, dict) for part in whole.values()):
        raise UserError(f"{path}: has no channels and synapses in it. {FILE.again}")
    sizes = {p.name: p.shape[0] for p in plan.populations[:-1]}
    removed: dict[str, np.ndarray] = {}
    for name, channels in whole["channels"].items():
        known = isinstance(channels, list) and all(type(c) is int and 0 <= c < sizes.get(name, 0) for c in channels)
        if not known or len(channels) >= sizes[name]:
            raise UserError(f"{path}: names channels of {name!r} that are not there. {FILE.again}")
        removed[name] = np.isin(np.arange(sizes[name]), channels)
    names = {c.name for c in plan.connections}
    for name, share in whole["synapses"].items():
        if name not in names or not isinstance(share, float) or not 0 < share < 1:
            raise UserError(f"{path}: names synapses of {name!r} that are not there. {FILE.again}")
    return Pruning(removed, whole["synapses"])


def in_integers(folder: Path, settings: FitSettings) -> IntegerNetwork:
    """Return the trained network of a run as the export for the chip makes it."""
    chip = load_profile(settings.chip)
    limits = limits_of(chip, settings.weight_bits, per_channel=settings.per_channel)
    floats = read_float_network(RunFolder(folder).float_network)
    return to_integer_network(floats, limits, ExportOptions(chip=chip)).network


def accounting_of(folder: Path, settings: FitSettings, samples: Samples) -> Accounting:
    """Return what tells how much of the chip the trained network of a run takes. samples: that are shown to it."""
    network = in_integers(folder, settings)
    spikes = None
    if settings.targets.busiest is not None:
        spikes = mean_spikes(network, samples.first(_TIMED_SAMPLES).shown)
    return Accounting(network, load_profile(settings.chip), settings.storage, spikes)


def finished_stage(number: int, folder: Path, plan: NetworkPlan, accounting: Accounting) -> Stage:
    """Return the stage whose run is in `folder`."""
    lines = RunFolder(folder).read_metrics()
    accuracy = kept_line(lines).get("validation_accuracy")
    epochs, density = int(lines[-1]["epoch"]), accounting.network.density
    return Stage(number, folder, layers_of(plan), epochs, accuracy, accounting.measures(), density)
