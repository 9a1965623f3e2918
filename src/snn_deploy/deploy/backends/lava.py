"""Backend `lava`: Intel's Lava, whose bit-exact simulation of Loihi is the judge from outside.

Every layer is a few Lava processes (_lava/build.py). All samples are streamed through one run: the layers work
on a sample one after another and are reset, each in its turn, before the next. The run is a job of its own
(_child_process.py), because Lava neither ends well nor cleans up.
"""

import importlib.util
from collections.abc import Callable

import numpy as np

from snn_deploy.deploy.backends._lava.child_process import workspace
from snn_deploy.deploy.backends._lava.choice import check_sums, estimated_seconds
from snn_deploy.deploy.backends._lava.files import (
    JobFiles,
    finished_samples,
    recorded_potentials,
    recorded_spikes,
)
from snn_deploy.deploy.running.event_counts import simulation_from_spikes
from snn_deploy.deploy.running.simulation import Progress, Simulation, as_frames, joined
from snn_deploy.network.class_outputs import class_outputs
from snn_deploy.network.integer_network import IntegerNetwork, write_integer_network
from snn_deploy.network.layer_times import schedule
from snn_deploy.network.value_reading import gives_values
from snn_deploy.support.user_error import UserError

_JOB = "snn_deploy.deploy.backends._lava.job"
_TASK = "snn_deploy.deploy.backends._lava.run_network"
_INSTALL = "Install it with `uv sync` in a checkout, or with pip as `snn-deploy help lava` says."
_SAMPLES_AT_A_TIME = 64
_LEAST_TIMEOUT = 120.0  # seconds; the start alone takes up to ten on a busy machine
_PATIENCE = 20.0  # times the estimate, which knows one machine


def why_unavailable() -> str | None:
    """Return what to install when Lava is missing, else None."""
    return missing("lava.magma", "Lava")


def run(
    network: IntegerNetwork, inputs: np.ndarray, *, record: bool = False, progress: Progress | None = None
) -> Simulation:
    """Return what Lava makes of `inputs` (see simulation.as_frames)."""
    return run_with_timeout(network, inputs, record=record, progress=progress)


def expected_seconds(network: IntegerNetwork, samples: int) -> float:
    """Return about how long `run` takes for so many samples; a network that Lava cannot hold is a UserError."""
    check(network)
    return estimated_seconds(network, schedule(network), samples)


def run_with_timeout(
    network: IntegerNetwork,
    inputs: np.ndarray,
    *,
    record: bool = False,
    progress: Progress | None = None,
    timeout: float | None = None,
) -> Simulation:
    """Return what `run` does, or raise JobError after `timeout` seconds (None: many times the estimate)."""
    if timeout is None:
        timeout = patience(expected_seconds(network, as_frames(network, inputs).shape[1]))
    else:
        check(network)
    return run_job(_TASK, network, inputs, lambda files: None, record=record, progress=progress, timeout=timeout)


def patience(seconds: float) -> float:
    """Return the timeout of a run that is expected to take so many seconds."""
    return _LEAST_TIMEOUT + _PATIENCE * seconds


def check(network: IntegerNetwork) -> None:
    """Raise UserError where Lava cannot hold the network, by name."""
    check_sums(network)
    schedule(network)


def run_job(
    task: str,
    network: IntegerNetwork,
    inputs: np.ndarray,
    prepare: Callable[[JobFiles], None],
    *,
    record: bool,
    progress: Progress | None,
    timeout: float,
) -> Simulation:
    """Return what the job `task` records, for this backend and its relatives; `prepare` adds their own files."""
    reason = why_unavailable()
    if reason:
        raise UserError(reason)
    frames = as_frames(network, inputs)
    samples = frames.shape[1]
    if samples == 0:
        raise UserError("inputs hold no samples; Lava needs at least one.")
    with workspace() as space:
        files = JobFiles(space.folder)
        write_integer_network(network, files.network)
        files.write_frames(frames)
        prepare(files)
        finished = 0

        def look() -> None:
            nonlocal finished
            now = finished_samples(network, files)
            if progress and now > finished:
                progress(now - finished)
            finished = now

        space.run(_JOB, task, timeout=timeout, look=look)
        return _simulation(network, frames, files, record=record)


def missing(package: str, name: str) -> str | None:
    """Return one sentence about a package that is not installed, or None; imports nothing of it."""
    try:
        found = importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        found = False
    return None if found else f"{name} is not installed. {_INSTALL}"


def _simulation(network: IntegerNetwork, frames: np.ndarray, files: JobFiles, *, record: bool) -> Simulation:
    samples = frames.shape[1]
    output = network.output
    potentials = None if output.fires else recorded_potentials(network, files, samples)
    parts = []
    for i, spikes in enumerate(recorded_spikes(network, files, samples, _SAMPLES_AT_A_TIME)):
        chunk = slice(i * _SAMPLES_AT_A_TIME, (i + 1) * _SAMPLES_AT_A_TIME)
        shown = frames[:, chunk]
        outputs = class_outputs(output, spikes[output.name], None if potentials is None else potentials[-1, chunk])
        read = potentials[:, chunk] if potentials is not None and gives_values(network) else None
        everything = {network.input.name: np.array(shown, np.uint8)} | spikes
        parts.append(simulation_from_spikes(network, outputs, everything, record=record, outputs_by_step=read))
    return joined(parts)
