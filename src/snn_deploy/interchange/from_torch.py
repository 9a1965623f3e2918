"""from_torch: a torch.nn.Module with spiking neurons as a FloatNetwork, compared with the module spike by spike.

The module runs, and what its tensors are made of is followed: trace/. So any module is taken whose neurons are known
(torch_neurons/) and which does between them what a chip can: weights, sums, average pooling, norms; and max pooling
and products of spikes, which are neurons. Nothing rests on trust: the network runs on the same inputs as the module,
and one spike that differs is an error.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, get_args

import numpy as np
import torch

from snn_deploy.interchange.check_frames import RANDOM_SAMPLES, check_frames
from snn_deploy.interchange.comparison import SourceComparison, compare_spikes
from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.interchange.nir.names import legal_names
from snn_deploy.interchange.trace.graph import network_of
from snn_deploy.interchange.trace.recorder import INPUT
from snn_deploy.interchange.trace.run_module import CannotRunError, Recording, Takes, run_module
from snn_deploy.interchange.trace.tracked import logical_shape
from snn_deploy.network.float_network import FloatInput, FloatNetwork
from snn_deploy.support.user_error import UserError


def from_torch(
    module: torch.nn.Module,
    input_shape: tuple[int, ...],
    steps: int,
    *,
    largest_value: int = 255,
    scale: float | None = None,
    check: np.ndarray | int = RANDOM_SAMPLES,
    takes: Takes | None = None,
) -> FloatNetwork:
    """Return the network in floats that `module` is, with its weights in double precision.

    Parameters
    ----------
    module
        Spiking neurons of snnTorch, SpikingJelly, Norse, sinabs or this package between layers that a chip can
        compute, in any order, loop or class. It is copied; the copy runs in evaluation. A module whose result is no
        spikes gets an output that sums it over the steps.
    input_shape
        (channels, height, width), (channels, length) or (features,), without batch and steps.
    steps
        Time steps per sample.
    largest_value, scale
        Inputs are whole numbers 0..largest_value (255 for pixels, 1 for spikes) times `scale`; None is
        1 / largest_value.
    check
        The inputs on which module and network are compared: whole numbers, (samples, *input_shape), shown in every
        step, or (steps, samples, *input_shape); or how many samples are made at random.
    takes
        What a call of the module gets: one "step" (batch, ...), a "sample" (batch, ...) that its own loop shows in
        every step, all "steps" (steps, batch, ...), "batch_first" (batch, steps, ...), or "flat" (batch * steps, ...).
        None is whichever it can.

    Raises
    ------
    UserError
        Names what cannot be taken, with its module and line, or the first spike that differs, with its layer and step.
    """
    if len(input_shape) > 3:
        raise UserError(
            f"input_shape {tuple(input_shape)}: has {len(input_shape)} axes; taken are up to three, of one sample and "
            "step. Chips have maps of rows and columns, none of three dimensions."
        )
    shape = logical_shape(tuple(int(s) for s in input_shape))
    entry = FloatInput(INPUT, shape, largest_value, 1 / largest_value if scale is None else scale)

    def read(way: Takes, frames: np.ndarray, one_by_one: bool) -> FloatNetwork:
        recording = _recorded(module, entry, way, frames, tuple(input_shape), one_by_one)
        try:
            network = replace(network_of(recording, entry, steps), provenance={"torch": type(module).__name__})
        except NodeError as error:
            raise CannotRunError(str(error), steps * len(recording.layers)) from error
        compared = _compared(network, recording, frames, type(module).__name__, check)
        return replace(network, provenance={**network.provenance, "compared": compared.to_dict()})

    return _in_some_way(read, module, entry, steps, check, takes)


def compare_with_module(
    network: FloatNetwork,
    module: torch.nn.Module,
    check: np.ndarray | int = RANDOM_SAMPLES,
    *,
    takes: Takes | None = None,
) -> SourceComparison:
    """Return how many spikes of `network` and of the module that it came from were compared, none of which differs.

    Layers are found by their names: those of the modules, as `from_torch` gives them.

    Parameters
    ----------
    check, takes
        As of `from_torch`.

    Raises
    ------
    UserError
        Names the first spike that differs, with its layer and step, or why the module cannot be followed.
    """

    def compare(way: Takes, frames: np.ndarray, one_by_one: bool) -> SourceComparison:
        recording = _recorded(module, network.input, way, frames, network.input.shape, one_by_one)
        return _compared(network, recording, frames, type(module).__name__, check)

    return _in_some_way(compare, module, network.input, network.steps, check, takes)


Found = TypeVar("Found")


def _in_some_way(
    read: Callable[[Takes, np.ndarray, bool], Found],
    module: torch.nn.Module,
    entry: FloatInput,
    steps: int,
    check: np.ndarray | int,
    takes: Takes | None,
) -> Found:
    """Return what `read` makes of the module, called in the first way that it takes."""
    failed: list[CannotRunError] = []
    ways: list[Takes] = [takes] if takes else list(get_args(Takes))
    for one_by_one in (False, True):  # a module may have its batch in it
        for way in ways:
            frames = check_frames(check, entry, steps, steady=way == "sample")
            if way == "sample" and (frames != frames[:1]).any():
                continue
            try:
                return read(way, frames, one_by_one)
            except CannotRunError as error:
                failed.append(error)
    furthest = max(failed, key=lambda error: error.reached)
    raise UserError(f"from_torch: {type(module).__name__} cannot be taken: {furthest}")


def _recorded(
    module: torch.nn.Module,
    entry: FloatInput,
    takes: Takes,
    frames: np.ndarray,
    shape: tuple[int, ...],
    one_by_one: bool,
) -> Recording:
    shown = frames.reshape(*frames.shape[:2], *shape)
    is_binary = entry.largest_value == 1 and entry.scale == 1
    return run_module(module, shown, entry.scale, takes, binary_input=is_binary, one_by_one=one_by_one)


def _compared(
    network: FloatNetwork, recording: Recording, frames: np.ndarray, source: str, check: np.ndarray | int
) -> SourceComparison:
    names = legal_names([network.input.name, *recording.layers])
    kept = {p.name for p in network.populations}
    recorded: dict[str, np.ndarray] = {}
    for name, layer in recording.layers.items():
        if names[name] in kept and layer.spikes and None not in layer.spikes:
            recorded[names[name]] = np.stack([layer.spikes[t] for t in range(network.steps)])
    if recording.totals is not None:
        recorded[names[recording.output]] = recording.totals
    return compare_spikes(network, frames, recorded, source, takes=recording.takes, random=isinstance(check, int))
