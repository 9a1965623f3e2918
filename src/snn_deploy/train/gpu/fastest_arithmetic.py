"""fastest_arithmetic: which arithmetic makes training fast on a GPU, by measuring one layer; as on CPUs.

Where the same machine is measured again the choice must be the same, or the same config would give other weights: so
int8 is chosen only where it is clearly faster.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.train.compiled.arithmetic import Arithmetic
from snn_deploy.train.gpu import int8_synapses

_CLEARLY = 1.25  # as on CPUs; a guess for GPUs, where tensor cores should give several times that
_ROUNDS = 7  # the quickest counts
_SHAPE, _WEIGHTS = (128, 128, 32, 32), (128, 128, 3, 3)  # large enough to fill a GPU
_GEOMETRY = ((1, 1), (1, 1), (1, 1), 1)


@cache
def fastest_on(device: torch.device) -> Arithmetic:
    """Return the arithmetic that is clearly the fastest on a GPU where int8 works."""
    generator = torch.Generator().manual_seed(0)
    spikes = torch.randint(0, 2, _SHAPE, generator=generator).float().to(device)
    spikes = spikes.contiguous(memory_format=int8_synapses.LAYOUT).requires_grad_()
    weights = torch.randn(_WEIGHTS, generator=generator).to(device).requires_grad_()

    def seconds(layer: Callable[[], Tensor]) -> tuple[float, float]:
        currents = layer()
        arriving = torch.ones_like(currents)
        backward = lambda: torch.autograd.grad(currents, (spikes, weights), arriving, retain_graph=True)  # noqa: E731
        return _quickest(layer), _quickest(backward)

    wide = seconds(lambda: functional.conv2d(spikes, weights, padding=1))
    narrow = seconds(lambda: int8_synapses.conv2d(spikes, weights, 1, *_GEOMETRY, narrow_gradients=True))
    if wide[0] < _CLEARLY * narrow[0]:
        return "float32"
    return "int8-bfloat16" if wide[1] >= _CLEARLY * narrow[1] else "int8"


def _quickest(work: Callable[[], object]) -> float:
    """Return the least milliseconds that `work` takes on the GPU."""
    least = float("inf")
    for _ in range(_ROUNDS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        least = min(least, start.elapsed_time(end))
    return least
