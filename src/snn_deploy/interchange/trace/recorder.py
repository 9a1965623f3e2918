"""recorder: a module runs, and every tensor that comes from its input is followed (torch.overrides).

Spiking modules are seen as a whole: their plug-in in torch_neurons/ says what they do and how they are called. Of all
else torch's functions are seen, whoever calls them, so a loop, a branch or a shared layer is what it does, not how it
is written. Everything runs in double precision.
"""

import inspect
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from snn_deploy.interchange.linear.operations import NodeError, Operation, Reshape, Scale, Shape
from snn_deploy.interchange.linear.torch_neuron import NeuronCall, TorchNeurons
from snn_deploy.interchange.nir.names import unique
from snn_deploy.interchange.trace.framework import Spiking, find_spiking
from snn_deploy.interchange.trace.functions import HANDLERS, NEW_TENSORS
from snn_deploy.interchange.trace.linear_value import LinearValue, Term, key_of
from snn_deploy.interchange.trace.tracked import Lead, Opaque, OpaqueError, Tracked, logical_shape, tensors_in

INPUT = "input"
_LIBRARIES = (
    str(Path(sysconfig.get_paths()["purelib"])),
    str(Path(torch.__file__).parent),
    str(Path(__file__).parents[2]),
)
_READS_NUMBERS = frozenset({"item", "tolist", "numpy", "__array__", "__bool__", "__float__", "__int__", "__index__"})
_KEEP_ORDER = ("softmax", "log_softmax", "sigmoid", "argmax")  # the largest stays the largest
_CALLER = str(Path(__file__).with_name("run_module.py"))
_LEADS: dict[str, Lead] = {"none": ("B",), "first": ("T", "B"), "second": ("B", "T"), "flat": ("BT",)}


@dataclass
class Layer:
    """The neurons of a layer: what arrives at them in each step, and their spikes, (batch, *shape).

    step None stands for every step, where what arrives never changes.
    """

    name: str
    neurons: TorchNeurons
    shape: Shape
    arrives: dict[int | None, LinearValue] = field(default_factory=dict)
    spikes: dict[int | None, np.ndarray] = field(default_factory=dict)


