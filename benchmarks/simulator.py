"""How fast the CPU simulator is, against torch's float32 with eager LIF, snntorch, spikingjelly and the machine's peak.

    uv run --with snntorch --with spikingjelly --with sanafe python benchmarks/simulator.py [--networks W1,W2,resnet19]
        [--densities 5,15,30] [--rounds 5] [--exported RUN/loihi] [--lava 2] [--sanafe]

One thread, CPU time, the methods take turns, medians. Before any time is taken the spikes are compared: the
simulator's with torch's float32 sums and an eager LIF in int32, and on W1 with the reference. Every method has its
weights prepared before. snntorch and spikingjelly only run forward, on the same weights as floats: they count nothing.
After the table: memory, and how time grows with steps and samples. When event-driven sums win: event_path.py.
"""

import argparse
import ctypes
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from simulator_networks import BATCH, STEPS, Spikes, arriving, eager_neurons, network_of, synapses
from torch import Tensor, nn

from snn_deploy.deploy.backends import cpu, reference
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.event_counts import multiply_accumulates
from snn_deploy.network.evaluation_order import blocks, is_recurrent
from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    read_integer_network,
)

Method = Callable[[], object]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="W1,W2,resnet19", help="Of those of simulator_networks; '' is none.")
    parser.add_argument("--densities", default="5,15,30", help="percent")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--exported", type=Path, help="A folder of `snn-deploy export`, on test images, as well.")
    parser.add_argument(
        "--sanafe", action="store_true", help="SANA-FE's operations a second as well (uv --with sanafe)."
    )
    parser.add_argument("--lava", type=int, default=0, help="Samples of W1 on Lava as well (wall time).")
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = [name for name in options.networks.split(",") if name]
    with torch.inference_mode():
        print("| network | density | " + " | ".join(("samples/s", "eager", "snntorch", "spikingjelly", "of int8 peak")))
        print("|" + "---|" * 7)
        for name in names:
            for density in options.densities.split(","):
                network, frames = network_of(name, int(density) / 100, np.random.default_rng(0))
                compare(name, network, frames, options.rounds, with_frameworks=name != "resnet19")
        if options.exported:
            compare(str(options.exported.parent.name), *exported(options.exported), options.rounds)
        if options.lava:
            compare_with_lava(options.lava)
        if options.sanafe:
            compare_with_sanafe()
        growth()
    for name in names:
        print(f"{name}: {memory_of_a_sample(name):.2f} MB for each sample in flight")
    if options.exported:
        command = [sys.executable, "-m", "snn_deploy.cli.main", "run", str(options.exported), "--samples", "1"]
        ratio = cpu_seconds_of(command) / cpu_seconds_of([sys.executable, "-c", "import torch"])
        print(f"snn-deploy run of one sample: {ratio:.2f} times the CPU time of python -c 'import torch'")


def compare(
    title: str, network: IntegerNetwork, frames: np.ndarray, rounds: int, *, with_frameworks: bool = False
) -> None:
    """Print one row: the simulator's samples a second, and how many times as fast as each other method it is."""
    ready = cpu.prepared(network)
    methods: dict[str, Method] = {"cpu": lambda: ready.run(frames), "eager": eager(network, frames)}
    require_equal(network, frames, ready)
    if with_frameworks:
        methods |= {"snntorch": snntorch_forward(network, frames), "spikingjelly": jelly_forward(network, frames)}
    times: dict[str, list[float]] = {name: [] for name in methods}
    rates, warm_up = [], 1  # the first round compiles and packs
    for i in range(rounds + warm_up):
        for name, work in methods.items():
            seconds = cpu_seconds(work)
            if i >= warm_up:
                times[name].append(seconds)
        rates.append(int8_rate())
    middle = {name: statistics.median(seconds) for name, seconds in times.items()}
    samples = frames.shape[1]
    operations = 2 * sum(multiply_accumulates(network).values()) * network.steps * samples
    share = operations / middle["cpu"] / max(rates)
    density = ready.run(frames).spike_counts
    spiking = [p for p in network.populations if p.fires]
    neurons = sum(int(np.prod(p.shape)) for p in spiking) * network.steps
    rate = sum(float(density[p.name].mean()) for p in spiking) / neurons
    cells = [f"{middle[n] / middle['cpu']:.1f}x" if n in middle else "" for n in ("eager", "snntorch", "spikingjelly")]
    cells.append(f"{share:.1%} of {max(rates) / 1e9:.0f} GOP/s")
    print(f"| {title} | {rate:.0%} | {samples / middle['cpu']:.1f} | {' | '.join(cells)} |", flush=True)


