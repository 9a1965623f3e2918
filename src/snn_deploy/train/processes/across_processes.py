"""across_processes: means over the whole batch when several processes hold a slice of it each."""

from typing import Any

import torch
from torch import Tensor, distributed


def process_count() -> int:
    """Return how many processes share a batch: 1 unless torch.distributed is initialised."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def mean_over_processes(values: Tensor) -> Tensor:
    """Return the mean of `values` over all processes; differentiable; `values` itself in a single process.

    The slices must be of equal size. Gradients are scaled for DistributedDataParallel, which averages the
    parameters' gradients: the result is the gradient of the mean of the processes' losses.
    """
    if process_count() == 1:
        return values
    mean: Tensor = _Mean.apply(values)
    return mean


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _averaged(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _averaged(gradients[0])


def _averaged(values: Tensor) -> Tensor:
    total = values.detach().clone()
    distributed.all_reduce(total)
    return total / process_count()
