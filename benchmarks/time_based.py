"""A batch of time-based training: compiled neurons against the per-step loops of tensor operations that papers publish.

    uv run python benchmarks/time_based.py [--rounds 5]

One thread, CPU time, the two take turns, medians; their gradients are compared before any time is taken. Convolutions
are the same for both. Networks and batch as in TB (Zhu et al., NeurIPS 2023), five steps, random images.
"""

import argparse
import statistics
import time

import torch

from snn_deploy.train.losses.enhanced_counting import Loss
from snn_deploy.train.models.layer_string import Model
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.time_based_network import TimeBasedNetwork
from snn_deploy.train.neurons.spike_response import Neuron
from snn_deploy.train.norms.none import Norm as NoNorm
from snn_deploy.train.norms.threshold_standardization import Norm

_NETWORKS = ("15C5-P2-40C5-P2-300-10", "32C5-P2-64C5-P2-1024-10")
_BATCH, _STEPS = 64, 5


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    print_ratios(parser.parse_args().rounds)


def print_ratios(rounds: int) -> None:
    """Print one line for each network."""
    torch.set_num_threads(1)
    print("| network | per-step loops, ms | compiled, ms | times as fast |\n|---|---|---|---|")
    for layers in _NETWORKS:
        networks = [_network(layers, is_compiled) for is_compiled in (False, True)]
        images, labels = torch.rand(_BATCH, 1, 28, 28), torch.randint(10, (_BATCH,))
        for network in networks:
            _batch(network, images, labels)
        for plain, compiled in zip(*(n.parameters() for n in networks), strict=True):
            assert plain.grad is not None and compiled.grad is not None
            torch.testing.assert_close(plain.grad, compiled.grad, rtol=2e-2, atol=2e-2 * float(plain.grad.abs().max()))
        times: list[list[float]] = [[], []]
        for _ in range(rounds):
            for taken, network in zip(times, networks, strict=True):
                start = time.process_time()
                _batch(network, images, labels)
                taken.append(1000 * (time.process_time() - start))
        plain_time, compiled_time = (statistics.median(taken) for taken in times)
        ratio = plain_time / compiled_time
        print(f"| {layers} | {plain_time:.0f} | {compiled_time:.0f} | {ratio:.2f} |", flush=True)


def _network(layers: str, is_compiled: bool) -> TimeBasedNetwork:
    plan = Model(layers).plan((1, 28, 28), 10)
    generator = torch.Generator().manual_seed(0)
    return TimeBasedNetwork(plan, Neuron(), Norm(), NoNorm(), generator, is_compiled=is_compiled)


def _batch(network: TimeBasedNetwork, images: torch.Tensor, labels: torch.Tensor) -> None:
    network.zero_grad()
    Loss()(network(images, _STEPS, ForwardOptions(None, 1.0)), labels).backward()  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