def require_equal(network: IntegerNetwork, frames: np.ndarray, ready: cpu.Prepared) -> None:
    """Raise unless the simulator's spikes and outputs are the eager ones, and on one small sample the reference's."""
    found = ready.run(frames, record=True)
    assert found.spikes is not None
    spikes, outputs = run_eagerly(network, torch.from_numpy(np.array(frames)).float())
    for p in network.populations:
        np.testing.assert_array_equal(found.spikes[p.name], spikes[p.name].numpy().astype(np.uint8), err_msg=p.name)
    if not network.output.fires:
        np.testing.assert_array_equal(found.outputs, outputs.flatten(1).numpy())
    if frames[0, 0].size < 1000:
        expected = reference.run(network, frames[:, :1])
        np.testing.assert_array_equal(found.outputs[:1], expected.outputs)


def run_eagerly(network: IntegerNetwork, frames: Tensor) -> tuple[Spikes, Tensor]:
    """Return every population's spikes and the output's potentials: float32 sums, LIF in eager int32."""
    spikes, potentials = {network.input.name: frames}, frames
    for p in network.populations:
        spikes[p.name], potentials = eager_neurons(p, arriving(spikes, list(network.connections_to(p.name))))
    return spikes, potentials


def eager(network: IntegerNetwork, frames: np.ndarray) -> Method:
    """Return a run of torch's float32 operators and an eager LIF; networks without loops, delays or current memory."""
    assert not any(is_recurrent(network, block) for block in blocks(network))
    assert not any(c.delay for c in network.connections) and not any(p.current_keep.any() for p in network.populations)
    x = torch.from_numpy(np.array(frames)).float()
    return lambda: run_eagerly(network, x)


def snntorch_forward(network: IntegerNetwork, frames: np.ndarray) -> Method:
    """Return snntorch's forward pass of a chain, step by step as its tutorials do."""
    import snntorch  # noqa: PLC0415 - only this method needs it

    weights = [torch.from_numpy(c.weights.copy()).float() for c in network.connections]
    neurons = [
        snntorch.Leaky(beta=0.5, threshold=float(p.threshold[0]) or 1e9, reset_mechanism="zero")
        for p in network.populations
    ]
    frame_of = torch.from_numpy(frames).float()

    def run() -> object:
        states = [neuron.init_leaky() for neuron in neurons]
        x = frame_of[0]
        for t in range(STEPS):
            x = frame_of[t]
            for i, (connection, w) in enumerate(zip(network.connections, weights, strict=True)):
                x, states[i] = neurons[i](synapses(x, connection, w), states[i])
        return x

    return run


def jelly_forward(network: IntegerNetwork, frames: np.ndarray) -> Method:
    """Return spikingjelly's multi-step forward pass of a chain."""
    from spikingjelly.activation_based import functional as jelly  # noqa: PLC0415 - only this method needs them
    from spikingjelly.activation_based import neuron  # noqa: PLC0415

    weights = [torch.from_numpy(c.weights.copy()).float() for c in network.connections]
    options = {"tau": 2.0, "decay_input": False, "v_reset": 0.0, "step_mode": "m"}
    neurons = nn.ModuleList(
        neuron.LIFNode(v_threshold=float(p.threshold[0]) or 1e9, **options).eval() for p in network.populations
    )
    first = torch.from_numpy(frames).float()

    def run() -> object:
        jelly.reset_net(neurons)
        x = first
        for node, connection, w in zip(neurons, network.connections, weights, strict=True):
            sums = synapses(x.flatten(0, 1), connection, w)
            x = node(sums.reshape(STEPS, -1, *sums.shape[1:]))
        return x

    return run


def exported(folder: Path) -> tuple[IntegerNetwork, np.ndarray]:
    """Return an exported network and 256 of its test images as frames."""
    from snn_deploy.api.sources import test_samples  # noqa: PLC0415 - only --exported needs it

    network = read_integer_network(folder / "network.npz")
    images = test_samples(network.provenance, None, 256).inputs
    return network, np.broadcast_to(images, (network.steps, *images.shape))


def compare_with_lava(samples: int) -> None:
    """Print how many times as fast as Lava's CPU simulator the simulator is on W1, in wall time; spikes compared."""
    network, frames = network_of("W1", 0.15, np.random.default_rng(0))
    few = frames[:, :samples]
    lava = load_backend("lava")
    start = time.perf_counter()
    found = lava.run(network, few, record=True).spikes
    slow = (time.perf_counter() - start) / samples
    ready = cpu.prepared(network)
    expected = ready.run(few, record=True).spikes
    assert found is not None and expected is not None
    for p in network.populations:
        np.testing.assert_array_equal(found[p.name], expected[p.name], err_msg=p.name)
    ready.run(frames)
    fast = []
    for _ in range(5):
        start = time.perf_counter()
        ready.run(frames)
        fast.append((time.perf_counter() - start) / frames.shape[1])
    print(f"\nW1 on Lava: {slow:.2f} s a sample; cpu is {slow / statistics.median(fast):.0f} times as fast")


