"""Backend `netx`: the exported file, loaded by lava-dl's own lava.lib.dl.netx.hdf5.Network and run on Lava."""

import shutil
from pathlib import Path

import h5py
import numpy as np

from snn_deploy.deploy.backends import lava
from snn_deploy.deploy.backends._lava.choice import check_convolution_sums, estimated_seconds, synapse_count
from snn_deploy.deploy.backends._lava.files import JobFiles
from snn_deploy.deploy.running.simulation import Progress, Simulation, as_frames
from snn_deploy.export.targets.loihi import NETWORK_ATTRIBUTE
from snn_deploy.export.targets.loihi import write as write_netx
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.layer_times import chain_schedule
from snn_deploy.support.atomic_file import writing
from snn_deploy.support.hdf5_check import HDF5_DAMAGE, objects, require_honest, require_plain
from snn_deploy.support.npz_file import reason
from snn_deploy.support.user_error import UserError

_DELAY_COLUMNS = 63  # lava-dl's dense layers with delays hold the sums of so many steps
# Measured where choice.py was: DelayDense for each weight and column, and what Lava reads or sets of a variable.
_SECONDS_PER_DELAYED_WEIGHT, _VALUES_PER_SECOND = 6.5e-9, 7500

_TASK = "snn_deploy.deploy.backends._lava.run_exchange"


def why_unavailable() -> str | None:
    """Return what to install when Lava or lava-dl is missing, else None."""
    return lava.why_unavailable() or lava.missing("lava.lib.dl.netx", "lava-dl")


def expected_seconds(network: IntegerNetwork, samples: int) -> float:
    """Return about how long `run` takes for so many samples; lava-dl runs each convolution as a Conv process."""
    lava.check(network)
    check_convolution_sums(network)
    plain = estimated_seconds(network, chain_schedule(network), samples, may_choose=False)
    delayed = {c.target: c for c in network.connections if c.delay and c.source != c.target}.values()
    weights = sum(synapse_count(c, network.shape_of(c.source)) for c in delayed)
    held = sum(len(c.weights) * _DELAY_COLUMNS for c in delayed)  # read and set before each sample
    of_steps = weights * _DELAY_COLUMNS * _SECONDS_PER_DELAYED_WEIGHT * network.steps
    return plain + samples * (of_steps + 2 * held / _VALUES_PER_SECOND)


def run(
    network: IntegerNetwork,
    inputs: np.ndarray,
    *,
    record: bool = False,
    progress: Progress | None = None,
    file: Path | None = None,
) -> Simulation:
    """Return what lava-dl makes of `inputs` (see simulation.as_frames).

    file: the netx file of this network; None writes a temporary one.
    """
    reason = why_unavailable()
    if reason:
        raise UserError(reason)

    def provide(files: JobFiles) -> None:
        if file is None:
            write_netx(network, files.exchange)
        else:
            with writing(files.exchange):
                shutil.copyfile(file, files.exchange)

    if file is not None:
        _check_file(file, network)
    timeout = lava.patience(expected_seconds(network, as_frames(network, inputs).shape[1]))
    return lava.run_job(_TASK, network, inputs, provide, record=record, progress=progress, timeout=timeout)


def _check_file(file: Path, network: IntegerNetwork) -> None:
    """Raise UserError unless `file` is the netx file of `network`."""
    if not file.is_file():
        raise UserError(
            f"{file}: no such file, and netx runs it. Export with --target loihi: that writes it, or says why the "
            "format of lava-dl does not hold this network. Or leave netx out."
        )
    try:
        with h5py.File(file, "r") as opened:
            require_honest(opened)
            for item in objects(opened):
                require_plain(item)
            digest = opened.attrs.get(NETWORK_ATTRIBUTE)
    except HDF5_DAMAGE as error:
        raise UserError(f"{file}: not a whole HDF5 file ({reason(error)}). Export the network again.") from error
    if not isinstance(digest, str) or digest != network.digest:
        raise UserError(
            f"{file}: was written from the network {digest}, and this is {network.digest}. "
            "Give the file that was exported with this network, or export again."
        )
