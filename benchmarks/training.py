"""Time and memory of one training step: snn-deploy, a plain loop over the steps, spikingjelly and snntorch.

    uv run --with spikingjelly --with snntorch python benchmarks/training.py [--nets small,large,cifarnet,resnet19]

The same network everywhere: convolutions and dense layers without bias, batch norm over steps and batch, LIF neurons
that keep a quarter of their potential (hard reset, gradients through it), average pooling, four steps, a static
image, SGD. One thread. The methods take turns, so that a machine whose speed drifts slows all of them; what counts
is the ratio. Peak memory is of a process of its own that makes three steps.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_deploy.plugin import load_plugin
from snn_deploy.train.config import resolved_config
from snn_deploy.train.spiking_network import Pass, SpikingNetwork

NETS = {
    "small": ("16C3-P2-32C3-P2-10", (1, 28, 28), 128),
    "large": ("32C5-P2-64C5-P2-1024-10", (1, 28, 28), 128),
    "cifarnet": ("128C3-256C3-P2-512C3-P2-1024C3-512C3-1024-512-10", (3, 32, 32), 8),
}
STEPS, KEEP, THRESHOLD = 4, 0.25, 0.5
Step = Callable[[Tensor, Tensor], None]


def ours(net: str) -> Step:
    """Return one training step of snn-deploy."""
    layers, shape, _ = NETS[net]
    config = resolved_config({"data": {"name": "digits"}, "model": {"layers": layers}, "norm": {"name": "tdbn"}}, net)
    no_norm = load_plugin("train.norms", "none").Norm()
    plan = config.model.options.plan(shape, 10)
    generator = torch.Generator().manual_seed(0)
    network = SpikingNetwork(plan, config.neuron.options, config.norm.options, no_norm, generator)
    how = Pass(config.surrogate.options, 3.0, load_plugin("train.surrogates", "dspike").slope)
    return _step(network, lambda images: network(images, STEPS, how).logits)


def plain(net: str) -> Step:
    """Return one training step of the textbook's loop: every layer in every step, all in torch operations."""
    blocks = _blocks(net)
    surrogate = load_plugin("train.surrogates", "dspike").Surrogate()

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, potentials):
            ctx.save_for_backward(potentials)
            return (potentials >= THRESHOLD).to(potentials.dtype)

        @staticmethod
        def backward(ctx, gradient):
            return gradient * surrogate.gradient(ctx.saved_tensors[0], THRESHOLD, 3.0)

    def forward(images: Tensor) -> Tensor:
        potentials: dict[int, Tensor] = {}
        total: Tensor | float = 0.0
        for _ in range(STEPS):
            values = images
            for i, (weights, norm, pool) in enumerate(blocks):
                values = weights(values)
                if norm is None:
                    total = total + values
                    break
                currents = norm(values)
                potential = potentials[i] + currents if i in potentials else currents
                spikes = Spike.apply(potential)
                potentials[i] = KEEP * potential * (1 - spikes)
                values = functional.avg_pool2d(spikes, 2) if pool else spikes
        return total

    return _step(nn.ModuleList(m for block in blocks for m in block if isinstance(m, nn.Module)), forward)


def spikingjelly(net: str) -> Step:
    """Return one training step of spikingjelly, multi-step: time folded into the batch of its layers."""
    from spikingjelly.activation_based import functional as spiking  # noqa: PLC0415 - only the benchmark needs it
    from spikingjelly.activation_based import layer, neuron, surrogate  # noqa: PLC0415

    modules: list[nn.Module] = []
    for weights, norm, pool in _blocks(net):
        modules.append(layer.SeqToANNContainer(weights))
        if norm is None:
            continue
        modules.append(layer.SeqToANNContainer(norm))
        node = {"tau": 1 / (1 - KEEP), "decay_input": False, "v_threshold": THRESHOLD, "v_reset": 0.0}
        modules.append(neuron.LIFNode(**node, surrogate_function=surrogate.ATan(), step_mode="m"))
        if pool:
            modules.append(layer.SeqToANNContainer(nn.AvgPool2d(2)))
    network = nn.Sequential(*modules)

    def forward(images: Tensor) -> Tensor:
        spiking.reset_net(network)
        return network(images.expand(STEPS, *images.shape)).sum(0)

    return _step(network, forward)


