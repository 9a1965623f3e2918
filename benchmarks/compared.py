"""From a trained network to spikes on Lava, in several frameworks and with snn-deploy: the tables of docs/compared.md.

    python benchmarks/compared.py --nengo PYTHON [--page docs/compared.md]

Each framework trains 64-64-10 without biases on the 8x8 digits, as 0/1 inputs shown in each of 16 steps, and takes it
to Lava's simulation in its own way, where it has one, and with snn-deploy. A way is one function here; its lines are
counted as they stand, without the signature, docstring and blanks. --nengo: the Python of an environment with
nengo-loihi, see benchmarks/compared_nengo.py. It takes three minutes and needs the dependency groups `frameworks` and
`lava`.
"""
# ruff: noqa: PLC0415 - Lava must be patched before it is imported, and a way holds what its user imports

import argparse
import ast
import inspect
import json
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import snn_deploy as sd
from snn_deploy.deploy.backends._lava.patch_lava import patch_lava

STEPS, SAMPLES, EPOCHS, TOO_MANY = 16, 100, 30, 60_000
_BEGIN, _END = "<!-- tables: benchmarks/compared.py writes them -->\n", "<!-- end of tables -->"
_NO_CHIP = "nothing: it has no model of a chip"


# The ways to Lava. What stands in these functions is what a user writes; `file` is a place for a file, and `spikes` are
# (samples, 64) of 0 and 1. Each returns the spike counts of the output, (samples, 10). Two repeat each other: a user
# writes one of them, whole, and its lines are counted.


def lava_dl_on_lava(net: nn.Module, spikes: np.ndarray, file: str) -> np.ndarray:
    """Return what lava-dl's own reader makes of the file that its blocks write."""
    from lava.lib.dl.netx import hdf5
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    with h5py.File(file, "w") as written:
        layers = written.create_group("layer")
        for i, block in enumerate(net.blocks):
            block.export_hdf5(layers.create_group(f"{i}"))
    loaded = hdf5.Network(net_config=file, reset_interval=STEPS, reset_offset=1)
    steps = len(spikes) * STEPS + len(loaded.layers)
    frames = np.zeros((64, steps), int)
    frames[:, : len(spikes) * STEPS] = spikes.T.repeat(STEPS, axis=1)
    source, sink = Source(data=frames), Sink(shape=loaded.out.shape, buffer=steps)
    source.s_out.connect(loaded.inp)
    loaded.out.connect(sink.a_in)
    loaded.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    sent = sink.data.get()
    loaded.stop()
    sent = sent[:, len(loaded.layers) :].reshape(10, len(spikes), STEPS)
    return sent.sum(axis=2).T


def spikingjelly_on_lava(net: nn.Module, spikes: np.ndarray, file: str) -> np.ndarray:
    """Return what lava-dl's reader makes of the blocks that SpikingJelly's lava_exchange makes."""
    from lava.lib.dl.netx import hdf5
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from spikingjelly.activation_based import lava_exchange

    with h5py.File(file, "w") as written:
        layers = written.create_group("layer")
        for i, block in enumerate(lava_exchange.to_lava_blocks(net)):
            block(torch.zeros(1, block.synapse.in_channels, 1))
            block.export_hdf5(layers.create_group(f"{i}"))
    loaded = hdf5.Network(net_config=file, reset_interval=STEPS, reset_offset=1)
    steps = len(spikes) * STEPS + len(loaded.layers)
    frames = np.zeros((64, steps), int)
    frames[:, : len(spikes) * STEPS] = spikes.T.repeat(STEPS, axis=1)
    source, sink = Source(data=frames), Sink(shape=loaded.out.shape, buffer=steps)
    source.s_out.connect(loaded.inp)
    loaded.out.connect(sink.a_in)
    loaded.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    sent = sink.data.get()
    loaded.stop()
    sent = sent[:, len(loaded.layers) :].reshape(10, len(spikes), STEPS)
    return sent.sum(axis=2).T


