"""run_facts: what a report says of the run that a network came from: its training, its floats, its other exports."""

from pathlib import Path

import numpy as np

from snn_deploy.deploy.mapping.fit_trade import FitTrade, read_trade
from snn_deploy.deploy.running.event_counts import multiply_accumulates
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.to_integer_network import ExportOptions, to_integer_network
from snn_deploy.hardware_profiles.profile import load_profile, profile_names
from snn_deploy.network import float_semantics
from snn_deploy.network.class_outputs import class_outputs, predicted_classes
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.report.charts import as_chart
from snn_deploy.report.findings import Training
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import Watch
from snn_deploy.train.run.plots import draw
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import config_of_run

_MOST_FLOAT_WORK, _FLOATS_AT_A_TIME = 2e10, 20  # multiply-accumulates, about half a minute; samples
_FEWEST_FLOATS = 10  # samples of which an accuracy says something
_MOST_EPOCHS = 60  # of a table


def floats_of(run: Path | None) -> FloatNetwork | None:
    """Return the trained network of a run's folder, None where there is no run."""
    return None if run is None else read_float_network(RunFolder(run).float_network)


def fit_of(run: Path | None) -> FitTrade | None:
    """Return how the network of a run was made to fit, up to it; None where it is no stage of a fit."""
    if run is None or not (run / "stage.json").exists() or not (path := run.parent / "trade.json").exists():
        return None
    return read_trade(path).until(run.name)


def training_of(run: Path | None) -> tuple[Training | None, str]:
    """Return what a run's folder holds of its training, and its config as TOML; None and "" where there is none."""
    if run is None or not RunFolder(run).config.exists():
        return None, ""
    config = config_of_run(run)  # before it is shown: a damaged one is refused
    text = RunFolder(run).config.read_text(encoding="utf-8")
    lines = RunFolder(run).read_metrics()
    if not lines or lines[-1]["epoch"] == 0:  # begun, or converted without an epoch
        return None, text
    words = {
        "training": "Score and loss terms over the epochs; the scores stand in the table above.",
        "spike_rates": "Spike rate of each layer over the epochs.",
        "surrogate": "The derivative of a spike that training assumed.",
        "membranes": "Potentials before the reset in floats, after the first and the last epoch.",
    }
    charts = tuple(
        as_chart(f"Training: {name.replace('_', ' ')}", words.get(name, name), figure)
        for name, figure in draw(config, lines).items()
    )
    return Training(tuple(lines[-_MOST_EPOCHS:]), charts), text


def exported_otherwise(network: IntegerNetwork, floats: FloatNetwork | None) -> dict[str, IntegerNetwork]:
    """Return change -> `floats` exported with other bits or thresholds than `network`; none where they are unknown.

    For the chip, and with the choices, of its own export.
    """
    export = network.provenance.get("export", {})
    if floats is None or export.get("chip") not in profile_names():
        return {}
    chip = load_profile(export["chip"])
    options = ExportOptions(export.get("shift", "refuse"), bool(export.get("rounded_decays")), chip)
    found: dict[str, IntegerNetwork] = {}
    for fewer, per_channel in ((8, True), (6, True), (4, True)):
        change = f"weights of {fewer} bits with a threshold for each channel"
        change += ", its bounds proved" if "states" in export else ""
        try:
            found[change] = to_integer_network(floats, limits_of(chip, fewer, per_channel=per_channel), options).network
        except UserError:
            continue  # this network cannot be exported so: then it is no suggestion
    return found


def floats_right(
    network: IntegerNetwork, floats: FloatNetwork | None, shown: np.ndarray, labels: np.ndarray, watch: Watch
) -> np.ndarray | None:
    """Return whether the class of `floats` is the label, of the first samples: (samples that there was time for,).

    None where there are no floats, or not even a few samples would be done soon. shown: as simulation.as_frames takes
    them; labels: (samples,).
    """
    work = sum(multiply_accumulates(network).values()) * network.steps  # of a sample
    count = min(len(labels), int(_MOST_FLOAT_WORK // max(work, 1)))
    if floats is None or count < min(len(labels), _FEWEST_FLOATS):
        return None
    frames, right = as_frames(network, shown), np.zeros(count, bool)
    with watch.progress("floats", count) as advance:
        for start in range(0, count, _FLOATS_AT_A_TIME):
            here = slice(start, min(start + _FLOATS_AT_A_TIME, count))
            trace, name = float_semantics.run(floats, frames[:, here]), floats.output.name
            outputs = class_outputs(floats.output, trace.spikes[name], trace.potentials[name][-1])
            right[here] = predicted_classes(outputs) == labels[here]
            advance(len(outputs))
    return right