def compare_with_sanafe() -> None:
    """Print synaptic operations a second of SANA-FE and of the simulator: 256 neurons that always fire, to 256."""
    import sanafe  # noqa: PLC0415 - only --sanafe needs it

    size, steps, samples = 256, 50, 64
    chip = sanafe.load_loihi()
    net = sanafe.Network()
    neurons = {"threshold": 1.0, "leak_decay": 0.5, "reset": 0.0}
    always = net.create_neuron_group("always", size, {**neurons, "bias": 5.0})
    heard = net.create_neuron_group("heard", size, neurons)
    always.connect_neurons_dense(heard, {"weight": [0.01] * size**2})
    cores = [core for tile in chip.tiles for core in tile.cores]
    for group, core in ((always, cores[0]), (heard, cores[1])):
        for neuron in group:
            neuron.map_to_core(core)
    simulator = sanafe.SpikingChip(chip)
    simulator.load(net)
    operations = simulator.sim(steps)["spikes"]  # one for each synapse that a spike crosses
    theirs = operations / best_of(lambda: simulator.sim(steps))
    weights = np.ones((size, size), int)
    network = IntegerNetwork(
        IntegerInput("always", (size,), 1),
        (IntegerPopulation("heard", (size,), 10**5, 2048, 0, 0),),
        (IntegerConnection("dense", "always", "heard", weights),),
        steps,
    )
    ready = cpu.prepared(network)
    for many in (1, samples):
        # A frame for each step: an image would be added once.
        ones = np.ones((steps, many, size), np.uint8)
        operations = float(ready.run(ones).synaptic_operations["dense"].sum())
        ours = operations / best_of(partial(ready.run, ones))
        print(f"SANA-FE: {theirs / 1e6:.0f} million operations a second; cpu {ours / theirs:.0f} times, {many} samples")


def growth() -> None:
    """Print the time for more steps and more samples of W1, as multiples of the first."""
    network, frames = network_of("W1", 0.15, np.random.default_rng(0))
    first = None
    for steps, copies in ((4, 4), (8, 4), (16, 4), (4, 8), (4, 16), (4, 64)):
        longer = replace(network, steps=steps)
        inputs = np.tile(frames, (steps // 4, copies, 1, 1, 1))
        ready = cpu.prepared(longer)
        ready.run(inputs)
        seconds = best_of(partial(ready.run, inputs))
        first = first or seconds
        print(f"W1, {steps} steps, {inputs.shape[1]} samples: {seconds / first:.2f} times the time", flush=True)


def memory_of_a_sample(name: str) -> float:
    """Return how many MB a run of one full chunk takes for each of its samples."""
    network, frames = network_of(name, 0.15, np.random.default_rng(0))
    together = cpu.samples_at_a_time(network)
    many = np.concatenate([frames] * -(-together // BATCH[name]), axis=1)[:, :together]
    return in_a_process(growth_of_a_run, network, many) / together


def growth_of_a_run(network: IntegerNetwork, frames: np.ndarray) -> float:
    """Return by how many MB the memory of this process grows at most while it runs `frames` for the second time."""
    ready = cpu.prepared(network)
    ready.run(frames)  # compiles, packs and checks kernels
    ctypes.CDLL(None).malloc_trim(0)  # what that left unused goes back to the system
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    ready.run(frames)
    return _memory("VmHWM") - before


def _memory(line: str) -> float:
    """Return a line of this process's status in MB; Linux only."""
    return (
        next(int(x.split()[1]) for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(line)) / 1024
    )


def in_a_process(work: Callable[..., float], *arguments: object) -> float:
    """Return what `work` returns in a fresh process, whose peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def int8_rate() -> float:
    """Return the rate of torch's int8 product on a square matrix, in operations a second (2 a product)."""
    a = torch.randint(0, 127, (2048, 2048), dtype=torch.int8)
    b = torch.randint(-127, 127, (2048, 2048), dtype=torch.int8).T
    return 2 * 2048**3 / best_of(lambda: torch._int_mm(a, b))


def best_of(work: Method, times: int = 3) -> float:
    """Return the least CPU time of some runs, in seconds."""
    return min(cpu_seconds(work) for _ in range(times))


def cpu_seconds_of(command: list[str]) -> float:
    """Return the least CPU time of some runs of `command`, in seconds."""
    seconds = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


def cpu_seconds(work: Method) -> float:
    """Return the CPU time of this process that `work` takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
