"""Time and memory of one training step: snn-deploy, a plain loop over the steps, spikingjelly and snntorch.

    uv run --with spikingjelly --with snntorch python benchmarks/training.py [--nets small,large,cifarnet,resnet19]

With --device cuda on one GPU (training_on_gpu.py).

The same network everywhere: convolutions and dense layers without bias, batch norm over steps and batch, LIF neurons
that keep a quarter of their potential (hard reset, gradients through it), average pooling, four steps, a static
image, SGD. One thread. The methods take turns, so that a machine whose speed drifts slows all of them; what counts
is the ratio. Peak memory is of a process of its own that makes three steps.
"""

import argparse
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import time_based
import torch
import training_features
from torch import Tensor, nn
from torch.nn import functional

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.compiled.arithmetic import Arithmetic
from snn_deploy.train.compiled.fastest_arithmetic import fastest_arithmetic
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection
from snn_deploy.train.networks.spiking_network import SpikingNetwork

NETS: dict[str, tuple[dict[str, object], tuple[int, int, int], int]] = {
    "small": ({"layers": "16C3-P2-32C3-P2-10"}, (1, 28, 28), 128),
    "large": ({"layers": "32C5-P2-64C5-P2-1024-10"}, (1, 28, 28), 128),
    "cifarnet": ({"name": "cifarnet"}, (3, 32, 32), 8),
    "resnet19": ({"name": "resnet19"}, (3, 32, 32), 4),
}
STEPS, KEEP, THRESHOLD = 4, 0.25, 0.5
Step = Callable[[Tensor, Tensor], None]


def ours(net: str, *, synapses: Arithmetic | None = None, device: str = "cpu") -> Step:
    """Return one training step of snn-deploy. synapses: None for what `training.synapses` = "auto" chooses here."""
    no_norm = load_plugin("train.norms", "none").Norm()
    tdbn = load_plugin("train.norms", "tdbn").Norm()
    neuron = load_plugin("train.neurons", "lif").Neuron(KEEP, THRESHOLD)
    network = SpikingNetwork(_plan(net), neuron, tdbn, no_norm, torch.Generator().manual_seed(0))
    dspike = load_plugin("train.surrogates", "dspike")
    chosen = synapses or fastest_arithmetic()
    options = ForwardOptions(dspike.Surrogate(), 3.0, dspike.slope, synapses=chosen)
    return _step(network.to(device), lambda images: network(images, STEPS, options).logits)


def plain(net: str, *, device: str = "cpu") -> Step:
    """Return one training step of the textbook's loop: every layer in every step, all in torch operations."""
    surrogate = load_plugin("train.surrogates", "dspike").Surrogate()

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, potentials):
            ctx.save_for_backward(potentials)
            return (potentials >= THRESHOLD).to(potentials.dtype)

        @staticmethod
        def backward(ctx, gradient):
            return gradient * surrogate.gradient(ctx.saved_tensors[0], THRESHOLD, 3.0)

    def neuron(currents: Tensor, left: Tensor | None) -> tuple[Tensor, Tensor]:
        potential = currents if left is None else left + currents
        spikes = Spike.apply(potential)
        return spikes, KEEP * potential * (1 - spikes)

    return _step_by_step(_Layers(net).to(device), [neuron] * len(_plan(net).populations[:-1]))


def snntorch(net: str, *, device: str = "cpu") -> Step:
    """Return one training step of snntorch, which goes step by step."""
    import snntorch as snn  # noqa: PLC0415 - only the benchmark needs it
    from snntorch import surrogate  # noqa: PLC0415

    options = {"beta": KEEP, "threshold": THRESHOLD, "reset_mechanism": "zero"}
    nodes = [snn.Leaky(**options, spike_grad=surrogate.atan()).to(device) for _ in _plan(net).populations[:-1]]

    def with_start(node: nn.Module) -> Neuron:
        return lambda currents, state: node(currents, node.init_leaky() if state is None else state)

    return _step_by_step(_Layers(net).to(device), [with_start(node) for node in nodes])


def spikingjelly(
    net: str, *, narrow: bool = False, device: str = "cpu", is_compiled: bool = False, **neuron_options: object
) -> Step:
    """Return one training step of spikingjelly, multi-step: time folded into the batch of its layers.

    narrow: forward and backward in bfloat16 where torch's autocast chooses it. is_compiled: by torch.compile.
    """
    from spikingjelly.activation_based import functional as spiking  # noqa: PLC0415
    from spikingjelly.activation_based import neuron, surrogate  # noqa: PLC0415

    layers, plan = _Layers(net).to(device), _plan(net)
    options = {"tau": 1 / (1 - KEEP), "decay_input": False, "v_threshold": THRESHOLD, "v_reset": 0.0, "step_mode": "m"}
    options |= neuron_options
    nodes = nn.ModuleList(neuron.LIFNode(**options, surrogate_function=surrogate.ATan()) for _ in plan.populations[:-1])

    def forward(images: Tensor) -> Tensor:
        spiking.reset_net(nodes)
        values = {plan.input.name: images.expand(STEPS, *images.shape)}
        for population, node in zip(plan.populations[:-1], nodes, strict=True):
            folded = {name: value.flatten(0, 1) for name, value in values.items()}
            values[population.name] = node(layers(population.name, folded).unflatten(0, (STEPS, -1)))
        folded = {name: value.flatten(0, 1) for name, value in values.items()}
        return layers(plan.output.name, folded).unflatten(0, (STEPS, -1)).sum(0)

    def narrow_forward(images: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):
            return forward(images)

    chosen = narrow_forward if narrow else forward
    return _step(layers, torch.compile(chosen) if is_compiled else chosen)


