"""fastest_arithmetic: which arithmetic makes training fast on this CPU, by measuring one layer.

Runs on one machine must agree, or the same config would give other weights. So what is measured is the CPU and not the
network, and a format is chosen only where it is clearly faster: a CPU that multiplies it in hardware takes half of
float32's time, and one that does not takes longer than float32, so that noise does not move the choice.
"""

from collections.abc import Callable
from functools import cache
from time import process_time

import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.train.compiled import int8_synapses
from snn_deploy.train.compiled.arithmetic import Arithmetic

_CLEARLY = 1.25  # between the 0.3 to 1 and the 1.7 to 2.2 that were measured; docs/benchmarks.md
_ROUNDS = 7  # the quickest counts: other work on the machine only adds to CPU time
_GEOMETRY = ((1, 1), (1, 1), (1, 1), 1)


@cache
def fastest_arithmetic() -> Arithmetic:
    """Return the arithmetic that is clearly the fastest, after half a second."""
    if not int8_synapses.works_here():
        return "float32"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for each other, and how long depends on what else runs
    try:
        forward, backward = _speedups()
    finally:
        torch.set_num_threads(threads)
    if forward < _CLEARLY:
        return "float32"
    return "int8-bfloat16" if backward >= _CLEARLY else "int8"


def _speedups() -> tuple[float, float]:
    """Return how many times as fast as in float32 are currents in int8, and gradients in bfloat16."""
    generator = torch.Generator().manual_seed(0)
    spikes = torch.randint(0, 2, (16, 128, 16, 16), generator=generator).float()
    weights = torch.randn(128, 128, 3, 3, generator=generator)
    leaves = spikes.requires_grad_(), weights.requires_grad_()
    arriving = torch.randn(spikes.shape, generator=generator)

    def wide() -> Tensor:
        return functional.conv2d(spikes, weights, padding=1)

    lying = [t.contiguous(memory_format=int8_synapses.LAYOUT) for t in (spikes.detach(), arriving)]
    their_leaves = lying[0].requires_grad_(), weights

    def narrow() -> Tensor:
        return int8_synapses.conv2d(lying[0], weights, 1, *_GEOMETRY, narrow_gradients=True)

    wide_currents, narrow_currents = wide(), narrow()
    seconds = _quickest(
        wide,
        narrow,
        lambda: torch.autograd.grad(wide_currents, leaves, arriving, retain_graph=True),
        lambda: torch.autograd.grad(narrow_currents, their_leaves, lying[1], retain_graph=True),
    )
    return seconds[0] / seconds[1], seconds[2] / seconds[3]


def _quickest(*works: Callable[[], object]) -> list[float]:
    """Return the least CPU seconds that each of `works` takes; they take turns."""
    least = [float("inf")] * len(works)
    for _ in range(_ROUNDS):
        for i, work in enumerate(works):
            start = process_time()
            work()
            least[i] = min(least[i], process_time() - start)
    return least
