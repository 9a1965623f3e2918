"""Neurons of a torch framework beside the population that their plug-in makes of them, on the same currents."""

import inspect
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import torch
from helpers.double_precision import in_double

from snn_deploy.interchange.linear.operations import per_channel
from snn_deploy.interchange.linear.torch_neuron import NeuronCall, Time, TorchNeurons
from snn_deploy.network.connection_arithmetic import transmit
from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.float_semantics import run
from snn_deploy.support.plugin import load_plugin

STEPS, BATCH = 20, 4
_PARAMETERS = [
    "threshold",
    "voltage_keep",
    "current_keep",
    "gain",
    "bias",
    "reset_value",
    "initial_value",
    "feedback",
    "second_feedback",
]


@dataclass(frozen=True)
class Drive:
    """What drives the neurons: pixels through weights, (out, in) or (out, in, 3, 3) with padding 1, and a bias."""

    weights: np.ndarray
    side: int = 5
    bias: float = 0.0
    frames: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.weights.shape[1], *[self.side] * (self.weights.ndim - 2))
        frames = np.random.default_rng(7).integers(0, 256, (STEPS, BATCH, *shape))
        object.__setattr__(self, "frames", frames)

    @property
    def currents(self) -> torch.Tensor:
        """What arrives at the neurons, (steps, batch, *shape)."""
        flat = self.frames.reshape(-1, *self.frames.shape[2:]) / 255
        currents = transmit(flat, self.weights, padding=self.padding) + self.bias
        return torch.tensor(currents.reshape(STEPS, BATCH, *currents.shape[1:]))

    @property
    def padding(self) -> tuple[int, int]:
        """Such that a convolution keeps the size."""
        return (1, 1) if self.weights.ndim == 4 else (0, 0)


def vector(neurons: int = 6, *, strength: float = 1.0, bias: float = 0.0, seed: int = 0) -> Drive:
    """Return nine pixels to all neurons, more often exciting than not."""
    weights = np.random.default_rng(seed).normal(0.1, 0.35, (neurons, 9)) * strength
    return Drive(weights, bias=bias)


def image(channels: int = 3, *, strength: float = 1.0, seed: int = 0) -> Drive:
    """Return a convolution of two maps of 5 x 5."""
    return Drive(np.random.default_rng(seed).normal(0.06, 0.25, (channels, 2, 3, 3)) * strength)


def plug_in(module: torch.nn.Module) -> ModuleType:
    """Return the plug-in of the framework that `module` comes from."""
    return load_plugin("interchange.torch_neurons", type(module).__module__.split(".", maxsplit=1)[0])


def neurons_of(module: torch.nn.Module) -> TorchNeurons:
    """Return what the plug-in says about `module`."""
    return plug_in(module).CLASSES[type(module).__name__](module)


def call(module: torch.nn.Module, *arguments: Any) -> tuple[Any, NeuronCall]:
    """Return what `module` gives and what its plug-in says about the call."""
    bound = inspect.signature(type(module).forward).bind(module, *arguments).arguments
    result = module(*arguments)
    return result, plug_in(module).called(module, bound, result)


