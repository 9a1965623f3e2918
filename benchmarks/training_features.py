"""A training step with a learned leak, with rounded weights and with a layer that feeds itself, against one without.

    uv run python benchmarks/training_features.py [--features leak,qat,recurrent,recurrent-maps] [--rounds 7]

Each of them on the compiled path and on the plain one, which is torch operations alone. One thread, CPU time; the
three take turns, and ratios are medians over the turns. Random images, the norm `centered_tdbn`, Dspike; synapses in
what `training.synapses` = "auto" chooses here, and in float32.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from snn_deploy.rounding.limits import Limits
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.compiled.arithmetic import Arithmetic
from snn_deploy.train.compiled.fastest_arithmetic import fastest_arithmetic
from snn_deploy.train.models.layer_string import Model
from snn_deploy.train.networks.forward_options import ForwardOptions, Quantization
from snn_deploy.train.networks.spiking_network import SpikingNetwork

_BATCH, _SHAPE, _CLASSES = 128, (1, 28, 28), 10
_SMALL = "16C3-P2-32C3-P2-10"  # examples/fashion_mnist.toml


@dataclass(frozen=True)
class Case:
    """A network and what it trains with. layers_without: the same network without a loop. share: of the feedback."""

    label: str
    layers: str = _SMALL
    layers_without: str = _SMALL
    steps: int = 4
    learns_leak: bool = False
    limits: Limits | None = None
    share: float = 0.0


def _recurrent(layers: str, steps: int, share: float = 0.0) -> Case:
    return Case("recurrent, scaled" if share else "recurrent", layers, layers.replace("R", ""), steps, share=share)


FEATURES = {
    "leak": [Case("a learned leak per layer", learns_leak=True)],
    "qat": [
        Case("8 bits, one threshold per layer", limits=Limits(8)),
        Case("4 bits, one per channel", limits=Limits(4, per_channel=True)),
        Case("8 bits and a learned leak", limits=Limits(8), learns_leak=True),
    ],
    "recurrent": [_recurrent("16C3-P2-32C3-P2-128R-10", 4), _recurrent("128R-10", 20), _recurrent("512R-10", 20)],
    "recurrent-maps": [
        _recurrent("16C3R-P2-32C3R-P2-10", 4),
        _recurrent("8C3S2R-P2-10", 16),
        _recurrent("8C3S2R-P2-10", 16, share=0.5),
    ],
}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", default=",".join(FEATURES))
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print_ratios(arguments.features.split(","), arguments.rounds)


def print_ratios(features: list[str], rounds: int) -> None:
    """Print one table per arithmetic, with a line for each case."""
    torch.set_num_threads(1)
    for synapses in dict.fromkeys((fastest_arithmetic(), "float32")):
        print(f"\nsynapses in {synapses}, batch {_BATCH}")
        print("| network, steps | with | without, ms | with, ms | with / without | plain path / without |")
        print("|---|---|---|---|---|---|")
        for case in (case for feature in features for case in FEATURES[feature]):
            without = replace(case, layers=case.layers_without, learns_leak=False, limits=None)
            times = _times([_step(without, synapses), _step(case, synapses), _step(case, None)], rounds)
            ratios = (statistics.median(b / a for a, b in zip(times[0], t, strict=True)) for t in times[1:])
            seconds = " | ".join(f"{1000 * statistics.median(t):.1f}" for t in times[:2])
            ratio = " | ".join(f"{r:.2f}" for r in ratios)
            print(f"| {case.layers}, {case.steps} | {case.label} | {seconds} | {ratio} |", flush=True)


def _times(steps: list[Callable[[], None]], rounds: int) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in steps]
    for turn in range(rounds + 1):
        for taken, step in zip(times, steps, strict=True):
            start = time.process_time()
            step()
            if turn:  # the first turn compiles and warms up
                taken.append(time.process_time() - start)
    return times


def _step(case: Case, synapses: Arithmetic | None) -> Callable[[], None]:
    """Return one training step; on the plain path where `synapses` is None, as if there were no kernels."""
    generator = torch.Generator().manual_seed(0)
    neuron = load_plugin("train.neurons", "lif").Neuron(learns_voltage_keep=case.learns_leak)
    norm, no_norm = (load_plugin("train.norms", name).Norm() for name in ("centered_tdbn", "none"))
    plan = Model(case.layers).plan(_SHAPE, _CLASSES)
    network = SpikingNetwork(plan, neuron, norm, no_norm, generator)
    if case.share:
        network.scale_feedback(case.share, 0.1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    dspike = load_plugin("train.surrogates", "dspike")
    in_floats = ForwardOptions(
        dspike.Surrogate(), 3.0, dspike.slope if synapses else None, synapses=synapses or "float32"
    )
    quantization = None if case.limits is None else Quantization(case.limits, 1 / 255, 255)
    options = replace(in_floats, quantization=quantization)
    images = torch.randint(0, 256, (_BATCH, *_SHAPE), generator=generator).float() / 255
    labels = torch.randint(0, _CLASSES, (_BATCH,), generator=generator)
    network(images, case.steps, in_floats)  # a quantized pass takes the norms' moments as they are

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(network(images, case.steps, options).logits, labels).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    main()
