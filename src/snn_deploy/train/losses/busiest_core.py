"""Loss `busiest_core`: a shorter step on the chip, which lasts as long as its busiest core works.

`synaptic_operations` weighs all operations alike. Here each spike weighs what it costs the cores that hear it, in
seconds, by the loads that `snn-deploy map NETWORK --samples N --loads FILE` measures on a placement of a network with
these layers, and the cores count by the power mean of their times, which comes near the busiest one's and still moves
those close behind it. It is divided by the busiest core's time if every neuron fired in every step, so that one weight
means the same for every network and chip. The mean spikes of a batch are taken, not each sample's own busiest core.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.core_loads import CoreLoads, read_core_loads
from snn_deploy.support.user_error import UserError
from snn_deploy.train.networks.network_plan import PlannedPopulation
from snn_deploy.train.networks.recording import HiddenLayer, Recording
from snn_deploy.train.processes.across_processes import mean_over_processes


@dataclass(frozen=True)
class Loss:
    """file: of `snn-deploy map --loads`. weight: of the busiest core's time, as a share.

    exponent: of the power mean over the cores; the higher, the more only the busiest counts.
    """

    classifies = False
    needs_potentials = False

    file: str
    weight: Annotated[float, Gt(0)] = 1.0
    exponent: Annotated[float, Gt(1)] = 8.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * (power mean of the cores' times in the mean step / the longest time); no use of labels."""
        loads = self._loads()
        times = torch.from_numpy(loads.idle / loads.longest).float().to(recording.output.device)
        for layer in self.constrained(recording.layers):
            part = _Part.of(loads, layer.name, times.device)
            rates = mean_over_processes(_rates(layer.sent, part.shape))
            times = times.index_add(0, part.cores, part.shares * rates[part.neurons])
        most = times.max().detach()  # powers of shares far below 1 would be rounded to 0
        return self.weight * most * (times / most).pow(self.exponent).mean().pow(1 / self.exponent)

    def constrained(self, layers: Iterable[HiddenLayer]) -> list[HiddenLayer]:
        """Return the hidden layers that load a core: all, where the file is of such a network; else a UserError."""
        layers, spikes = list(layers), self._loads().spikes
        for layer in layers:
            loads = spikes.get(layer.name)
            if loads is None or (isinstance(layer, PlannedPopulation) and layer.shape != loads.shape):
                there = ", ".join(f"{name} {part.shape}" for name, part in spikes.items())
                raise UserError(
                    f"losses.busiest_core: {self.file} is of another network than this config's: layer {layer.name!r}, "
                    f"and there {there}. Map a network of this config: snn-deploy map NETWORK --samples N --loads FILE."
                )
        return layers

    def _loads(self) -> CoreLoads:
        path = Path(self.file).expanduser()
        return _read(path, path.stat().st_mtime_ns if path.exists() else 0)


@dataclass(frozen=True)
class _Part:
    """What the spikes of one layer cost, as tensors: shares of the longest time."""

    shape: tuple[int, ...]
    cores: Tensor
    neurons: Tensor
    shares: Tensor

    @staticmethod
    @lru_cache(maxsize=256)
    def of(loads: CoreLoads, name: str, device: torch.device) -> "_Part":
        found = loads.spikes[name]
        cores, neurons = (torch.from_numpy(a.copy()).to(device) for a in (found.cores, found.neurons))
        shares = torch.from_numpy(found.seconds / loads.longest).float().to(device)
        return _Part(found.shape, cores, neurons, shares)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> CoreLoads:
    return read_core_loads(path)


def _rates(sent: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the rate of each neuron of a layer of `shape`, flat; of a pooled layer its window's mean."""
    rates = sent.mean((0, 1))
    if rates.shape != torch.Size(shape) and rates.ndim == 3:
        window = [whole // pooled for whole, pooled in zip(shape[1:], rates.shape[1:], strict=True)]
        rates = rates.repeat_interleave(window[0], 1).repeat_interleave(window[1], 2)
        missing = [whole - there for whole, there in zip(shape[1:], rates.shape[1:], strict=True)]
        rates = functional.pad(rates, (0, missing[1], 0, missing[0]))  # neurons that the pooling leaves out
    return rates.flatten()
