"""Random spiking torch modules of four frameworks, as their users write them, that fire in every layer."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from helpers.torch_modules.kit import Draw
from torch import nn

from snn_deploy.interchange.linear.torch_neuron import NeuronCall
from snn_deploy.support.plugin import load_plugin, plugin_names

FRAMEWORKS = ("snntorch", "spikingjelly", "norse", "sinabs")
_BATCH = 4


@dataclass(frozen=True)
class RandomModule:
    """A module and what it takes.

    time: "none": one step, (batch, ...), and it keeps its states. "passed": one step and the state of the one before,
    and it returns both. "first": (steps, batch, ...). "second": (batch, steps, ...). "flat": (batch * steps, ...).
    "static": (batch, ...), for all steps. batch: samples in one call where the module fixes that.
    expected_refusal: something in it is no network of populations.
    """

    module: nn.Module
    input_shape: tuple[int, ...]
    steps: int
    largest_value: int
    time: str
    description: str
    expected_refusal: bool = False
    batch: int | None = None

    def frames(self, seed: int = 0) -> np.ndarray:
        """Return inputs, (steps, batch, *input_shape); the same in all steps where the module takes one for all."""
        rng, batch = np.random.default_rng(seed), self.batch or _BATCH
        frames = rng.integers(0, self.largest_value + 1, (self.steps, batch, *self.input_shape))
        return np.broadcast_to(frames[0], frames.shape) if self.time == "static" else frames


def random_module(framework: str, seed: int) -> RandomModule:
    """Return a module of `framework`, the same for the same seed; one of about six is not to be taken."""
    draw = Draw(seed)
    torch.manual_seed(seed)
    refused = draw.chance(1 / 6)
    shape = draw.one_of((1, 8, 8), (2, 10, 10), (3, 8, 6), (12,), (2, 16), (1, 8, 8))
    steps, largest_value = draw.whole(4, 12), draw.one_of(255, 1, 1, 15)
    made = importlib.import_module(f"helpers.torch_modules.of_{framework}").make(draw, steps, shape, refused)
    description = f"{framework} seed {seed}: {made.description}; {shape} in {steps} steps"
    found = RandomModule(made.module.eval(), shape, steps, largest_value, made.time, description, refused, made.batch)
    if not refused:
        settle(found)
    return found


def run_module(random: RandomModule, frames: np.ndarray, dtype: torch.dtype = torch.float32) -> Any:
    """Return what the module puts out for frames (steps, batch, ...), of states that have been forgotten."""
    for neurons in spiking_parts(random.module).values():
        load_plugin("interchange.torch_neurons", _package(neurons)).forget(neurons)
    x = torch.tensor(frames / random.largest_value, dtype=dtype)
    with torch.no_grad():
        if random.time == "none":
            return [random.module(current) for current in x]
        if random.time == "passed":
            outputs, state = [], None
            for current in x:
                output, state = random.module(current, state)
                outputs.append(output)
            return outputs
        if random.time == "static":
            return random.module(x[0])
        if random.time == "first":
            return random.module(x)
        x = x.transpose(0, 1)
        return random.module(x if random.time == "second" else x.flatten(0, 1))


def spiking_parts(module: nn.Module) -> dict[str, nn.Module]:
    """Return the neurons in `module` that a plug-in knows, by name."""
    known = plugin_names("interchange.torch_neurons")
    return {
        name: part
        for name, part in module.named_modules()
        if _package(part) in known
        and type(part).__name__ in load_plugin("interchange.torch_neurons", _package(part)).CLASSES
    }


def _package(module: nn.Module) -> str:
    return type(module).__module__.split(".", maxsplit=1)[0]


@dataclass
class Firing:
    """What one layer of neurons sent over a run, call by call, and the weights before it."""

    calls: list[NeuronCall] = field(default_factory=list)
    weights: tuple[nn.Module, ...] = ()

    @property
    def rate(self) -> float:
        """Spikes per neuron and step."""
        return float(torch.cat([call.leaves.flatten() for call in self.calls]).float().mean())

    def spikes(self, steps: int) -> np.ndarray:
        """Return what the layer sent, (steps, batch, *shape)."""
        leaves = [call.leaves for call in self.calls]
        by_step = {
            "none": torch.stack,
            "first": lambda found: found[0],
            "second": lambda found: found[0].transpose(0, 1),
            "flat": lambda found: found[0].unflatten(0, (-1, steps)).transpose(0, 1),
        }
        return by_step[self.calls[0].time](leaves).numpy()


def firing(random: RandomModule, frames: np.ndarray, dtype: torch.dtype = torch.float32) -> dict[str, Firing]:
    """Return what every layer of spiking neurons sent while the module ran on `frames`."""
    parts = spiking_parts(random.module)
    found: dict[str, Firing] = {}
    since: list[nn.Module] = []

    def sent(name: str) -> Callable[..., None]:
        def hook(part: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any], result: Any) -> None:
            bound = inspect.signature(type(part).forward).bind(part, *arguments, **keywords).arguments
            layer = found.setdefault(name, Firing())
            layer.calls.append(load_plugin("interchange.torch_neurons", _package(part)).called(part, bound, result))
            layer.weights = layer.weights or tuple(dict.fromkeys(since))
            since.clear()

        return hook

    hooks = []
    for name, part in random.module.named_modules():
        if name in parts:
            hooks.append(part.register_forward_hook(sent(name), with_kwargs=True))
        elif getattr(part, "weight", None) is not None:
            hooks.append(part.register_forward_hook(lambda part, *_: since.append(part)))
    try:
        run_module(random, frames, dtype)
    finally:
        for hook in hooks:
            hook.remove()
    silent = {name for name, part in parts.items() if getattr(part, "spike_fn", 0) is None or _is_integrator(part)}
    return {name: layer for name, layer in found.items() if name not in silent}


def _is_integrator(part: nn.Module) -> bool:
    return type(part).__name__.startswith("LI") and not type(part).__name__.startswith("LIF")


def settle(random: RandomModule, rounds: int = 25) -> None:
    """Scale the weights before neurons that fire too little or too much, until all are between 5 % and 50 %."""
    for _ in range(rounds):
        found = firing(random, random.frames())
        off = [layer for layer in found.values() if not 0.05 <= layer.rate <= 0.5]
        if not off:
            return
        with torch.no_grad():
            for layer in off:
                for part in layer.weights:
                    _scale(part, layer.rate)


def _scale(part: nn.Module, rate: float) -> None:
    """Make what `part` puts out larger and more positive, or smaller and more negative."""
    part.weight.mul_(1.3 if rate < 0.05 else 0.8)
    if getattr(part, "bias", None) is not None:
        part.bias.add_(0.08 if rate < 0.05 else -0.06)
    elif not isinstance(part, nn.modules.batchnorm._BatchNorm):
        part.weight.add_((0.05 if rate < 0.05 else -0.03) * part.weight.abs().mean())
