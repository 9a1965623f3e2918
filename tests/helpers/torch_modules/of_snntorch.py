"""Random modules of snnTorch: Sequentials of neurons with hidden states, and classes with loops and explicit states."""

from typing import Any

import snntorch
import torch
from helpers.torch_modules.kit import Draw, Kit
from helpers.torch_modules.made import Made
from helpers.torch_modules.nets import Branches, Chain, Residual, Shared, chain_parts, spoil
from snntorch import utils
from torch import nn


class SnntorchKit(Kit):
    """Neurons that keep their state (init_hidden), or whose state the code passes."""

    def __init__(self, draw: Draw, steps: int, is_hidden: bool, kinds: str) -> None:
        super().__init__(draw, steps)
        self.is_hidden, self.kinds = is_hidden, kinds

    def neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons of one of the kinds, with parameters of one number or of each channel."""
        draw = self.draw
        kind = draw.one_of(*self.kinds.split())
        fields: dict[str, Any] = {"init_hidden": self.is_hidden, "threshold": draw.scalar_or_each(0.6, 1.4, shape)}
        fields["beta"] = draw.scalar_or_each(0.5, 0.98, shape)
        fields["reset_mechanism"] = draw.one_of("subtract", "subtract", "subtract", "zero", "none")
        if draw.chance(0.3):
            fields["learn_beta"] = True
        if draw.chance(0.3):
            fields["spike_grad"] = draw.one_of(snntorch.surrogate.fast_sigmoid(), snntorch.surrogate.atan())
        if kind in ("Synaptic", "RSynaptic"):
            fields["alpha"] = draw.scalar_or_each(0.2, 0.8, shape)
        if fields["reset_mechanism"] == "zero" and kind in ("Synaptic", "RLeaky"):
            fields["reset_delay"] = False
        if fields["reset_mechanism"] == "zero" and kind in ("RSynaptic", "Lapicque"):
            fields["reset_mechanism"] = "subtract"
        if kind == "Lapicque":
            fields["beta"] = draw.real(0.5, 0.95)
        if kind.startswith("R"):
            if draw.chance(0.3):
                fields |= {"all_to_all": False, "V": draw.real(-0.4, 0.4)}
            elif len(shape) == 1:
                fields["linear_features"] = shape[0]
            else:
                fields |= {"conv2d_channels": shape[0], "kernel_size": 3}
        return getattr(snntorch, kind)(**fields)

    def odd_neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons that are refused."""
        hidden = {"init_hidden": self.is_hidden}
        return self.draw.one_of(
            lambda: snntorch.Alpha(0.9, 0.5, **hidden),
            lambda: snntorch.Synaptic(0.5, 0.5, reset_mechanism="zero", **hidden),
            lambda: snntorch.Leaky(0.5, graded_spikes_factor=2.0, **hidden),
        )()

    def fire(self, neuron: nn.Module, current: torch.Tensor, states: dict[str, Any], name: str) -> torch.Tensor:
        """Return the spikes; states are those that the neurons returned, from init_*() on."""
        if self.is_hidden:
            return neuron(current)
        if name not in states:
            begun = neuron.reset_mem()
            states[name] = begun if isinstance(begun, tuple) else (begun,)
        returned = neuron(current, *states[name])
        has_spikes = type(neuron).__name__.startswith("R")
        states[name] = returned if has_spikes else returned[1:]
        return returned[0]

    def begin(self, module: nn.Module) -> None:
        """Reset hidden states."""
        if self.is_hidden:
            utils.reset(module)


def make(draw: Draw, steps: int, shape: tuple[int, ...], refused: bool) -> Made:
    """Return a module in one of the ways that snnTorch's tutorials write them."""
    style = draw.one_of("sequential", "class", "one step", "wrapped")
    is_hidden = style != "class"
    kinds = draw.one_of("Leaky", "Leaky", "Leaky Synaptic", "Leaky Lapicque", "RLeaky Leaky", "RSynaptic Synaptic")
    if len(shape) == 2:
        kinds = "Leaky Synaptic"
    kit = SnntorchKit(draw, steps, is_hidden, kinds)
    loop = "none" if style in ("sequential", "one step") else draw.one_of("x[step]", "static")
    gives = "stack" if is_hidden else draw.one_of("stack", "both", "sum")
    what, note = "chain", ""
    if style in ("class", "one step") and len(shape) == 3 and not refused:
        what = draw.one_of("chain", "chain", "residual", "branches", "shared")
    if what == "residual":
        kind = draw.one_of("add", "currents", "projected")
        module: nn.Module = Residual(kit, shape, kind, gives == "both" or draw.chance(0.5), loop=loop, gives=gives)
        note = kind
    elif what == "branches":
        module = Branches(kit, shape, loop=loop, gives=gives)
    elif what == "shared":
        module = Shared(kit, shape, loop=loop, gives=gives)
    else:
        parts = chain_parts(kit, shape, functional_pools=style == "class")
        if refused:
            parts, note = spoil(kit, parts)
        if gives == "both" and parts[-1][0] != "neuron":
            gives = "stack"
        if style in ("sequential", "wrapped"):
            module = nn.Sequential(*(part for _, part in parts))
            if style == "wrapped":
                module = _Wrapped(module, kit, loop)
        else:
            module = Chain(kit, parts, loop=loop, gives=gives)
    time = {"none": "none", "x[step]": "first", "static": "static"}[loop]
    return Made(module, time, f"{style}, {what} {note}, {kinds}, {loop}, {gives}")


class _Wrapped(nn.Module):
    """A Sequential with hidden states and the loop around it, as in tutorial 7."""

    def __init__(self, net: nn.Sequential, kit: SnntorchKit, loop: str) -> None:
        super().__init__()
        self.net, self.steps, self.loop = net, kit.steps, loop

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        """Return the outputs of all steps."""
        spk_rec = []
        utils.reset(self.net)
        for step in range(self.steps):
            spk_rec.append(self.net(data[step] if self.loop == "x[step]" else data))
        return torch.stack(spk_rec)
