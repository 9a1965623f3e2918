"""A batch of time-based training: compiled neurons against the per-step loops of tensor operations that papers publish.

    uv run python benchmarks/time_based.py [--rounds 5]
    uv run python benchmarks/time_based.py --gradients

One thread, CPU time, the two take turns, medians; their gradients are compared before any time is taken. Convolutions
are the same for both. Networks and batch as in TB (Zhu et al., NeurIPS 2023), five steps, random images.

With --gradients instead: the gradient of every layer of examples/vgg11_time_based.toml before training, in its first
batch, by the size of the layer's weights.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.losses.enhanced_counting import Loss
from snn_deploy.train.models.layer_string import Model
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import key_of
from snn_deploy.train.networks.time_based_network import TimeBasedNetwork
from snn_deploy.train.neurons.spike_response import Neuron
from snn_deploy.train.norms.none import Norm as NoNorm
from snn_deploy.train.norms.threshold_standardization import Norm
from snn_deploy.train.run.evaluation import input_tensor
from snn_deploy.train.run.run_start import build_network

_NETWORKS = ("15C5-P2-40C5-P2-300-10", "32C5-P2-64C5-P2-1024-10")
_BATCH, _STEPS = 64, 5


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gradients", action="store_true")
    chosen = parser.parse_args()
    if chosen.gradients:
        print_gradients()
    else:
        print_ratios(chosen.rounds)


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


def print_gradients() -> None:
    """Print one line for each layer of VGG-11: how far one step of SGD at a rate of 1 would move it."""
    torch.set_num_threads(1)
    config = read_config(Path("examples/vgg11_time_based.toml"))
    samples = config.data.options.load("train").first(config.training.batch_size)
    network = build_network(config, samples, torch.Generator().manual_seed(config.seed))
    images = input_tensor(samples, np.arange(len(samples.labels)), torch.device("cpu"))
    recording = network(images, config.steps, ForwardOptions(None, 1.0))
    Loss()(recording, torch.from_numpy(samples.labels)).backward()
    rates = {layer.name: float(layer.spike_rate.detach()) for layer in recording.layers}
    print("| layer | spike rate | size of the gradient / size of the weights |\n|---|---|---|")
    for connection in network.plan.connections:
        weights = network.weights[key_of(connection)]
        assert weights.grad is not None
        rate = f"{rates[connection.target]:.3f}" if connection.target in rates else "-"
        print(f"| {connection.target} | {rate} | {float(weights.grad.norm() / weights.detach().norm()):.0f} |")


def _network(layers: str, is_compiled: bool) -> TimeBasedNetwork:
    plan = Model(layers).plan((1, 28, 28), 10)
    generator = torch.Generator().manual_seed(0)
    return TimeBasedNetwork(plan, Neuron(), Norm(), NoNorm(), generator, is_compiled=is_compiled)


def _batch(network: TimeBasedNetwork, images: torch.Tensor, labels: torch.Tensor) -> None:
    network.zero_grad()
    Loss()(network(images, _STEPS, ForwardOptions(None, 1.0)), labels).backward()  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
