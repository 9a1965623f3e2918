"""api: a network in floats becomes integers and files, in one call from Python: what `snn-deploy export` does."""

from dataclasses import dataclass
from pathlib import Path

from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.passes.place_shift import Shift
from snn_deploy.export.targets.targets import TARGETS
from snn_deploy.export.to_integer_network import export_options, to_integer_network
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork, write_integer_network
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class Exported:
    """An integer network, and the files that were written of it.

    problem: why the file of the target is not among them, or None: the target cannot hold this network, snn-deploy's
    own backends can.
    """

    network: IntegerNetwork
    files: tuple[Path, ...]
    problem: str | None


def export_network(
    network: FloatNetwork,
    folder: str | Path,
    *,
    target: str = "loihi",
    profile: str = "loihi2",
    weight_bits: int = 8,
    per_channel: bool = False,
    shift: Shift = "refuse",
    round_decays: bool = False,
) -> Exported:
    """Return the integer network of `network`, written to `folder` as network.npz and as the file of `target`.

    target: "loihi" (network.net, for lava-dl) or "onnx". profile: the chip, a name or a TOML file. weight_bits: of a
    signed weight. per_channel: one threshold and weight scale for each channel, not for each layer.
    shift: what becomes of norms' shifts: "refuse", "bias" or "reset" (export/passes/place_shift.py).
    round_decays: whether decays may be rounded to the chip's; the provenance says by how much.
    What the chip cannot hold is a UserError, and nothing is written.
    """
    if target not in TARGETS:
        hint = did_you_mean(target, TARGETS)
        raise UserError(f"target {target!r}.{hint} Choose one of {', '.join(TARGETS)}; NIR files are from write_nir.")
    limits = limits_of(profile, weight_bits, per_channel=per_channel)
    options = export_options(profile, shift, round_decays=round_decays)
    integers = to_integer_network(network, limits, options).network
    name, write = TARGETS[target]
    files = [Path(folder) / "network.npz", Path(folder) / name]
    write_integer_network(integers, files[0])
    problem = None
    try:
        write(integers, files[1])
    except UserError as error:
        files.pop().unlink(missing_ok=True)  # an older export's file would not match
        problem = str(error)
    return Exported(integers, tuple(files), problem)
