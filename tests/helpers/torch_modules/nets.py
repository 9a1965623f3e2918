"""Modules with code in forward(), as users write them: chains, residual blocks, shared layers, branches."""

from typing import Any

import torch
from helpers.torch_modules.kit import Draw, Kit
from torch import nn
from torch.nn import functional

Shape = tuple[int, ...]


class Net(nn.Module):
    """Layers with names, and neurons that are called through the kit.

    loop: "none" takes what its layers take; "x[step]" loops over the first axis; "static" gets one input for all steps.
    gives: what a loop returns: the outputs of all steps "stack"ed, their "sum" or "mean", or "both" spikes and states.
    """

    def __init__(self, kit: Kit, loop: str = "none", gives: str = "stack") -> None:
        super().__init__()
        self.kit, self.loop, self.gives = kit, loop, gives
        self.states: dict[str, Any] = {}

    def fire(self, name: str, current: torch.Tensor) -> torch.Tensor:
        """Return the spikes of the neurons with this name."""
        return self.kit.fire(self.get_submodule(name), current, self.states, name)

    def step(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output for one step, or for all where the layers take all."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> Any:
        """Return what the network puts out."""
        if self.loop == "none":
            return self.step(x)
        self.states = {}
        self.kit.begin(self)
        outputs, potentials = [], []
        for step in range(self.kit.steps):
            outputs.append(self.step(x[step] if self.loop == "x[step]" else x))
            if self.gives == "both":
                potentials.append(list(self.states.values())[-1][-1])
        self.states = {}
        stacked = torch.stack(outputs, dim=0)
        if self.gives == "both":
            return stacked, torch.stack(potentials, dim=0)
        return {"stack": stacked, "sum": stacked.sum(0), "mean": stacked.mean(dim=0)}[self.gives]

    def flat(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` with everything after the batch and the steps in one axis, in one of the ways to write it."""
        axis = self.kit.axes_before_channels
        how = self.kit.flatten
        if how == "view":
            return x.view(*x.shape[:axis], -1)
        if how == "reshape":
            return x.reshape(*[x.size(i) for i in range(axis)], -1)
        return x.flatten(axis) if how == "method" else torch.flatten(x, start_dim=axis)


class Chain(Net):
    """Parts in a row: modules, and functions of torch.nn.functional."""

    def __init__(self, kit: Kit, parts: list[tuple[str, Any]], **how: str) -> None:
        super().__init__(kit, **how)
        self.order: list[tuple[str, Any]] = []
        for i, (kind, part) in enumerate(parts):
            if isinstance(part, nn.Module):
                self.add_module(f"{kind}{i}", part)
            self.order.append((f"{kind}{i}", None if isinstance(part, nn.Module) else part))

    def step(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output of the last part."""
        for name, function in self.order:
            if name.startswith("neuron"):
                x = self.fire(name, x)
            elif name.startswith("flatten"):
                x = self.flat(x)
            else:
                x = getattr(self, name)(x) if function is None else function(x)
        return x


class Residual(Net):
    """A block of two convolutions and its shortcut.

    kind: spikes + spikes ("add") or spikes * spikes ("product", both SEW), "currents" + currents (MS), or the shortcut
    is "projected" through weights.
    """

    def __init__(self, kit: Kit, shape: Shape, kind: str, head: bool, **how: str) -> None:
        super().__init__(kit, **how)
        draw, channels, size = kit.draw, 4, shape[1:]
        self.kind, self.head = kind, head
        stride = 2 if kind == "projected" else 1
        smaller = tuple((s - 1) // stride + 1 for s in size)
        self.stem = kit.layer("Conv2d", shape[0], channels, 3, padding=1, bias=draw.chance(0.5))
        self.stem_norm = kit.norm(channels, 2) if draw.chance(0.5) else nn.Identity()
        self.lif0 = kit.neuron((channels, *size))
        self.conv1 = kit.layer("Conv2d", channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = kit.norm(channels, 2)
        self.lif1 = kit.neuron((channels, *smaller))
        self.conv2 = kit.layer("Conv2d", channels, channels, 3, padding=1, bias=draw.chance(0.5))
        self.bn2 = kit.norm(channels, 2) if draw.chance(0.7) else nn.Identity()
        self.lif2 = kit.neuron((channels, *smaller))
        if kind == "projected":
            self.short = kit.layer("Conv2d", channels, channels, 1, stride=2, bias=False)
            self.short_norm = kit.norm(channels, 2)
        self.pool = kit.layer("AvgPool2d", 2)
        features = channels * (smaller[0] // 2) * (smaller[1] // 2)
        self.fc = kit.layer("Linear", features, 5, bias=draw.chance(0.5))
        if head:
            self.lif3 = kit.neuron((5,))

    def step(self, x: torch.Tensor) -> torch.Tensor:
        """Return the class scores or their spikes."""
        current = self.stem_norm(self.stem(x))
        first = self.fire("lif0", current)
        inner = self.fire("lif1", self.bn1(self.conv1(first)))
        onward = self.bn2(self.conv2(inner))
        if self.kind == "currents":
            spikes = self.fire("lif2", onward + current)
        elif self.kind == "projected":
            onward += self.short_norm(self.short(first))
            spikes = self.fire("lif2", onward)
        else:
            second = self.fire("lif2", onward)
            spikes = torch.add(second, first) if self.kind == "add" else second * first
        out = self.fc(self.flat(self.pool(spikes)))
        return self.fire("lif3", out) if self.head else out


class Shared(Net):
    """Dense layers of which one is used twice, with neurons of their own."""

    def __init__(self, kit: Kit, shape: Shape, **how: str) -> None:
        super().__init__(kit, **how)
        hidden = kit.draw.whole(6, 12)
        self.is_map = len(shape) > 1
        features = torch.Size(shape).numel()
        self.fc_in = kit.layer("Linear", features, hidden, bias=kit.draw.chance(0.5))
        self.fc_again = kit.layer("Linear", hidden, hidden, bias=kit.draw.chance(0.5))
        self.lif1, self.lif2, self.lif3, self.lif4 = (kit.neuron((n,)) for n in (hidden, hidden, hidden, 4))
        self.fc_out = kit.layer("Linear", hidden, 4)

    def step(self, x: torch.Tensor) -> torch.Tensor:
        """Return the spikes of the last layer."""
        x = self.flat(x) if self.is_map else x
        first = self.fire("lif1", self.fc_in(x))
        second = self.fire("lif2", self.fc_again(first))
        third = self.fire("lif3", self.fc_again(second))
        return self.fire("lif4", self.fc_out(third))


class Branches(Net):
    """Two branches whose spikes are concatenated on the channels, and lists of layers."""

    def __init__(self, kit: Kit, shape: Shape, **how: str) -> None:
        super().__init__(kit, **how)
        a, b = kit.draw.whole(2, 4), kit.draw.whole(2, 4)
        size = shape[1:]
        self.convs = nn.ModuleList([
            kit.layer("Conv2d", shape[0], a, 3, padding=1), kit.layer("Conv2d", shape[0], b, 5, padding=2, bias=False)
        ])  # fmt: skip
        self.lifs = nn.ModuleList([kit.neuron((a, *size)), kit.neuron((b, *size))])
        self.mix = kit.layer("Conv2d", a + b, 3, 3, stride=2)
        smaller = tuple((s - 3) // 2 + 1 for s in size)
        self.lif_mix = kit.neuron((3, *smaller))
        self.fc = kit.layer("Linear", 3 * smaller[0] * smaller[1], 4)
        self.lif_out = kit.neuron((4,))

    def step(self, x: torch.Tensor) -> torch.Tensor:
        """Return the spikes of the last layer."""
        spikes = [self.fire(f"lifs.{i}", conv(x)) for i, conv in enumerate(self.convs)]
        joined = torch.cat(spikes, dim=self.kit.axes_before_channels)
        mixed = self.fire("lif_mix", self.mix(joined))
        return self.fire("lif_out", self.fc(self.flat(mixed)))


def chain_parts(kit: Kit, shape: Shape, *, functional_pools: bool = False) -> list[tuple[str, Any]]:
    """Return the parts of a network of one to four spiking layers for inputs of `shape`."""
    draw, parts, depth = kit.draw, [], kit.draw.one_of(1, 2, 2, 3, 3, 4)
    has_head = draw.chance(0.7) or depth == 1
    if len(shape) > 1:
        dimensions = len(shape) - 1
        for _ in range(depth - 1):
            if min(shape[1:]) < 4:
                break
            shape = _convolution(kit, parts, shape, dimensions, functional_pools)
        if draw.chance(0.15):
            parts.append(("pool", kit.layer(f"AdaptiveAvgPool{dimensions}d", 1)))
            shape = (shape[0], *[1] * dimensions)
        parts.append(("flatten", kit.layer("Flatten")))
        shape = (torch.Size(shape).numel(),)
        depth = 1
    for i in range(depth):
        width = draw.whole(5, 14) if i < depth - 1 else draw.whole(3, 6)
        parts.append(("fc", kit.layer("Linear", shape[0], width, bias=draw.chance(0.6))))
        if draw.chance(0.2):
            parts.append(("norm", kit.norm(width, 1)))
        shape = (width,)
        if i < depth - 1 or has_head:
            parts.append(("neuron", kit.neuron(shape)))
        if i < depth - 1 and draw.chance(0.2):
            parts.append(("drop", kit.layer("Dropout", 0.3)))
    return parts


def _convolution(
    kit: Kit, parts: list[tuple[str, Any]], shape: Shape, dimensions: int, functional_pools: bool
) -> Shape:
    """Append a convolution, its neurons and what is between and after them; return the shape that leaves."""
    draw = kit.draw
    kernel, stride = draw.one_of(1, 3, 3, 5), draw.one_of(1, 1, 1, 2)
    padding = draw.one_of(0, kernel // 2) if min(shape[1:]) > kernel + 2 else kernel // 2
    out = draw.whole(2, 6)
    groups = shape[0] if shape[0] > 1 and draw.chance(0.15) else 1
    out = out * groups if groups > 1 else out
    fields = {"stride": stride, "padding": padding, "groups": groups, "bias": draw.chance(0.6)}
    parts.append(("conv", kit.layer(f"Conv{dimensions}d", shape[0], out, kernel, **fields)))
    shape = (out, *((s + 2 * padding - kernel) // stride + 1 for s in shape[1:]))
    if draw.chance(0.35):
        parts.append(("norm", kit.norm(out, dimensions)))
    if min(shape[1:]) >= 4 and draw.chance(0.2):
        parts.append(("pool", kit.layer(f"AvgPool{dimensions}d", 2)))
        shape = (out, *(s // 2 for s in shape[1:]))
    parts.append(("neuron", kit.neuron(shape)))
    if draw.chance(0.15):
        parts.append(("drop", kit.layer("Dropout", 0.2)))
    if min(shape[1:]) >= 4 and draw.chance(0.5):
        kind = draw.one_of("Avg", "Avg", "Max")
        if functional_pools and dimensions == 2:
            pool = functional.avg_pool2d if kind == "Avg" else functional.max_pool2d
            parts.append(("pool", lambda x, pool=pool: pool(x, 2)))
        else:
            parts.append(("pool", kit.layer(f"{kind}Pool{dimensions}d", 2)))
        shape = (out, *(s // 2 for s in shape[1:]))
    return shape


def spoil(kit: Kit, parts: list[tuple[str, Any]]) -> tuple[list[tuple[str, Any]], str]:
    """Return the parts with something between weights and neurons that is no sum, and what it is."""
    draw: Draw = kit.draw
    at = next(i for i, (kind, _) in enumerate(parts) if kind == "neuron")
    is_map = any(kind in ("conv", "flatten") for kind, _ in parts[at:]) and any(
        kind == "conv" for kind, _ in parts[:at]
    )
    kinds = ["Sigmoid", "ReLU", "Tanh", "odd neurons"] + (["MaxPool of currents"] if is_map else [])
    kind = draw.one_of(*kinds)
    if kind == "odd neurons":
        return [*parts[:at], ("neuron", kit.odd_neuron(())), *parts[at + 1 :]], kind
    if kind == "MaxPool of currents":
        dimensions = 1 if "1d" in _kinds(parts[:at]) else 2
        part = kit.layer(f"MaxPool{dimensions}d", 3, stride=1, padding=1)
    else:
        part = kit.layer(kind)
    return [*parts[:at], ("odd", part), *parts[at:]], kind


def _kinds(parts: list[tuple[str, Any]]) -> str:
    return " ".join(type(m).__name__ for _, part in parts if isinstance(part, nn.Module) for m in part.modules())