METHODS = {
    "snn-deploy": ours,
    "snn-deploy, all float32": partial(ours, synapses="float32"),
    "plain loop": plain,
    "spikingjelly": spikingjelly,
    "spikingjelly, bfloat16": partial(spikingjelly, narrow=True),
    "snntorch": snntorch,
}
Neuron = Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]  # (currents, state) -> (spikes, state)


class _Layers(nn.Module):
    """The synapses of a network in torch's own modules: pooling, convolution or dense layer, batch norm."""

    def __init__(self, net: str) -> None:
        super().__init__()
        self.plan = _plan(net)
        self.weights, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for c in self.plan.connections:
            out, width, *kernel = c.weights_shape
            if kernel:
                geometry = {"stride": c.stride, "padding": c.padding, "groups": c.groups, "bias": False}
                self.weights[_key(c)] = nn.Conv2d(width * c.groups, out, kernel, **geometry)
                norm: type[nn.Module] = nn.BatchNorm2d
            else:
                self.weights[_key(c)] = nn.Linear(width, out, bias=False)
                norm = nn.BatchNorm1d
            if c.has_norm:
                self.norms[_key(c)] = norm(out)

    def forward(self, target: str, values: dict[str, Tensor]) -> Tensor:
        """Return the currents that `values` (source -> (batch, *shape)) bring to the population `target`."""
        arriving = []
        for c in self.plan.connections:
            if c.target != target:
                continue
            source = values[c.source]
            if c.pool != (1, 1):
                source = functional.avg_pool2d(source, c.pool)
            if c.fixed_weight is not None:
                arriving.append(c.fixed_weight * THRESHOLD * source)
                continue
            currents = self.weights[_key(c)](source if len(c.weights_shape) > 2 else source.flatten(1))
            arriving.append(self.norms[_key(c)](currents) if c.has_norm else currents)
        return sum(arriving[1:], arriving[0])


def _step_by_step(layers: _Layers, neurons: Sequence[Neuron]) -> Step:
    plan = layers.plan

    def forward(images: Tensor) -> Tensor:
        states: list[Tensor | None] = [None] * len(neurons)
        total: Tensor | float = 0.0
        for _ in range(STEPS):
            values = {plan.input.name: images}
            for i, (population, neuron) in enumerate(zip(plan.populations[:-1], neurons, strict=True)):
                values[population.name], states[i] = neuron(layers(population.name, values), states[i])
            total = total + layers(plan.output.name, values)
        return total

    return _step(layers, forward)


def _plan(net: str) -> NetworkPlan:
    model, shape, _ = NETS[net]
    return resolved_config({"data": {"name": "digits"}, "model": model}, net).model.options.plan(shape, 10)


def _key(connection: PlannedConnection) -> str:
    return connection.name.replace(".", "_")


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
    parser.add_argument("--time-based", action="store_true", help="only time-based training against per-step loops")
    parser.add_argument(
        "--features", help="only what these cost: leak,qat,recurrent,recurrent-maps (training_features.py)"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: training_on_gpu.py")
    parser.add_argument("--nets", default="small,large")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--without-memory", action="store_true", help="leave out the processes that measure memory")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.time_based:
        time_based.print_ratios(arguments.rounds)
        return
    if arguments.features:
        training_features.print_ratios(arguments.features.split(","), arguments.rounds)
        return
    if arguments.device == "cuda":
        importlib.import_module("training_on_gpu").print_ratios(arguments.nets.split(","), arguments.rounds)
        return
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
        title = " ".join(map(str, NETS[net][0].values()))
        print(f"\n{net}: {title}, batch {len(labels)}, {STEPS} steps, median of {arguments.rounds} turns")
        print(f"{'method':<24}{'ms a step':>10}{'snn-deploy is faster':>24}{'peak memory MB':>18}")
        for name in steps:
            ratio = statistics.median(b / a for a, b in zip(seconds["snn-deploy"], seconds[name], strict=True))
            milliseconds = 1000 * statistics.median(seconds[name])
            peak = "" if arguments.without_memory else f"{_peak_memory(net, name):.0f}"
            print(f"{name:<24}{milliseconds:>10.0f}{ratio:>23.2f}x{peak:>18}", flush=True)


if __name__ == "__main__":
    main()
