"""stream: decisions of a network about frames that never end, one by one, its state kept between them."""

import sys
from pathlib import Path

from snn_deploy.api.arriving_frames import ArrivingFrames, Blocks
from snn_deploy.api.decision import Stream
from snn_deploy.api.signal_sources import streamed_signals
from snn_deploy.api.sources import Network, integer_network
from snn_deploy.deploy.running.memory import require_memory
from snn_deploy.deploy.running.streaming import open_stream
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.stream_file import Bytes, read_stream

Source = Blocks | Bytes | str | Path
"""Blocks of frames, or where bytes come from: an open file, a path, or "-" for standard input."""


def stream(
    network: Network,
    frames: Source,
    *,
    window: int = 0,
    hold: int = 1,
    from_rest: bool = False,
    backend: str = "cpu",
    data: str | None = None,
    file_format: str | None = None,
    step_time: float | None = None,
    sensor: tuple[int, int] | None = None,
    record: bool = False,
) -> Stream:
    """Return the decisions of `network` about `frames`, as they come; state is kept from each window to the next.

    The spikes are those of one run over the whole stream, wherever it is cut. An output that only sums and forgets
    nothing is read and cleared after each window; it sends no spikes, so that changes none.

    Parameters
    ----------
    network
        An exported network, its file or its folder.
    frames
        Arrays of whole numbers, a frame (*input shape) or several (frames, *input shape) each; of a network that was
        trained on signals, of real numbers, (channels,) or (time, channels). Or where such come from: an open binary
        file, a path, such as a device's, or "-" for standard input (`file_format`).
    window
        Steps for each decision; 0 is the steps of a sample that the network was trained with.
    hold
        Steps for which a frame is shown; a network that was trained on images was shown each in all of its steps.
    from_rest
        Start each window from rest, as `run` starts each sample: no state is kept.
    backend
        "cpu" or "reference"; "cpu:int8" and the like force one path of the CPU simulator.
    data
        Of signals: the data set whose training samples say how values become integers, NAME or NAME:PATH; None is the
        one that the network was trained on.
    file_format
        What comes from a file: "npy", "json", "u8", "s8", "s16le", "s16be", "s32le", "f32le" or "f64le"
        (train/data/stream_file.py). None is one of the first two, by the first byte.
    step_time, sensor
        Of events, which become frames: how long a step is, in the unit of their times, and (height, width) of the
        camera, where it is not the size of the input.
    record
        Keep every spike in the decisions.

    Raises
    ------
    UserError
        For options that do not fit the network; and, while the decisions are read, for frames that do not.
    """
    whole = integer_network(network)
    for name, value, least in (("window", window, 0), ("hold", hold, 1)):
        if value < least:
            raise UserError(f"--{name} {value}; allowed is a whole number from {least}.")
    require_memory(whole, 1, [backend])
    running = open_stream(backend, whole)
    encoder = streamed_signals(whole, data)
    steps = window or whole.steps
    arriving = ArrivingFrames(whole.input, encoder, hold, steps if from_rest else None, step_time, sensor)
    if isinstance(frames, str | Path):
        where = "standard input" if str(frames) == "-" else str(frames)
        arrivals = arriving.of(read_stream(_opened(frames), where, arriving.shape, file_format), where)
    elif isinstance(frames, Bytes):
        where = str(getattr(frames, "name", "the stream"))
        arrivals = arriving.of(read_stream(frames, where, arriving.shape, file_format), where)
    else:
        arrivals = arriving.of(frames, "frames")
    return Stream(whole, running, arrivals, steps, from_rest=from_rest, record=record)


def _opened(source: str | Path) -> Bytes:
    if str(source) == "-":
        return sys.stdin.buffer
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise UserError(
            f"{source}: cannot be read ({error.strerror or error}). Give a file, a device or '-'."
        ) from error
