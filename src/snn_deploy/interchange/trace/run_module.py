"""run_module: runs a module on samples, called in the way that it takes, and returns what was recorded."""

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import NodeError, Reshape, Scale
from snn_deploy.interchange.linear.torch_neuron import TorchNeurons
from snn_deploy.interchange.nir.names import unique
from snn_deploy.interchange.trace.framework import find_spiking
from snn_deploy.interchange.trace.linear_value import LinearValue, Term, key_of
from snn_deploy.interchange.trace.recorder import INPUT, Layer, Recorder
from snn_deploy.interchange.trace.tracked import Opaque, Tracked, tensors_in

Takes = Literal["step", "sample", "steps", "batch_first", "flat"]
"""What a call of a module takes.

step: one step, (batch, ...), and it is called once for each. sample: (batch, ...), shown in every step of its own loop.
steps: (steps, batch, ...). batch_first: (batch, steps, ...). flat: (batch * steps, ...), sample by sample.
"""
OUTPUT = "output"


@dataclass(frozen=True)
class Recording:
    """What a module did. layers: in the order in which they first ran. output: the name of the one that is its result.

    totals: (batch, *shape), what an output that only sums should hold after the last step; None where it is a layer
    of the module.
    """

    takes: Takes
    layers: dict[str, Layer]
    output: str
    totals: np.ndarray | None


class CannotRunError(NodeError):
    """A module cannot be called in one way.

    reached: how many calls of spiking modules went well before, whether a reason was found (else the module itself
    raised an error), and how many tensors could be followed.
    """

    def __init__(self, message: str, calls: int, *, is_reason: bool = True, followed: int = 0) -> None:
        super().__init__(message)
        self.reached = (calls, is_reason, followed)


def run_module(
    module: torch.nn.Module,
    frames: np.ndarray,
    scale: float,
    takes: Takes,
    *,
    binary_input: bool,
    one_by_one: bool = False,
) -> Recording:
    """Return what a copy of `module` does, called in one way; a CannotRunError where it takes another or is no network.

    frames: (steps, batch, *shape), whole numbers, which times `scale` are what the module gets. For a module that
    takes a sample without steps, all are the same. one_by_one: whether it gets each sample by itself.
    """
    if one_by_one:
        samples = (frames[:, i : i + 1] for i in range(frames.shape[1]))
        return _joined([run_module(module, s, scale, takes, binary_input=binary_input) for s in samples])
    twin = _copied(module)
    recorder = Recorder(twin, frames.shape[1], binary_input=binary_input)
    try:
        return _run(twin, torch.as_tensor(frames * scale, dtype=torch.float64), takes, recorder)
    except NodeError as error:
        raise CannotRunError(str(error), recorder.reached, followed=recorder.followed) from error
    except Exception as error:  # the module is the user's, and may take something else than it was given
        reason = " ".join(str(error).split())[:300]
        told = f"called with {takes}, it raised {type(error).__name__}: {reason}"
        raise CannotRunError(told, recorder.reached, is_reason=False) from error


def _joined(recordings: list[Recording]) -> Recording:
    """Return the recordings of single samples as that of all of them."""
    first = recordings[0]
    layers = {}
    for name, layer in first.layers.items():
        parts = [r.layers[name].spikes for r in recordings]
        layers[name] = replace(layer, spikes={t: np.concatenate([p[t] for p in parts]) for t in layer.spikes})
    totals = [r.totals for r in recordings if r.totals is not None]
    return replace(first, layers=layers, totals=np.concatenate(totals) if totals else None)


