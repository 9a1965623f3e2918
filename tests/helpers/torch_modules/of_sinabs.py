"""Random modules of sinabs: Sequentials with Squeeze layers or time axes, and classes with residuals."""

from typing import Any

import sinabs.layers as sl
import torch
from helpers.torch_modules.kit import Draw, Kit
from helpers.torch_modules.made import Made
from helpers.torch_modules.nets import Branches, Chain, Residual, Shared, chain_parts, spoil
from sinabs import activation
from torch import nn


class SinabsKit(Kit):
    """Layers of torch.nn on (batch * steps, ...) with Squeeze neurons, or repeated over (batch, steps, ...)."""

    def __init__(self, draw: Draw, steps: int, way: str, recurrent: bool) -> None:
        super().__init__(draw, steps)
        self.way, self.recurrent = way, recurrent
        self.axes_before_channels = 2 if way == "repeat" else 1
        self.squeezed = draw.one_of({"batch_size": 1}, {"num_timesteps": steps})

    def layer(self, kind: str, *arguments: Any, **fields: Any) -> nn.Module:
        """Return a layer of torch.nn, repeated over the steps where the neurons take all of them."""
        if self.way != "repeat":
            return getattr(nn, kind)(*arguments, **fields)
        if kind == "Flatten":
            return nn.Flatten(2)
        made = getattr(nn, kind)(*arguments, **fields)
        return made if kind in ("Linear", "Dropout", "Sigmoid", "ReLU", "Tanh") else sl.Repeat(made)

    def neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons of one of the kinds."""
        draw = self.draw
        fields: dict[str, Any] = {"spike_fn": draw.one_of(activation.SingleSpike, activation.SingleSpike)}
        fields["spike_threshold"] = torch.tensor(draw.one_of(1.0, draw.real(0.5, 1.5)))
        if draw.chance(0.3):
            fields["reset_fn"] = draw.one_of(activation.MembraneReset(), activation.MembraneSubtract(0.8))
        kind = draw.one_of("IAF", "LIF")
        if kind == "LIF":
            fields["tau_mem"] = draw.one_of(
                draw.real(2.0, 20.0), draw.reals(2.0, 20.0, (shape[0], *[1] * len(shape[1:])))
            )
            fields["norm_input"] = draw.chance(0.6)
            fields["train_alphas"] = draw.chance(0.2)
        if draw.chance(0.3):
            fields["tau_syn"] = draw.real(1.0, 5.0)
        if self.recurrent and self.way == "repeat" and len(shape) == 1 and draw.chance(0.5):
            weights = nn.Linear(shape[0], shape[0], bias=False)
            return getattr(sl, f"{kind}Recurrent")(rec_connect=weights, **fields)
        if self.way == "repeat":
            return getattr(sl, kind)(**fields)
        return getattr(sl, f"{kind}Squeeze")(**fields, **self.squeezed)

    def odd_neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons that are refused."""
        if self.way == "repeat":
            return self.draw.one_of(sl.IAF, lambda: sl.ALIF(tau_mem=5.0, tau_adapt=5.0))()
        single = {"spike_fn": activation.SingleSpike, "min_v_mem": -1.0}
        return self.draw.one_of(sl.IAFSqueeze(**self.squeezed), sl.IAFSqueeze(**single, **self.squeezed))

    def begin(self, module: nn.Module) -> None:
        """Empty the states."""
        for part in module.modules():
            if isinstance(part, sl.StatefulLayer):
                part.reset_states()


def make(draw: Draw, steps: int, shape: tuple[int, ...], refused: bool) -> Made:
    """Return a module in one of the ways that sinabs' documentation writes them."""
    style = draw.one_of("squeeze", "squeeze", "repeat", "flatten time")
    kit = SinabsKit(draw, steps, "repeat" if style == "repeat" else "squeeze", draw.chance(0.3))
    what, note = "chain", ""
    if len(shape) == 3 and not refused and style != "flatten time":
        what = draw.one_of("chain", "chain", "residual", "branches", "shared")
    if what == "residual":
        note = draw.one_of("add", "currents", "projected")
        module: nn.Module = Residual(kit, shape, note, draw.chance(0.5))
    elif what == "branches":
        module = Branches(kit, shape)
    elif what == "shared":
        module = Shared(kit, shape)
    else:
        parts = chain_parts(kit, shape)
        if refused:
            parts, note = spoil(kit, parts)
        if not refused and parts[-1][0] == "fc" and draw.chance(0.5):
            leak = sl.ExpLeak(tau_mem=4.0) if style == "repeat" else sl.ExpLeakSqueeze(tau_mem=4.0, **kit.squeezed)
            parts, note = [*parts, ("neuron", leak)], "ExpLeak"
        modules = [part for _, part in parts]
        module = nn.Sequential(*modules) if draw.chance(0.6) else Chain(kit, parts)
    if style == "flatten time":
        module = _Unflattened(module, kit.squeezed.get("batch_size"))
    time = {"squeeze": "flat", "repeat": "second", "flatten time": "second"}[style]
    batch = 1 if style != "repeat" and "batch_size" in kit.squeezed else None
    return Made(module, time, f"{style}, {what} {note}{', one sample at a time' if batch else ''}", batch)


class _Unflattened(nn.Module):
    """A network of Squeeze layers for (batch, steps, ...)."""

    def __init__(self, net: nn.Module, batch: int | None) -> None:
        super().__init__()
        self.flatten_time, self.net = sl.FlattenTime(), net
        self.unflatten_time = sl.UnflattenTime(batch_size=batch) if batch else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, steps, ...)."""
        unflatten = self.unflatten_time or sl.UnflattenTime(batch_size=x.shape[0])
        return unflatten(self.net(self.flatten_time(x)))
