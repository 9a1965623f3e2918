"""point: one deployment, exported and measured; kept in SEARCH/points/KEY/ as network.npz and point.json.

Beside them lies exits.json where samples stop early (stopping.py): then accuracy, operations, energy and latency are up
to the exits, with an embedded processor that reads the output in every step.

What cannot hold any more is pruned before the rest is measured: cores and chips come first, they need no samples;
accuracy stops as soon as the samples that are left cannot reach what is required.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import measured_events
from snn_deploy.deploy.energy.latency import latency
from snn_deploy.deploy.energy.neuron_times import neuron_times
from snn_deploy.deploy.energy.reading import reading_time
from snn_deploy.deploy.exits.exit_policy import write_exit_policy
from snn_deploy.deploy.mapping.cutting.even_partitions import even_partitions
from snn_deploy.deploy.mapping.cutting.partition import Partition, partition
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.mapping.placing.place_on_mesh import chips_needed
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.to_integer_network import ExportOptions, to_integer_network
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.field_check import shown as shown_value
from snn_deploy.network.integer_network import IntegerNetwork, write_integer_network
from snn_deploy.search.settings import MEASURES, Deployment, SearchSettings, shown
from snn_deploy.search.stopping import FILE, alike, fitted, stopped
from snn_deploy.search.trained import trained_network
from snn_deploy.support.array_file import refuse_constant
from snn_deploy.support.atomic_file import WriteError, write_text
from snn_deploy.support.npz_file import reason
from snn_deploy.support.one_writer import FolderInUseError
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples

_SAMPLES_AT_A_TIME = 100
_PLACED_SAMPLES = 50  # on which events on cores and links are counted


@dataclass(frozen=True)
class Point:
    """What became of a deployment. measures: MEASURE -> value, those that were taken; energy and latency at most.

    pruned: why the rest was not measured, or None.
    """

    deployment: Deployment
    measures: Mapping[str, float]
    pruned: str | None = None


def point(settings: SearchSettings, deployment: Deployment, folder: Path, samples: Callable[[], Samples]) -> Point:
    """Return the point of `deployment`: from its file, or trained, exported and measured now.

    samples: gives the samples to measure on, where it comes to that.
    """
    files = folder / "points" / deployment.key
    if (files / "point.json").exists():
        return read_point(files / "point.json", deployment)
    try:
        found = _measured(settings, deployment, folder, samples, files)
    except (FolderInUseError, WriteError):
        raise
    except UserError as error:  # what a chip cannot hold, for example
        found = Point(deployment, {}, str(error))
    write_text(files / "point.json", json.dumps(asdict(found), indent=1) + "\n")
    return found


def network_path(folder: Path, deployment: Deployment) -> Path:
    """Return where the integer network of a point is."""
    return folder / "points" / deployment.key / "network.npz"


def _measured(
    settings: SearchSettings, deployment: Deployment, folder: Path, load: Callable[[], Samples], files: Path
) -> Point:
    chip = load_profile(deployment.profile)
    limits = limits_of(chip, deployment.weight_bits, per_channel=deployment.thresholds == "per-channel")
    floats = trained_network(settings, deployment, folder)
    network = to_integer_network(floats, limits, ExportOptions("refuse", True, chip)).network
    write_integer_network(network, files / "network.npz")
    measures: dict[str, float] = {}

    def broken() -> str | None:
        kept = (r for r in settings.requirements if r.measure in measures)
        return next((f"{r.text}: found {shown(r.measure, measures[r.measure])}" for r in kept
                     if not r.holds(measures[r.measure])), None)  # fmt: skip

    cores = partition(network, chip)
    if cores.violations:
        return Point(deployment, measures, f"does not fit: {cores.violations[0]}")
    measures |= {"cores": len(cores.cores), "chips": chips_needed(cores, chip)}
    if reason := broken():
        return Point(deployment, measures, reason)
    samples = load()
    placed = samples.first(min(_PLACED_SAMPLES, len(samples.labels))).shown
    counted, exits = placed, None  # what events are counted on, and where these samples stop
    if deployment.allowed_loss is None:
        least = max((r.number for r in settings.requirements if r.measure == "accuracy" and r.at_least), default=0.0)
        accuracy, operations, seen = measured_accuracy(network, samples, least)
        if seen < len(samples.labels):
            reason = (
                f"accuracy: {shown('accuracy', accuracy)} of {seen} samples; the others cannot reach what is required"
            )
            return Point(deployment, measures, reason)
        measures |= {"accuracy": accuracy, "operations": operations, "mean_steps": network.steps}
    else:
        policy = fitted(network, samples, deployment.allowed_loss)
        found = stopped(network, samples, policy)
        measures |= {"accuracy": found.accuracy, "operations": found.operations}
        measures["mean_steps"] = float(found.steps.mean())
        write_exit_policy(policy, {"allowed_loss": deployment.allowed_loss, **measures}, files / FILE)
        chosen = alike(found.steps, min(_PLACED_SAMPLES, len(samples.labels)))
        counted = samples.shown[:, chosen] if samples.is_sequence else samples.shown[chosen]
        exits = found.steps[chosen]
    if reason := broken():
        return Point(deployment, measures, reason)
    mean, tried = mean_spikes(network, placed), [cores]
    if deployment.placed_for == "latency":
        tried += even_partitions(network, chip, mean, neuron_times(network, mean, chip), cores)
    found_on = [_on_cores(network, chip, mean, parts, counted, exits) for parts in tried]
    measures |= min(found_on, key=itemgetter("latency"))
    return Point(deployment, measures, broken())


def _on_cores(
    network: IntegerNetwork,
    chip: HardwareProfile,
    spikes: Mapping[str, np.ndarray],
    parts: Partition,
    inputs: np.ndarray,
    exits: np.ndarray | None,
) -> dict[str, float]:
    """Return cores and chips of a mapping, and the most energy and time that a sample takes on it."""
    placement = place(network, chip, spikes, parts=parts).placement
    events = measured_events(network, placement, inputs, chip, exits=exits)
    reading = reading_time("embedded processor", math.prod(network.output.shape), chip)
    return {
        "cores": len(parts.cores),
        "chips": chips_needed(parts, chip),
        "energy": max(estimate.total for estimate in event_energy(network, events, chip)),
        "latency": latency(events, chip, reading).sample[1],
    }


def measured_accuracy(network: IntegerNetwork, samples: Samples, least: float = 0.0) -> tuple[float, float, int]:
    """Return (share of right samples, synaptic operations a sample, samples); stop where `least` is out of reach."""
    cpu, count = load_backend("cpu"), len(samples.labels)
    right, operations, seen = 0, 0.0, 0
    while seen < count:
        chosen = slice(seen, seen + _SAMPLES_AT_A_TIME)
        inputs = samples.shown[:, chosen] if samples.is_sequence else samples.shown[chosen]
        found = cpu.run(network, inputs)
        right += int((found.classes == samples.labels[chosen]).sum())
        operations += float(sum(np.sum(ops) for ops in found.synaptic_operations.values()))
        seen = min(seen + _SAMPLES_AT_A_TIME, count)
        if right + (count - seen) < least * count:
            break
    return right / seen, operations / seen, seen


def read_point(path: Path, deployment: Deployment) -> Point:
    """Return what `point` wrote; a damaged file is a UserError."""
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant)
        measures, pruned = dict(plain["measures"]), plain["pruned"]
        if not (isinstance(pruned, str | None) and (pruned is not None or measures.keys() == MEASURES.keys())):
            raise TypeError(f"pruned is {shown_value(pruned)}, and it has {len(measures)} of {len(MEASURES)} measures")
        for name, value in measures.items():
            if name not in MEASURES or isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{shown_value(name)} is {shown_value(value)}")
            measures[name] = value if isinstance(value, int) and abs(value) < 2**53 else float(value)
        return Point(deployment, measures, pruned)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(
            f"{path}: not a point of a search ({reason(error)}). Remove its folder, and search again."
        ) from error
