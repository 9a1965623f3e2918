"""distributed: several processes, each with its part of every batch, that train one network together.

torchrun starts them; accelerate finds their devices and back end and wraps the network in DistributedDataParallel.
The norms' moments and the layers' means meet in across_processes.py, so that the gradients are those of one process
with the whole batch.
"""

from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn

from snn_deploy.support.user_error import UserError
from snn_deploy.train.processes.processes import Processes

try:
    from accelerate import Accelerator
except ImportError as missing:
    raise UserError(
        "training in several processes: the package accelerate is not installed. "
        'Install it with pip install "snn-deploy[distributed]", or train in one process.'
    ) from missing


class SeveralProcesses(Processes):
    """The processes that torchrun started; the same program runs in each."""

    def __init__(self) -> None:
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.count, self.rank = self._accelerator.num_processes, self._accelerator.process_index

    def device(self, wanted: str) -> torch.device:
        super().device(wanted)
        device: torch.device = self._accelerator.device
        if wanted not in ("auto", device.type):
            raise UserError(f'training.device = "{wanted}": the processes were started on {device.type}. Use "auto".')
        return device

    def agree(self, check: Callable[[], None]) -> None:
        failures: list[str | None] = [None]
        if self.is_first:
            try:
                check()
            except UserError as error:
                failures = [str(error)]
        distributed.broadcast_object_list(failures, device=self._accelerator.device)
        if failures[0] is not None:
            self._accelerator.end_training()  # a process that still talks to one that ended would be aborted
            raise UserError(failures[0])

    def for_training(self, network: nn.Module) -> nn.Module:
        prepared: nn.Module = self._accelerator.prepare(network)
        return prepared

    def mean(self, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total / self.count

    def total(self, count: int) -> int:
        total = torch.tensor(count, device=self._accelerator.device)
        distributed.all_reduce(total)
        return int(total)
