"""Backend `onnx`: the exported model in ONNX Runtime, on one thread of the CPU."""

import importlib.util
import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.deploy.running.event_counts import simulation_from_spikes
from snn_deploy.deploy.running.simulation import Progress, Simulation, as_frames, is_static, joined
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import gives_values
from snn_deploy.support.foreign_parser import foreign_parser
from snn_deploy.support.require_file import require_file
from snn_deploy.support.user_error import UserError

_BYTES_AT_A_TIME = 64 * 2**20
_SAMPLES_AT_A_TIME = 64


def why_unavailable() -> str | None:
    """Return what to install when onnx or ONNX Runtime is missing, else None."""
    missing = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return f'{" and ".join(missing)} not installed. Install it with `pip install "snn-deploy[onnx]"`.'


def run(
    network: IntegerNetwork,
    inputs: np.ndarray,
    *,
    record: bool = False,
    progress: Progress | None = None,
    file: Path | None = None,
) -> Simulation:
    """Return what ONNX Runtime makes of `inputs` (see simulation.as_frames).

    file: the exported model of this network; None makes one for these inputs.
    """
    if reason := why_unavailable():
        raise UserError(reason)
    frames = as_frames(network, inputs)
    session = _session_of_file(file, network) if file else _session_of_network(network, is_static(frames))
    takes = session.get_inputs()[0].name
    if takes == "images" and not is_static(frames) and len(frames) > 1:
        raise UserError(
            f"{file}: takes images that are shown in every step, and these inputs differ from step to step. "
            "Leave the file out, or export the network for frames."
        )
    parts = []
    size = samples_at_a_time(network)
    for start in range(0, frames.shape[1], size):
        chunk = frames[:, start : start + size]
        shown = chunk[0] if takes == "images" else chunk
        with _refused(file) if file else nullcontext():
            pixels = np.ascontiguousarray(shown, np.uint8)
            parts.append(_simulation(network, session, takes, chunk, pixels, record=record))
        if progress:
            progress(chunk.shape[1])
    return joined(parts)


def samples_at_a_time(network: IntegerNetwork) -> int:
    """Return how many samples run together so that their values stay within some tens of megabytes."""
    sizes = [math.prod(network.shape_of(n)) for n in (network.input.name, *(p.name for p in network.populations))]
    # Every spike is an output, and beside it are the spikes and the sums of the layer at work as float32.
    bytes_of_a_sample = network.steps * (sum(sizes) + 12 * max(sizes))
    return int(np.clip(_BYTES_AT_A_TIME // bytes_of_a_sample, 1, _SAMPLES_AT_A_TIME))


def _simulation(
    network: IntegerNetwork, session: Any, takes: str, frames: np.ndarray, shown: np.ndarray, *, record: bool
) -> Simulation:
    firing = [p.name for p in network.populations if p.fires]
    wanted = ["output", *(f"{name}/spikes" for name in firing)]
    reads = gives_values(network)
    outputs, *found = session.run(["outputs", *wanted] if reads else wanted, {takes: shown})
    by_step = None
    if reads:
        by_step, (outputs, *found) = outputs, found
    spikes = {network.input.name: np.asarray(frames, np.uint8)}
    for population in network.populations:
        shape = (network.steps, frames.shape[1], *population.shape)
        spikes[population.name] = found.pop(0) if population.fires else np.zeros(shape, np.uint8)
    return simulation_from_spikes(network, outputs, spikes, record=record, outputs_by_step=by_step)


def _session_of_network(network: IntegerNetwork, is_static: bool) -> Any:
    from snn_deploy.export.targets.onnx import onnx_model  # noqa: PLC0415 - onnx may be missing

    return _session(onnx_model(network, "images" if is_static else "frames").SerializeToString())


def _session_of_file(file: Path, network: IntegerNetwork) -> Any:
    """Return a session of `file`, or raise UserError unless it is the model of `network`."""
    from snn_deploy.export.targets.onnx import NETWORK_KEY  # noqa: PLC0415 - onnx may be missing

    require_file(Path(file), "a model that was exported with --target onnx")
    with _refused(file):
        content = Path(file).read_bytes()
        _require_self_contained(content)
        session = _session(content)
        digest = session.get_modelmeta().custom_metadata_map.get(NETWORK_KEY)
        if [entry.name for entry in session.get_inputs()] not in (["images"], ["frames"]):
            raise ValueError("its inputs are not one, images or frames")
    if digest != network.digest:
        raise UserError(
            f"{file}: was written from the network {digest}, and this is {network.digest}. "
            "Give the file that was exported with this network, or export again."
        )
    return session


def _require_self_contained(content: bytes) -> None:
    """Raise ValueError for a model with a tensor whose values are not in it.

    ONNX Runtime would read other files, and allocate what a shape claims.
    """
    import onnx  # noqa: PLC0415 - it may be missing

    for message in _messages(onnx.ModelProto.FromString(content)):
        if isinstance(message, onnx.TensorProto) and (message.data_location or message.external_data):
            raise ValueError(f"tensor {message.name!r} takes its values from another file")
        if isinstance(message, onnx.TensorProto) and math.prod(map(abs, message.dims)) > message.ByteSize():
            raise ValueError(f"tensor {message.name!r} claims the shape {list(message.dims)} and does not hold it")


def _messages(message: Any) -> Iterator[Any]:
    """Yield a message of a protocol buffer and all below it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for below in [value] if hasattr(value, "ListFields") else value:
                yield from _messages(below)


@contextmanager
def _refused(file: Path) -> Iterator[None]:
    """Turn what ONNX Runtime raises about the model in `file` into a UserError; what it logs is dropped."""
    try:
        with foreign_parser():
            yield
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{file}: ONNX Runtime cannot run it ({text}). Export the network again.") from error


def _session(model: bytes) -> Any:
    import onnxruntime  # noqa: PLC0415 - it may be missing

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors come as exceptions
    # A fallback would print what is in the file, and try the same again.
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], enable_fallback=0)