class Recorder(TorchFunctionMode):
    """Follows the tensors of one run of `module`. batch: samples; binary_input: whether the inputs are 0 and 1."""

    def __init__(self, module: torch.nn.Module, batch: int, *, binary_input: bool) -> None:
        super().__init__()
        self.batch, self.binary_input = batch, binary_input
        self.layers: dict[str, Layer] = {}
        self.reached = 0  # calls of spiking modules that got what they take
        self.followed, self._lost = 0, False  # tensors before the first that is opaque
        self._values: dict[int, Tracked | Opaque] = {}
        self._kept: list[object] = []  # so that no other tensor gets the identity of one that is known
        self._partial: dict[int, dict[int, LinearValue]] = {}
        self._shared: dict[Any, Operation] = {}
        self._states: dict[int, tuple[str, int]] = {}
        self._logic_names: dict[Any, str] = {}
        self._neurons: dict[str, TorchNeurons] = {}
        self._inside = 0
        self._paths = {id(m): name for name, m in module.named_modules()}
        self._weights = {id(p): name.rpartition(".")[0] for name, p in module.named_parameters()}
        self._spiking = {name: s for name, m in module.named_modules() if (s := find_spiking(m))}
        for name, spiking in self._spiking.items():
            self._wrap(name, spiking)

    # What handlers need

    def of(self, tensor: object) -> Tracked | None:
        """Return what is known of a tensor, None of a constant; a NodeError where it is opaque."""
        value = self._values.get(id(tensor))
        if id(tensor) in self._partial:
            return self._whole(tensor)
        if isinstance(value, Opaque):
            raise OpaqueError(value.reason)
        return value

    def shared(self, operation: Operation) -> Operation:
        """Return the one object for all equal operations, so that steps can be compared."""
        return self._shared.setdefault(key_of(operation), operation)

    def label(self, weight: torch.Tensor) -> str:
        """Return the name of the module whose weights these are, or ""."""
        return self._weights.get(id(weight), "")

    def is_spike(self, value: LinearValue) -> bool:
        """Whether all of `value` is 0 or 1: spikes, or 1 minus spikes."""
        if len(value.terms) != 1:
            return False
        term, sign = value.terms[0], 1.0
        for operation in term.operations:
            if isinstance(operation, Scale) and operation.factors.size == 1:
                sign *= float(operation.factors.reshape(()))
            elif not isinstance(operation, Reshape):
                return False
        fires = self.binary_input if term.source == INPUT else self.layers[term.source].neurons.fires
        constant = np.zeros(()) if value.constant is None else value.constant
        return fires and ((sign == 1 and not constant.any()) or (sign == -1 and bool((constant == 1).all())))

    def where_any(self, value: LinearValue) -> LinearValue:
        """Return the spikes of neurons that fire where `value`, a sum of spikes, is not 0."""
        return self._logic(value, TorchNeurons(np.ones(()), np.array(0.5), True), "maxpool")

    def where_both(self, value: LinearValue) -> LinearValue:
        """Return the spikes of neurons that fire where `value`, the sum of two spikes, is 2.

        What is left of a 1 must not add up to the threshold; chips leave at least 1/4096.
        """
        return self._logic(value, TorchNeurons(np.array(1 / 4096), np.array(1.5), True), "and")

    def _logic(self, value: LinearValue, neurons: TorchNeurons, kind: str) -> LinearValue:
        """Return the spikes of such neurons, one layer for all steps of one place in the module."""
        steps = {term.step for term in value.terms} - {None}
        if len(steps) > 1:
            raise NodeError("spikes of different steps in one.")
        step = steps.pop() if steps else None
        constant = None if value.constant is None else _bytes(value.constant)
        terms = tuple((t.source, tuple(map(key_of, t.operations))) for t in value.terms)
        key = (kind, self._where(), terms, constant)
        if key not in self._logic_names:
            name = unique(self._innermost()[0] or kind, self.layers)
            self._logic_names[key], self.layers[name] = name, Layer(name, neurons, value.shape)
        name = self._logic_names[key]
        self.layers[name].arrives[step] = value
        return LinearValue(value.shape, (Term(name, step),))

    # The run

    def begin(self, tensor: torch.Tensor, lead: Lead, first_step: int | None, steps: int = 1) -> None:
        """Say that `tensor` is the input, from `first_step` on; None: the same in every step."""
        shape = logical_shape(tuple(tensor.shape[len(lead) :]))
        places = [None] if first_step is None else range(first_step, first_step + steps)
        self._know(tensor, Tracked(lead, tuple(LinearValue(shape, (Term(INPUT, step),)) for step in places)))

    def value(self, tensor: object) -> Tracked | Opaque | None:
        """Return what is known of a tensor, opaque or not."""
        known = self._values.get(id(tensor))
        if isinstance(known, Opaque):
            return known
        try:
            return self.of(tensor)
        except NodeError as error:
            return Opaque(str(error))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Follow tensors, in double precision, while the block runs."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            with self, torch.no_grad():
                yield
        finally:
            torch.set_default_dtype(before)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function of torch, and note what it makes of tensors that are followed."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "float":
            func = torch.Tensor.double
        try:
            result = func(*args, **kwargs)
        except RuntimeError as error:
            if "dtype" not in str(error) and "same type" not in str(error):
                raise
            result = func(*_doubled(args), **_doubled(kwargs))
        if self._inside or name in NEW_TENSORS:
            return result
        if name == "__get__":
            name = getattr(getattr(func, "__self__", None), "__name__", "")
            name = {"data": "detach", "T": "t", "mT": "t"}.get(name, "")
        if name == "__setitem__":
            self._set_item(*args)
            return result
        known = [t for t in tensors_in((args, kwargs)) if id(t) in self._values or id(t) in self._partial]
        made = list(tensors_in(result))
        if known and made:
            for tensor, value in zip(made, self._made(name, args, kwargs, result), strict=False):
                self._lost = self._lost or isinstance(value, Opaque)
                self.followed += not self._lost
                self._know(tensor, value)
        elif known and name in _READS_NUMBERS and not isinstance(result, torch.Tensor):
            raise OpaqueError(
                f"{self._where()}: {name} reads numbers that depend on the input, so what the module does with other "
                "inputs is not known. Leave it out of forward."
            )
        return result

    def _made(self, name: str, args: Any, kwargs: Any, result: Any) -> list[Tracked | Opaque]:
        """Return what each tensor of `result` is."""
        handler, made = HANDLERS.get(name), list(tensors_in(result))
        if handler is None:
            arriving = list(tensors_in((args, kwargs)))
            for tensor in arriving:
                if isinstance(value := self.value(tensor), Opaque) and value.ranked is None:
                    return [value] * len(made)
            reason = f"{self._where()}: torch's {name or 'function'} has no counterpart on a chip."
            return [Opaque(reason, arriving[0] if name in _KEEP_ORDER else None)] * len(made)
        try:
            found = handler(self, args, kwargs, result)
        except OpaqueError as error:
            return [Opaque(str(error))] * len(made)
        except NodeError as error:
            return [Opaque(f"{self._where()}: {error}")] * len(made)
        return list(found) if isinstance(found, list) else [found]

    def _know(self, tensor: torch.Tensor, value: Tracked | Opaque) -> None:
        self._kept.append(tensor)
        if isinstance(value, Tracked):
            sizes, shape = value.sizes(self.batch), value.steps[0].shape
            inner = tuple(tensor.shape[len(value.lead) :])
            if tuple(tensor.shape[: len(value.lead)]) != sizes or logical_shape(inner) != shape:
                value = Opaque(f"{self._where()}: a tensor {tuple(tensor.shape)} where {sizes + shape} is expected.")
        self._values[id(tensor)] = value

    def _set_item(self, target: torch.Tensor, index: Any, source: Any) -> None:
        """Note tensor[step] = value, in a tensor that was made for all steps."""
        place = index[0] if isinstance(index, tuple) and all(p == slice(None) for p in index[1:]) else index
        value = self.value(source)
        if value is None:
            return
        if isinstance(place, int) and isinstance(value, Tracked) and value.lead == ("B",):
            self._kept.append(target)
            self._partial.setdefault(id(target), {})[place % len(target)] = value.steps[0]
        else:
            self._know(target, Opaque(f"{self._where()}: an assignment to a part of a tensor."))

    def _whole(self, tensor: Any) -> Tracked:
        parts = self._partial[id(tensor)]
        if sorted(parts) != list(range(len(tensor))):
            raise OpaqueError(f"{self._where()}: a tensor of {len(tensor)} steps, {len(parts)} of which were set.")
        return Tracked(("T", "B"), tuple(parts[k] for k in sorted(parts)))

    # Spiking modules

    def _wrap(self, name: str, spiking: Spiking) -> None:
        forward = spiking.module.forward
        signature = inspect.signature(forward)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._inside += 1
            try:
                result = forward(*args, **kwargs)
            finally:
                self._inside -= 1
            if not self._inside:
                self._called(name, spiking, signature.bind(*args, **kwargs).arguments, result)
            return result

        spiking.module.forward = wrapped

    def _called(self, name: str, spiking: Spiking, arguments: dict[str, Any], result: Any) -> None:
        where = f"{name or 'module'} ({type(spiking.module).__name__})"
        value: Tracked | Opaque
        try:
            for tensor in tensors_in(dict(arguments)):
                if isinstance(known := self.value(tensor), Opaque) and id(tensor) not in self._states:
                    raise OpaqueError(known.reason)
            if name not in self._neurons:  # first: of a class that is refused no more is known
                self._neurons[name] = spiking.neurons()
            call = spiking.called(arguments, result)
            value = self._note(name, self._neurons[name], call)
        except NodeError as error:
            reason = str(error) if isinstance(error, OpaqueError) else f"{where}: {error}"
            for tensor in tensors_in(result):
                self._know(tensor, Opaque(reason))
            return
        for state in call.after:
            self._know(state, Opaque(f"{where}: its potential, which is no spike."))
        self._know(call.leaves, value)

    def _note(self, name: str, neurons: TorchNeurons, call: NeuronCall) -> Tracked:
        """Note one call of spiking neurons; return what leaves them."""
        arrives = self.of(call.arrives)
        if arrives is None:
            raise NodeError("what it gets does not depend on the input.")
        lead = _LEADS[call.time]
        if arrives.lead != lead:
            wanted = {"none": "one step", "first": "(steps, batch, ...)", "second": "(batch, steps, ...)"}
            raise NodeError(f"it takes {wanted.get(call.time, '(batch * steps, ...)')}, and gets {arrives.lead}.")
        if call.samples not in (None, self.batch):
            raise NodeError(f"it takes what it gets as {call.samples} samples, and gets {self.batch}.")
        self.reached += 1
        key, first = self._layer(name or "neurons", neurons, call, arrives.steps[0].shape)
        layer = self.layers[key]
        shape = layer.shape
        if arrives.steps[0].shape != shape:
            raise NodeError(f"{arrives.steps[0].shape} arrives, and {shape} did in an earlier step.")
        leaves = _in_steps(call.leaves, lead, len(arrives.steps), self.batch, shape)
        values = []
        for i, step in enumerate(arrives.steps):
            layer.arrives[first + i] = step
            layer.spikes[first + i] = leaves[i]
            values.append(LinearValue(shape, (Term(key, first + i),)))
        for state in call.after:
            self._states[id(state)] = (key, first + len(values))
        return Tracked(lead, tuple(values))

    def _layer(self, name: str, neurons: TorchNeurons, call: NeuronCall, shape: Shape) -> tuple[str, int]:
        """Return the layer whose state goes on in this call, and its step; a new one where a state begins."""
        if call.before is None and not call.begins and name in self.layers:
            return name, len(self.layers[name].arrives)
        if call.before:
            known = {self._states.get(id(t)) for t in call.before}
            if known != {None}:
                found = known.pop()
                if known or found is None or len(self.layers[found[0]].arrives) != found[1]:
                    raise NodeError("its state is not the one that it returned in the step before.")
                return found
            if any(bool((t != 0).any()) for t in call.before):
                raise NodeError("its state is not what it returned. Begin with zeros, and pass on what it returns.")
        key = unique(name, self.layers)
        self.layers[key] = Layer(key, neurons, shape)
        return key, 0

    # Where something is, for errors

    def _where(self) -> str:
        """Return the module and the line that run: "block.0 (Conv2d)" or "net.py, line 12"."""
        path, line = self._module(), None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and line is None:
            file = frame.f_code.co_filename
            if file == _CALLER:
                break  # what lies beyond is the code that called from_torch
            if not file.startswith(_LIBRARIES) and not file.startswith("<"):
                line = f"{Path(file).name}, line {frame.f_lineno}"
            frame = frame.f_back
        return ", ".join(part for part in (path, line) if part) or "module"

    def _module(self) -> str:
        path, kind = self._innermost()
        return f"{path or 'module'} ({kind})" if kind else ""

    def _innermost(self) -> tuple[str, str]:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            found = frame.f_locals.get("self")
            if isinstance(found, torch.nn.Module) and id(found) in self._paths:
                return self._paths[id(found)], type(found).__name__
            frame = frame.f_back
        return "", ""


def _in_steps(tensor: torch.Tensor, lead: Lead, steps: int, batch: int, shape: Shape) -> np.ndarray:
    """Return the values of a tensor as (steps, batch, *shape)."""
    values: np.ndarray = tensor.detach().cpu().double().numpy()
    if lead in (("B",), ("T", "B")):
        return values.reshape(steps, batch, *shape)
    return values.reshape(batch, steps, *shape).swapaxes(0, 1)


def _doubled(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {k: _doubled(v) for k, v in value.items()}
    return type(value)(map(_doubled, value)) if type(value) in (tuple, list) else value


def _bytes(values: np.ndarray) -> tuple[Shape, bytes]:
    return values.shape, values.tobytes()
