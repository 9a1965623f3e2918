"""The gradients of one batch for several configs: in the process of a test, or in each of several processes.

As a program (torchrun starts it): writes the gradients of the first process to the file in its first argument, then
runs the command line with the others.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import Progress, TrainingState
from snn_deploy.train.run.epoch import TrainingContext, train_epoch
from snn_deploy.train.run.run_start import build_network

# "exponent" 1.5 needs every potential, so it takes the plain path; the others take the compiled one.
VARIANTS = {
    "centred": {},
    "tdbn": {"norm": {"name": "tdbn"}},
    "scale": {"norm": {"name": "scale_tdbn"}},
    "no norm": {"norm": {"name": "none"}, "neuron": {"threshold": 0.1}},
    "both losses": {"norm": {"name": "tdbn"}, "losses": {"im_loss": {}, "rmp_loss": {"weight": 5.0}}},
    "learned leak": {"neuron": {"learns_voltage_keep": True}},
    "rounded weights": {"quantization": {"epochs": 2}, "norm": {"name": "none"}, "neuron": {"threshold": 0.1}},
    "recurrent": {"model": {"layers": "4C3-P2-12R-10"}, "neuron": {"threshold": 0.1}},
    "learned delays": {"delays": {"kind": "axonal", "most": 3}, "neuron": {"threshold": 0.1}},
    "whole delays": {"delays": {"kind": "axonal", "most": 3, "whole": 1.0}, "neuron": {"threshold": 0.1}},
    "means of channels": {"losses": {"im_loss": {"per_channel": True}}},
    "plain path": {"norm": {"name": "tdbn"}, "losses": {"im_loss": {}, "rmp_loss": {"weight": 5.0, "exponent": 1.5}}},
}


def gradients(variant: str, processes: Processes) -> dict[str, np.ndarray]:
    """Return "VARIANT/PARAMETER" -> its gradient after one batch of 24 images, and the batch's measured means."""
    config = _config(VARIANTS[variant])
    samples = config.data.options.load("train").first(24)
    network = build_network(config, samples, torch.Generator().manual_seed(1))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    state = TrainingState(network, optimizer, torch.Generator().manual_seed(2))
    context = TrainingContext(config, samples, state, processes.for_training(network), processes)
    (progress,) = train_epoch(context, Progress())
    found = {f"{variant}/{n}": p.grad.numpy() for n, p in network.named_parameters() if p.grad is not None}
    found |= {f"{variant}/statistics/{n}": b.numpy() for n, b in network.named_buffers()}
    return found | {f"{variant}/{name}": np.array(total / 24) for name, total in progress.totals.items()}


def _config(changes: dict[str, dict]) -> TrainConfig:
    table = {
        "data": {"name": "digits"},
        "model": {"layers": "4C3-P2-6C3-12-10"},
        "training": {"epochs": 2, "batch_size": 24, "threads": 1, "synapses": "float32"},
    }
    return resolved_config(table | changes, "test")


if __name__ == "__main__":
    from snn_deploy.cli.main import main
    from snn_deploy.train.processes.distributed import SeveralProcesses

    several = SeveralProcesses()
    everything: dict[str, np.ndarray] = {}
    for name in VARIANTS:
        everything |= gradients(name, several)
    if several.is_first:
        np.savez(Path(sys.argv[1]), **{name.replace("/", "|"): value for name, value in everything.items()})
    else:
        time.sleep(2.0)  # a process that comes late finds the first one's lock and files
    main(sys.argv[2:])