def module_with_snn_deploy(net: nn.Module, spikes: np.ndarray, file: str) -> np.ndarray:
    """Return what snn-deploy makes of a module of snnTorch, SpikingJelly or sinabs."""
    network = sd.from_torch(net, (64,), STEPS, largest_value=1)
    exported = sd.export(network).network
    return sd.run(exported, spikes, backend="lava").outputs


def trained_decays_with_snn_deploy(net: nn.Module, spikes: np.ndarray, file: str) -> np.ndarray:
    """Return what snn-deploy makes of a module whose decays were trained: no chip has all of them."""
    network = sd.from_torch(net, (64,), STEPS, largest_value=1)
    exported = sd.export(network, round_decays=True).network
    return sd.run(exported, spikes, backend="lava").outputs


def file_with_snn_deploy(net: nn.Module, spikes: np.ndarray, file: str) -> np.ndarray:
    """Return what snn-deploy makes of a file of lava-dl; it asks for the shape of the input, which netx infers."""
    with h5py.File(file, "w") as written:
        layers = written.create_group("layer")
        entry = layers.create_group("0")
        entry["type"], entry["shape"] = np.array([b"input"]), np.array([64])
        for i, block in enumerate(net.blocks, start=1):
            block.export_hdf5(layers.create_group(f"{i}"))
    network = sd.read_net(file, sd.NetReading(steps=STEPS))
    return sd.run(network, spikes, backend="lava").outputs


Way = Callable[[nn.Module, np.ndarray, str], np.ndarray]


def lines_of(way: Way) -> int:
    """Return how many lines of code a way takes: those of its body, without docstring, comments and blank lines."""
    (function,) = ast.parse(inspect.getsource(way)).body
    assert isinstance(function, ast.FunctionDef)
    source = inspect.getsource(way).splitlines()
    body = source[function.body[0].end_lineno : function.end_lineno]  # after the docstring
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in body)


@dataclass(frozen=True)
class Framework:
    """A framework. make: an untrained network; counts: of a network and spikes, (samples, 10); own, ours: ways to Lava.

    why_not: what is in the way where it has no way of its own.
    """

    name: str
    package: str
    make: Callable[[], nn.Module]
    counts: Callable[[nn.Module, torch.Tensor], torch.Tensor]
    own: Way | None
    ours: Way
    why_not: str = ""


def _weights() -> tuple[nn.Linear, nn.Linear]:
    layers = nn.Linear(64, 64, bias=False), nn.Linear(64, 10, bias=False)
    for layer in layers:
        layer.weight.data *= 3  # so that all layers fire from the first epoch on
    return layers


def _slayer() -> nn.Module:
    from lava.lib.dl import slayer

    options = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 0.5}
    blocks = [slayer.block.cuba.Dense(options, 64, n, delay_shift=False) for n in (64, 10)]
    net = nn.Module()
    net.blocks = nn.ModuleList(blocks)
    return net


def _slayer_counts(net: nn.Module, spikes: torch.Tensor) -> torch.Tensor:
    values = spikes[..., None].repeat(1, 1, STEPS)
    for block in net.blocks:
        values = block(values)
    return values.sum(dim=-1)


def _snntorch() -> nn.Module:
    import snntorch

    first, last = _weights()
    leaky = [snntorch.Leaky(0.5, init_hidden=True, reset_mechanism="zero", reset_delay=False) for _ in range(2)]
    return nn.Sequential(first, leaky[0], last, leaky[1])


def _snntorch_counts(net: nn.Module, spikes: torch.Tensor) -> torch.Tensor:
    from snntorch import utils

    utils.reset(net)
    return torch.stack([net(spikes) for _ in range(STEPS)]).sum(dim=0)


def _spikingjelly() -> nn.Module:
    from spikingjelly.activation_based import neuron

    first, last = _weights()
    lif = [neuron.LIFNode(2.0, decay_input=False) for _ in range(2)]
    return nn.Sequential(first, lif[0], last, lif[1])


