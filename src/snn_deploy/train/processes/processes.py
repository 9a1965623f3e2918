"""processes: how a run divides its work between processes. Here: one process does everything.

distributed.py has the form for several.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from snn_deploy.support.user_error import UserError


class Processes:
    """One process. count: how many share each batch. rank: which of them this is, from 0; only 0 writes files."""

    count = 1
    rank = 0

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes the files."""
        return self.rank == 0

    def device(self, wanted: str) -> torch.device:
        """Return the device for "auto", "cpu" or "cuda"; a UserError where there is none."""
        if wanted == "auto":
            wanted = "cuda" if torch.cuda.is_available() else "cpu"
        if wanted == "cuda" and not torch.cuda.is_available():
            raise UserError(
                f'training.device = "cuda": torch {torch.__version__} finds no GPU here. Choose "cpu" or "auto".'
            )
        return torch.device(wanted)

    def agree(self, check: Callable[[], None]) -> None:
        """Call `check`, in the first process only; its UserError ends all of them."""
        check()

    def for_training(self, network: nn.Module) -> nn.Module:
        """Return a module that computes what `network` does and averages its gradients over the processes."""
        return network

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of `values` over the processes, the same in all of them; no gradient."""
        return values

    def total(self, count: int) -> int:
        """Return the sum of `count` over the processes."""
        return count

    def share(self, chosen: np.ndarray) -> slice:
        """Return this process's part of a batch of `chosen` samples, as long as every other's."""
        size, rest = divmod(len(chosen), self.count)
        if rest:
            raise UserError(
                f"training: a batch of {len(chosen)} samples does not divide between {self.count} processes. "
                "Change training.batch_size, or training.samples so that the last batch divides too."
            )
        return slice(self.rank * size, (self.rank + 1) * size)