def _run(module: torch.nn.Module, frames: torch.Tensor, takes: Takes, recorder: Recorder) -> Recording:
    steps, batch = frames.shape[:2]
    with recorder.running(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = list(_calls(module, frames, takes, recorder))
    found = [_first_followed(recorder, result) for result in results]
    if not recorder.layers:
        raise NodeError("no spiking neurons that are known, and so no steps.")
    if takes == "step":
        if any(v.lead != ("B",) for v, _ in found):
            raise NodeError("its result is not one value for each sample and step.")
        values, totals = tuple(v.steps[0] for v, _ in found), sum(t for _, t in found)
    else:
        values, totals = _in_time(*found[0], steps, batch)
    for layer in recorder.layers.values():
        if len(layer.arrives) != steps and None not in layer.arrives:
            raise NodeError(f"{layer.name} ran {len(layer.arrives)} times, and steps is {steps}.")
    layers = dict(recorder.layers)
    name = _plain_source(values)
    if name is not None:
        return Recording(takes, layers, name, None)
    neurons = TorchNeurons(np.ones(()), np.zeros(()), False, fires=False)
    output = unique(OUTPUT, layers)
    layers[output] = Layer(output, neurons, values[0].shape, dict(enumerate(values)))
    return Recording(takes, layers, output, np.asarray(totals).reshape(batch, *values[0].shape))


def _calls(module: torch.nn.Module, frames: torch.Tensor, takes: Takes, recorder: Recorder) -> Iterator[Any]:
    """Call the module as it takes the frames, and yield what it returns."""
    steps = len(frames)
    if takes == "step":
        state: tuple[Any, ...] = ()
        for t in range(steps):
            frame = frames[t].clone()
            recorder.begin(frame, ("B",), t)
            result = module(frame, *state)
            longest = max(recorder.layers.values(), key=lambda layer: len(layer.arrives), default=None)
            if t == 0 and longest is not None and len(longest.arrives) > 1:
                ran = f"{longest.name} ran {len(longest.arrives)} times, and steps is {steps}"
                raise NodeError(f"it runs several steps in one call: {ran}.")
            state = _passed_on(module, result)
            yield result
        return
    if takes == "sample":
        shown = frames[0].clone()
        recorder.begin(shown, ("B",), None)
    elif takes == "steps":
        shown = frames.clone()
        recorder.begin(shown, ("T", "B"), 0, steps)
    elif takes == "batch_first":
        shown = frames.swapaxes(0, 1).clone()
        recorder.begin(shown, ("B", "T"), 0, steps)
    else:
        shown = frames.swapaxes(0, 1).flatten(0, 1).clone()
        recorder.begin(shown, ("BT",), 0, steps)
    yield module(shown)


def _passed_on(module: torch.nn.Module, result: Any) -> tuple[Any, ...]:
    """Return the state that the next call gets, of a module that takes and returns one, as Norse's do."""
    takes_state = "state" in _parameters(module)
    return (result[1],) if takes_state and isinstance(result, tuple) and len(result) == 2 else ()


def _parameters(module: torch.nn.Module) -> tuple[str, ...]:
    code = getattr(type(module).forward, "__code__", None)
    return code.co_varnames[: code.co_argcount] if code else ()


def _first_followed(recorder: Recorder, result: Any) -> tuple[Tracked, np.ndarray]:
    """Return the first tensor of a result that is known, with its numbers."""
    reasons: list[str] = []
    for tensor in tensors_in(result):
        value, shown = recorder.value(tensor), tensor
        while isinstance(value, Opaque) and value.ranked is not None:
            shown = value.ranked
            value = recorder.value(shown)
        if isinstance(value, Tracked):
            return value, shown.double().numpy()
        if isinstance(value, Opaque):
            reasons.append(value.reason)
    raise NodeError(reasons[0] if reasons else "its result does not depend on its input.")


def _in_time(value: Tracked, numbers: np.ndarray, steps: int, batch: int) -> tuple[tuple[LinearValue, ...], Any]:
    """Return what the result adds in each step, and its sum over the steps."""
    if value.lead != ("B",):
        if len(value.steps) != steps:
            raise NodeError(f"its result has {len(value.steps)} of {steps} steps.")
        order = "".join(value.lead)
        shaped = numbers.reshape(steps, batch, -1) if order == "TB" else numbers.reshape(batch, steps, -1)
        return value.steps, shaped.sum(axis=0 if order == "TB" else 1)
    (total,) = value.steps
    if len(total.terms) == 1 and total.terms[0].step == steps - 1 and total.is_plain:
        return (total,), numbers
    parts: list[LinearValue] = []
    for t in range(steps):
        terms = tuple(term for term in total.terms if term.step == t)
        constant = None if total.constant is None else total.constant / steps
        parts.append(LinearValue(total.shape, terms, constant))
    if len({_signature(part) for part in parts}) > 1 or any(term.step is None for term in total.terms):
        raise NodeError("its result is not a sum over all of its steps. Return the spikes, or their mean or sum.")
    return tuple(map(_without_factor, parts)), numbers


def _signature(value: LinearValue) -> tuple[Any, ...]:
    return tuple(sorted(repr((t.source, *map(key_of, t.operations))) for t in value.terms))


def _without_factor(value: LinearValue) -> LinearValue:
    """Return plain spikes where they are only scaled: the mean of spikes ranks classes as their number does."""
    (first, *others) = value.terms
    kept = tuple(o for o in first.operations if not (isinstance(o, Scale) and o.factors.size == 1 and o.factors > 0))
    plain = not others and value.constant is None and all(isinstance(o, Reshape) for o in kept)
    return LinearValue(value.shape, (Term(first.source, first.step, kept, first.label),)) if plain else value


def _plain_source(values: tuple[LinearValue, ...]) -> str | None:
    """Return the layer whose values these are as they come, None where they are no layer's."""
    sources = {v.terms[0].source for v in values if v.is_plain}
    if len(sources) != 1 or not all(v.is_plain for v in values) or sources == {INPUT}:
        return None
    in_order = len(values) == 1 or [v.terms[0].step for v in values] == list(range(len(values)))
    return sources.pop() if in_order else None


def _copied(module: torch.nn.Module) -> torch.nn.Module:
    """Return a copy of the module in evaluation and double precision, in the state before the first step."""
    memo: dict[int, Any] = {}
    for part in module.modules():
        for holder in (part.__dict__, part._buffers, getattr(part, "_memories", {})):
            computed = [v for v in holder.values() if isinstance(v, torch.Tensor) and not v.is_leaf]
            memo |= {id(v): v.detach().clone() for v in computed}  # such as a potential after training
    for part in reversed(list(module.modules())):
        if hasattr(type(part), "__deepcopy__"):  # sinabs' own fails for layers with recurrent weights
            twin = memo[id(part)] = type(part).__new__(type(part))
            twin.__dict__.update(copy.deepcopy(vars(part), memo))
    twin = copy.deepcopy(module, memo).cpu().double().eval()
    for part in twin.modules():
        spiking = find_spiking(part)
        if spiking:
            spiking.forget()
    return twin
