"""inheritance: a run that starts from the trained network of another, its parent.

Time inheritance training (Dspike Sec. 4.4): train with many steps, start the next, shorter one from there. Weights and
the norms' statistics are taken over; the optimizer starts anew.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.networks.network import Network
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.run.checkpoint import checkpoint_digest, read_network_state, read_origin
from snn_deploy.train.run.run_folder import RunFolder


class Beginning(Protocol):
    """What a run's network starts from in place of random weights."""

    @property
    def folder(self) -> Path:
        """Where it was read."""

    @property
    def digest(self) -> str | None:
        """The SHA-256 of its checkpoint, in the process that writes files."""

    def copy_into(self, network: Network, config: TrainConfig) -> None:
        """Put what it has learned into `network`, of `config`."""


@dataclass(frozen=True)
class Parent:
    """A finished run. digest: the SHA-256 of its checkpoint."""

    folder: Path
    config: TrainConfig
    digest: str

    def copy_into(self, network: Network, config: TrainConfig) -> None:
        """Copy the parent's weights and statistics into `network`; a UserError names what differs between the two."""
        where = f"--from {self.folder}"
        for section in ("neuron", "norm", "feedback"):
            before, now = self.config.table()[section], config.table()[section]
            keys = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
            if keys:
                named = ", ".join(f"{section}.{k} is {now.get(k)!r}, there {before.get(k)!r}" for k in keys)
                raise UserError(f"{where}: {named}. Its weights mean something else here; make these equal.")
        source = network.plan.input.shape
        theirs = self.config.model.options.plan(source, network.plan.output.shape[0])
        fires = network.plan.output.fires  # time-based training lets it fire, whatever the model says
        theirs = replace(theirs, populations=(*theirs.populations[:-1], replace(theirs.output, fires=fires)))
        _require_equal(where, theirs, network.plan)
        read_network_state(RunFolder(self.folder).checkpoint, network)


def read_parent(folder: Path) -> Parent:
    """Return the finished run in `folder`; a UserError where there is none, or where it is not finished."""
    files = RunFolder(folder)
    if not files.checkpoint.is_file():
        raise UserError(f"--from {folder}: no checkpoint in it. Give the folder of a finished run.")
    origin, progress = read_origin(files.checkpoint)
    config = resolved_config(origin.config, str(files.checkpoint))
    if progress.epoch < config.training.epochs:
        raise UserError(
            f"--from {folder}: stopped after {progress.epoch} of {config.training.epochs} epochs. "
            f"Finish it first: snn-deploy train --resume --out {folder}"
        )
    return Parent(folder, config, checkpoint_digest(files.checkpoint))


def _require_equal(where: str, theirs: NetworkPlan, ours: NetworkPlan) -> None:
    """Raise a UserError that names the first population or connection in which two plans differ."""
    for kind in ("populations", "connections"):
        for there, here in zip(getattr(theirs, kind), getattr(ours, kind), strict=False):
            if there != here:
                raise UserError(f"{where}: another network. Here {here}; there {there}. Use its [model].")
        counts = len(getattr(ours, kind)), len(getattr(theirs, kind))
        if counts[0] != counts[1]:
            raise UserError(f"{where}: another network: {counts[0]} {kind}, there {counts[1]}. Use its [model].")