def network_of(neurons: TorchNeurons, drive: Drive) -> FloatNetwork:
    """Return the network in which `neurons`, driven by `drive`, are the only population."""
    shape = tuple(drive.currents.shape[2:])
    of = {name: per_channel(getattr(neurons, name), shape, name) for name in _PARAMETERS}
    gain, constant = of["gain"], np.full(shape[0], drive.bias)
    loops = []
    if neurons.recurrent is not None:
        constant = constant + neurons.recurrent.bias
        kept = {n: getattr(neurons.recurrent, n) for n in ("stride", "padding") if hasattr(neurons.recurrent, n)}
        weights = _times(neurons.recurrent.weights, gain)
        loops.append(FloatConnection("recurrent", "neurons", "neurons", weights, delay=1, **kept))
    for delay, name in ((1, "feedback"), (2, "second_feedback")):
        if of[name].any():
            weights = np.diag(of[name]) if len(shape) == 1 else of[name][:, None, None, None]
            groups = 1 if len(shape) == 1 else shape[0]
            loops.append(FloatConnection(name, "neurons", "neurons", weights, groups=groups, delay=delay))
    one, zero = np.ones(shape[0]), np.zeros(shape[0])
    norm = ChannelNorm(zero, one, one, constant * gain, 0.0)
    first = FloatConnection("drive", "input", "neurons", _times(drive.weights, gain), padding=drive.padding, norm=norm)
    population = FloatPopulation(
        "neurons",
        shape,
        of["threshold"],
        of["voltage_keep"],
        of["current_keep"],
        neurons.fires,
        neurons.fires_at_threshold,
        of["bias"],
        neurons.reset,
        of["reset_value"],
        of["initial_value"],
    )
    entry = FloatInput("input", drive.frames.shape[2:])
    return FloatNetwork(entry, (population,), (first, *loops), STEPS)


def _times(weights: np.ndarray, gain: np.ndarray) -> np.ndarray:
    return weights * gain.reshape(-1, *[1] * (weights.ndim - 1))


def run_module(module: torch.nn.Module, currents: torch.Tensor, time: Time, passes: str = "nothing") -> torch.Tensor:
    """Return what the neurons put out, (steps, batch, *shape), and check what the plug-in says about each call.

    passes: what the caller passes from step to step: "nothing", the "states" that were returned, "all" that was
    returned, or a "tuple" of states.
    """
    with torch.no_grad():
        if time == "none":
            return _step_by_step(module, currents, passes)
        given = {"first": currents, "second": currents.transpose(0, 1)}.get(time)
        if given is None:
            given = currents.transpose(0, 1).flatten(0, 1)
        _, found = call(module, given)
    assert (found.time, found.before) == (time, None)
    leaves = found.leaves
    if time == "flat":
        leaves = leaves.unflatten(0, (BATCH, STEPS))
    return leaves if time == "first" else leaves.transpose(0, 1)


def _step_by_step(module: torch.nn.Module, currents: torch.Tensor, passes: str) -> torch.Tensor:
    outputs, result, after = [], None, ()
    for current in currents:
        arguments: tuple[Any, ...] = ()
        if result is not None and passes != "nothing":
            arguments = {"states": tuple(result[1:]), "all": tuple(result), "tuple": (result[1],)}[passes]
        result, found = call(module, current, *arguments)
        assert found.time == "none"
        if passes == "nothing" or not outputs:
            assert found.before is None
        else:
            assert [id(b) for b in found.before] == [id(a) for a in after]
        after = found.after
        outputs.append(found.leaves)
    return torch.stack(outputs)


def require_equal(
    module: torch.nn.Module,
    drive: Drive,
    time: Time = "none",
    *,
    passes: str = "nothing",
    currents: torch.Tensor | None = None,
) -> TorchNeurons:
    """Compare the module in double precision with its population, twice; return the neurons.

    currents: what the module gets where that is not what its neurons get.
    """
    plug = plug_in(module)
    in_double(module.eval())
    plug.forget(module)
    currents = drive.currents if currents is None else currents
    theirs = run_module(module, currents, time, passes)
    neurons = neurons_of(module)
    trace = run(network_of(neurons, drive), drive.frames)
    if neurons.fires:
        assert 0.03 < theirs.mean() < 0.8, f"the test would compare little: {theirs.mean()}"
        np.testing.assert_array_equal(trace.spikes["neurons"], theirs.numpy())
    else:
        assert theirs.std() > 0.01
        np.testing.assert_allclose(trace.potentials["neurons"], theirs.numpy(), rtol=1e-9, atol=1e-9)
    plug.forget(module)
    assert torch.equal(run_module(module, currents, time, passes), theirs), "forget() leaves a state behind"
    return neurons