def _spikingjelly_counts(net: nn.Module, spikes: torch.Tensor) -> torch.Tensor:
    from spikingjelly.activation_based import functional

    functional.reset_net(net)
    return torch.stack([net(spikes) for _ in range(STEPS)]).sum(dim=0)


def _sinabs() -> nn.Module:
    from sinabs.activation import MembraneReset, SingleSpike
    from sinabs.layers import LIFSqueeze

    first, last = _weights()
    options = {"tau_mem": 1.5, "spike_fn": SingleSpike, "reset_fn": MembraneReset(), "norm_input": False}
    lif = [LIFSqueeze(num_timesteps=STEPS, **options) for _ in range(2)]
    return nn.Sequential(first, lif[0], last, lif[1])


def _sinabs_counts(net: nn.Module, spikes: torch.Tensor) -> torch.Tensor:
    from sinabs.utils import reset_states

    reset_states(net)
    return net(spikes.repeat_interleave(STEPS, dim=0)).reshape(-1, STEPS, 10).sum(dim=1)


FRAMEWORKS = (
    Framework("lava-dl", "lava-dl", _slayer, _slayer_counts, lava_dl_on_lava, file_with_snn_deploy),
    Framework("snnTorch", "snntorch", _snntorch, _snntorch_counts, None, module_with_snn_deploy,
              "none: it writes NIR, which neither Lava nor lava-dl reads"),
    Framework("SpikingJelly", "spikingjelly", _spikingjelly, _spikingjelly_counts, spikingjelly_on_lava,
              module_with_snn_deploy),
    Framework("sinabs", "sinabs", _sinabs, _sinabs_counts, None, trained_decays_with_snn_deploy,
              "none: it has a way to Speck, with SynSense's driver"),
)  # fmt: skip


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return training spikes and classes, then SAMPLES test spikes and classes."""
    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    spikes, classes = torch.tensor(found.data[order] > 7, dtype=torch.float32), torch.tensor(found.target[order])
    return spikes[SAMPLES:], classes[SAMPLES:], spikes[:SAMPLES], classes[:SAMPLES]


def trained(framework: Framework) -> nn.Module:
    """Return a network of `framework`, trained by its own surrogate gradients: cross entropy of the spike counts."""
    torch.manual_seed(0)
    spikes, classes, _, _ = digits()
    net = framework.make().train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(EPOCHS):
        for these in torch.randperm(len(classes)).split(64):
            loss = nn.functional.cross_entropy(framework.counts(net, spikes[these]), classes[these])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()


def row(framework: Framework) -> list[str]:
    """Return the cells of a framework: lines and accuracy of its own way and of ours."""
    _, _, spikes, classes = digits()
    net = trained(framework)
    with torch.no_grad():
        counts = framework.counts(net, spikes).numpy()

    def accuracy(found: np.ndarray) -> str:
        return f"{100 * (found.argmax(axis=1) == classes.numpy()).mean():.0f} %"

    shown = spikes.numpy().astype(int)
    with tempfile.TemporaryDirectory() as folder:
        own = None if framework.own is None else framework.own(net, shown, f"{folder}/own.net")
        ours = framework.ours(net, shown, f"{folder}/ours.net")  # lava-dl's reader keeps its file open
    name = f"{framework.name} {version(framework.package)}"
    told = ("-", framework.why_not) if own is None else (str(lines_of(framework.own)), accuracy(own))
    return [name, accuracy(counts), *told, str(lines_of(framework.ours)), accuracy(ours), _equal(own, ours, counts)]


def _equal(own: np.ndarray | None, ours: np.ndarray, counts: np.ndarray) -> str:
    other, name = (counts, "the trained network") if own is None else (own, "its own way")
    return f"{100 * (other == ours).mean():.1f} % of {name}"


def too_large_on_lava() -> str:
    """Return what lava-dl says of a neuron that hears TOO_MANY inputs, which no core of a Loihi can hold."""
    from lava.lib.dl import slayer
    from lava.lib.dl.netx import hdf5

    options = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 0.5}
    block = slayer.block.cuba.Dense(options, TOO_MANY, 10, delay_shift=False)
    block.synapse.weight.data.uniform_(-0.5, 0.5)  # the first weights would all be rounded to 0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as said:
        file = str(Path(folder) / "large.net")
        block(torch.zeros(1, TOO_MANY, 1))
        with h5py.File(file, "w") as written:
            block.export_hdf5(written.create_group("layer").create_group("0"))
        try:
            hdf5.Network(net_config=file)
        except Exception as error:  # noqa: BLE001 - whatever it says is what is told
            return f"`{error}`"
    about = [str(w.message) for w in said if "memory" in str(w.message) or "core" in str(w.message)]
    return f"`{about[0]}`" if about else "nothing: the file is written, and the simulation built"


def too_large_here() -> str:
    """Return what snn-deploy says of the same network."""
    net = nn.Sequential(nn.Linear(TOO_MANY, 10, bias=False), sd.LIF(0.5, 1.0))
    network = sd.from_torch(net, (TOO_MANY,), 1, largest_value=1, check=1)
    placed = sd.place(sd.export(network, chip="loihi2").network, chip="loihi2")
    return f"`{placed.violations[0]}`"


def of_nengo(python: str) -> dict[str, Any]:
    """Return what benchmarks/compared_nengo.py finds with an IF network that SpikingJelly trained."""
    from spikingjelly.activation_based import neuron

    def make() -> nn.Module:
        first, last = _weights()
        return nn.Sequential(first, neuron.IFNode(), last, neuron.IFNode())

    framework = Framework("", "", make, _spikingjelly_counts, None, module_with_snn_deploy)
    net = trained(framework)
    _, _, spikes, classes = digits()
    with torch.no_grad():
        counts = framework.counts(net, spikes).numpy()
    task = {
        "weights": [net[0].weight.tolist(), net[2].weight.tolist()],
        "spikes": spikes.int().tolist(),
        "steps": STEPS,
        "too_many": TOO_MANY,
    }
    script = Path(__file__).with_name("compared_nengo.py")
    done = subprocess.run([python, script], input=json.dumps(task), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    right = (np.array(found["counts"]).argmax(axis=1) == classes.numpy()).mean()
    found |= {"trained": (counts.argmax(axis=1) == classes.numpy()).mean(), "accuracy": right}
    return found


def tables(nengo: str) -> str:
    """Return both tables, found now."""
    rows = [row(framework) for framework in FRAMEWORKS]
    other = of_nengo(nengo)
    rows.append(
        [
            f"nengo-loihi {other['version']}", f"{100 * other['trained']:.0f} % (IF, trained in SpikingJelly)",
            f"{other['lines']} (its emulator, not Lava)", f"{100 * other['accuracy']:.0f} %", "-", "-", "-",
        ]
    )  # fmt: skip
    titles = [
        "trained in", "accuracy there", "lines to Lava, its own way", "accuracy on Lava", "lines with snn-deploy",
        "accuracy on Lava", "output counts that agree",
    ]  # fmt: skip
    told = [
        ["lava-dl", too_large_on_lava()],
        ["SpikingJelly", "the same, as lava-dl's files are what it makes"],
        ["snnTorch", _NO_CHIP],
        ["sinabs", "not tried: its model of Speck needs SynSense's driver"],
        ["nengo-loihi", f"`{re.sub(r' at 0x[0-9a-f]+', '', other['too_large'])}`"],
        ["snn-deploy", too_large_here()],
    ]
    return _table(titles, rows) + _table(["framework", f"told of ten neurons with {TOO_MANY:,} inputs each"], told)


def _table(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nengo", required=True, help="the Python of an environment with nengo-loihi")
    parser.add_argument("--page", type=Path, help="the page whose tables are written")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    patch_lava()  # Lava 0.10 does not import on Python 3.11 and later without it
    found = tables(chosen.nengo)
    if chosen.page is None:
        print(found)
        return
    page = chosen.page.read_text(encoding="utf-8")
    start, end = page.index(_BEGIN) + len(_BEGIN), page.index(_END)
    chosen.page.write_text(page[:start] + found + page[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