def snntorch(net: str) -> Step:
    """Return one training step of snntorch, which goes step by step."""
    import snntorch as snn  # noqa: PLC0415
    from snntorch import surrogate  # noqa: PLC0415

    blocks = _blocks(net)
    nodes = [
        snn.Leaky(beta=KEEP, threshold=THRESHOLD, reset_mechanism="zero", spike_grad=surrogate.atan())
        for _, norm, _ in blocks
        if norm is not None
    ]

    def forward(images: Tensor) -> Tensor:
        states = [node.init_leaky() for node in nodes]
        total: Tensor | float = 0.0
        for _ in range(STEPS):
            values = images
            for i, (weights, norm, pool) in enumerate(blocks):
                values = weights(values)
                if norm is None:
                    total = total + values
                    break
                spikes, states[i] = nodes[i](norm(values), states[i])
                values = functional.avg_pool2d(spikes, 2) if pool else spikes
        return total

    return _step(nn.ModuleList([*nodes, *(m for b in blocks for m in b if isinstance(m, nn.Module))]), forward)


METHODS = {"snn-deploy": ours, "plain loop": plain, "spikingjelly": spikingjelly, "snntorch": snntorch}


def _blocks(net: str) -> list[tuple[nn.Module, nn.Module | None, bool]]:
    """Return (weights, norm, whether pooling follows) of each layer; the output has no norm."""
    words, (channels, size, _) = NETS[net][0].split("-"), NETS[net][1]
    blocks: list[tuple[nn.Module, nn.Module | None, bool]] = []
    features = 0
    for position, word in enumerate(words):
        if word.startswith("P"):
            continue
        pools = position + 1 < len(words) and words[position + 1].startswith("P")
        if "C" in word:
            out, kernel = map(int, word.split("C"))
            blocks.append(
                (nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(out), pools)
            )
            channels, size = out, size // 2 if pools else size
            features = channels * size * size
        else:
            dense = nn.Sequential(nn.Flatten(), nn.Linear(features, int(word), bias=False))
            features = int(word)
            blocks.append((dense, None if position == len(words) - 1 else nn.BatchNorm1d(features), False))
    return blocks


def _step(network: nn.Module, forward: Callable[[Tensor], Tensor]) -> Step:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)

    def step(images: Tensor, labels: Tensor) -> None:
        optimizer.zero_grad()
        functional.cross_entropy(forward(images), labels).backward()
        optimizer.step()

    return step


def _batch(net: str) -> tuple[Tensor, Tensor]:
    _, shape, batch = NETS[net]
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, *shape, generator=generator), torch.randint(0, 10, (batch,), generator=generator)


def _peak_memory(net: str, method: str) -> float:
    """Return the megabytes that three steps need at most, beyond those of a process that only has the imports."""
    command = [sys.executable, __file__, "--nets", net, "--peak-of"]
    peaks = [float(subprocess.check_output([*command, m], text=True).split()[-1]) for m in (method, "nothing")]
    return peaks[0] - peaks[1]


def _own_peak() -> float:
    """Return the largest memory this process ever had, in megabytes (getrusage would include its parent's)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print one table per network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nets", default="small,large")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for net in arguments.nets.split(","):
        images, labels = _batch(net)
        if arguments.peak_of:
            step = METHODS[arguments.peak_of](net) if arguments.peak_of != "nothing" else None
            for _ in range(3):
                if step:
                    step(images, labels)
            print(_own_peak())
            return
        steps = {name: method(net) for name, method in METHODS.items()}
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for turn in range(arguments.rounds + 1):
            for name, step in steps.items():
                start = time.process_time()
                step(images, labels)
                if turn:  # the first turn compiles and warms up
                    seconds[name].append(time.process_time() - start)
        print(f"\n{net}: {NETS[net][0]}, batch {len(labels)}, {STEPS} steps, median of {arguments.rounds} turns")
        print(f"{'method':<14}{'ms a step':>10}{'snn-deploy is faster':>24}{'peak memory MB':>18}")
        for name in steps:
            ratio = statistics.median(b / a for a, b in zip(seconds["snn-deploy"], seconds[name], strict=True))
            milliseconds = 1000 * statistics.median(seconds[name])
            print(f"{name:<14}{milliseconds:>10.0f}{ratio:>23.2f}x{_peak_memory(net, name):>18.0f}")


if __name__ == "__main__":
    main()
