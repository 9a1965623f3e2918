"""Random modules of Norse: SequentialState, Lift, and classes with cells and a loop."""

from typing import Any

import norse.torch as norse
import torch
from helpers.torch_modules.kit import Draw, Kit
from helpers.torch_modules.made import Made
from helpers.torch_modules.nets import Branches, Chain, Residual, Shared, chain_parts, spoil
from torch import nn


class NorseKit(Kit):
    """Cells, which take one step, or neurons that take all, beside lifted layers."""

    def __init__(self, draw: Draw, steps: int, is_lifted: bool) -> None:
        super().__init__(draw, steps)
        self.is_lifted, self.axes_before_channels = is_lifted, 2 if is_lifted else 1

    def layer(self, kind: str, *arguments: Any, **fields: Any) -> nn.Module:
        """Return a layer of torch.nn, lifted over the steps where the neurons take all of them."""
        if kind == "Flatten" and self.is_lifted:
            return nn.Flatten(2)
        made = getattr(nn, kind)(*arguments, **fields)
        return norse.Lift(made) if self.is_lifted else made

    def neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons of one of the kinds."""
        draw = self.draw
        kind = draw.one_of("LIF", "LIF", "IAF") if self.is_lifted else draw.one_of("LIFCell", "LIFBoxCell", "IAFCell")
        fields = {"v_th": torch.tensor(draw.one_of(1.0, draw.real(0.3, 1.0)))}
        if draw.chance(0.3):
            fields["v_reset"] = torch.tensor(draw.real(-0.3, 0.1))
        if kind.startswith("IAF"):
            return getattr(norse, kind)(norse.IAFParameters(**fields))
        fields["tau_mem_inv"] = torch.tensor(draw.one_of(100.0, draw.real(80.0, 500.0)))
        if draw.chance(0.2):
            fields["v_leak"] = torch.tensor(draw.real(-0.1, 0.2))
        if kind == "LIFBoxCell":
            return norse.LIFBoxCell(norse.LIFBoxParameters(**fields))
        if draw.chance(0.7):
            fields["tau_syn_inv"] = torch.tensor(draw.real(150.0, 900.0))
        return getattr(norse, kind)(norse.LIFParameters(**fields))

    def odd_neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons that are refused."""
        if self.is_lifted:
            return norse.LIFAdEx()
        return self.draw.one_of(norse.LIFRefracCell, norse.LSNNCell, norse.LIFExCell)()

    def fire(self, neuron: nn.Module, current: torch.Tensor, states: dict[str, Any], name: str) -> torch.Tensor:
        """Return the spikes; the state of the step before is None in the first."""
        if self.is_lifted:
            return neuron(current)[0]
        spikes, states[name] = neuron(current, states.get(name))
        return spikes


def make(draw: Draw, steps: int, shape: tuple[int, ...], refused: bool) -> Made:
    """Return a module in one of the ways that Norse's documentation writes them."""
    style = draw.one_of("SequentialState", "lifted SequentialState", "lifted", "class", "class")
    kit = NorseKit(draw, steps, style == "lifted")
    loop, gives = "none", "stack"
    what, note = "chain", ""
    if style == "class":
        loop, gives = draw.one_of("x[step]", "static"), draw.one_of("stack", "sum")
        if len(shape) == 3 and not refused:
            what = draw.one_of("chain", "residual", "branches", "shared")
    if what == "residual":
        note = draw.one_of("add", "currents", "projected")
        module: nn.Module = Residual(kit, shape, note, draw.chance(0.5), loop=loop, gives=gives)
    elif what == "branches":
        module = Branches(kit, shape, loop=loop, gives=gives)
    elif what == "shared":
        module = Shared(kit, shape, loop=loop, gives=gives)
    else:
        parts = chain_parts(kit, shape)
        if refused:
            parts, note = spoil(kit, parts)
        if style == "class":
            last = draw.one_of(None, norse.LICell, norse.LIBoxCell)
            if last is not None and not refused and loop == "x[step]" and gives == "stack":
                width = next(part.out_features for kind, part in reversed(parts) if kind == "fc")
                parts += [] if parts[-1][0] == "fc" else [("fc", nn.Linear(width, 4))]
                parts, note = [*parts, ("neuron", last())], last.__name__
            module = Chain(kit, parts, loop=loop, gives=gives)
        else:
            module = norse.SequentialState(*(part for _, part in parts))
    if style == "lifted SequentialState":
        module = norse.Lift(module)
    is_whole = style.startswith("lifted") or loop == "x[step]"
    time = "static" if loop == "static" else "first" if is_whole else "passed"
    return Made(module, time, f"{style}, {what} {note}, {loop}, {gives}")
