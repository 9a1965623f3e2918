"""Random modules of SpikingJelly: single-step and multi-step, its layer package, containers and tutorial networks."""

from typing import Any

import torch
from helpers.torch_modules.kit import Draw, Kit
from helpers.torch_modules.made import Made
from helpers.torch_modules.nets import Branches, Chain, Residual, Shared, chain_parts, spoil
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn


class SpikingjellyKit(Kit):
    """layer.* in single-step mode, or in multi-step mode, where a container may hold layers of torch.nn."""

    def __init__(self, draw: Draw, steps: int, mode: str) -> None:
        super().__init__(draw, steps)
        self.mode, self.axes_before_channels = mode, 2 if mode == "m" else 1
        self.contains = mode == "m" and draw.chance(0.3)
        self.is_plain = mode == "s" and draw.chance(0.4)

    def layer(self, kind: str, *arguments: Any, **fields: Any) -> nn.Module:
        """Return a layer of this package, or of torch.nn as it is or in a container."""
        if kind == "Flatten" and self.mode == "m" and not self.contains:
            return layer.Flatten(step_mode="m")
        if self.is_plain or self.contains or not hasattr(layer, kind):
            made = getattr(nn, kind)(*arguments, **fields)
            return layer.SeqToANNContainer(made) if self.mode == "m" and kind != "Sigmoid" else made
        return getattr(layer, kind)(*arguments, **fields, step_mode=self.mode)

    def neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons of one of the kinds."""
        draw = self.draw
        kind = draw.one_of("IFNode", "LIFNode", "LIFNode", "ParametricLIFNode", "CUBALIFNode")
        fields: dict[str, Any] = {"v_threshold": draw.one_of(1.0, draw.real(0.5, 1.5))}
        fields["v_reset"] = draw.one_of(0.0, 0.0, None, draw.real(-0.4, 0.2))
        if kind in ("LIFNode", "ParametricLIFNode"):
            fields["tau" if kind == "LIFNode" else "init_tau"] = draw.one_of(2.0, draw.real(1.2, 5.0))
            fields["decay_input"] = draw.chance(0.5)
        if kind == "CUBALIFNode":
            made = neuron.CUBALIFNode(draw.real(0.2, 0.7), draw.real(0.4, 0.9), **fields)
            made.step_mode = self.mode
            return made
        if draw.chance(0.4):
            fields |= {"surrogate_function": surrogate.ATan(), "detach_reset": True}
        return getattr(neuron, kind)(**fields, step_mode=self.mode)

    def odd_neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons that are refused."""
        kind = self.draw.one_of("KLIFNode", "QIFNode", "EIFNode", "ComplementaryLIFNode")
        return getattr(neuron, kind)(step_mode=self.mode)

    def begin(self, module: nn.Module) -> None:
        """Reset the memories."""
        functional.reset_net(module)


def make(draw: Draw, steps: int, shape: tuple[int, ...], refused: bool) -> Made:
    """Return a module in one of the ways that SpikingJelly's tutorials write them."""
    style = draw.one_of("sequential", "set to multi-step", "class", "class", "static")
    mode = "s" if style in ("sequential", "set to multi-step") and draw.chance(0.5) else draw.one_of("s", "m")
    mode = {"set to multi-step": "s", "static": "m"}.get(style, mode)
    kit = SpikingjellyKit(draw, steps, mode)
    loop, gives = "none", "stack"
    if style == "class" and mode == "s":
        loop, gives = draw.one_of("none", "x[step]", "static"), draw.one_of("stack", "sum", "mean")
    what, note = "chain", ""
    if style == "class" and len(shape) == 3:
        what = draw.one_of("chain", "residual", "residual", "branches", "shared")
    if refused:
        what = "chain"
    if what == "residual":
        note = draw.one_of("add", "currents", "projected", "product")
        module: nn.Module = Residual(kit, shape, note, draw.chance(0.5), loop=loop, gives=gives)
    elif what == "branches":
        module = Branches(kit, shape, loop=loop, gives=gives)
    elif what == "shared":
        module = Shared(kit, shape, loop=loop, gives=gives)
    else:
        parts = chain_parts(kit, shape)
        if refused:
            parts, note = spoil(kit, parts)
        if not refused and parts[-1][0] == "neuron" and draw.chance(0.3):
            width = _width(parts)
            parts += [("fc", kit.layer("Linear", width, 6)), ("neuron", kit.neuron((6,)))]
            parts, note = [*parts, ("votes", layer.VotingLayer(3, step_mode=kit.mode))], "votes"
        if style == "class":
            module = Chain(kit, parts, loop=loop, gives=gives)
        else:
            module = nn.Sequential(*(part for _, part in parts))
    if style == "static":
        module = _Repeated(module, steps)
    if style == "set to multi-step":
        if kit.is_plain:
            module = layer.MultiStepContainer(module)
        else:
            functional.set_step_mode(module, "m")
            mode = "m"
    is_whole = mode == "m" or isinstance(module, layer.MultiStepContainer)
    time = "static" if "static" in (style, loop) else "first" if is_whole or loop == "x[step]" else "none"
    return Made(module, time, f"{style}, {what} {note}, step_mode {mode}, {loop}, {gives}")


def _width(parts: list[tuple[str, Any]]) -> int:
    """Return how many features the last dense layer gives."""
    last = next(part for kind, part in reversed(parts) if kind == "fc")
    return (last[0] if isinstance(last, layer.SeqToANNContainer) else last).out_features


class _Repeated(nn.Module):
    """The CSNN of the tutorial: one image for all steps, and the firing rate as the result."""

    def __init__(self, conv_fc: nn.Module, steps: int) -> None:
        super().__init__()
        self.conv_fc, self.T = conv_fc, steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mean over the steps."""
        x_seq = x.unsqueeze(0).repeat(self.T, *[1] * x.dim())
        return self.conv_fc(x_seq).mean(0)
