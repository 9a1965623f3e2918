"""Files that frameworks write with their own exporters mean what the modules do, and say who wrote them where they can.

Modules run in float32, and so do not add in the order of the network: what lies at a threshold is left undecided.
"""

from itertools import pairwise

import nir
import numpy as np
import pytest
import torch

from snn_deploy.interchange.comparison import SINGLE, compare_spikes
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import Silent

pytest.importorskip("nirtorch", reason="nirtorch is not installed (the group dev has it)")

STEPS, SAMPLES = 20, 6
SEEDS = range(3)


class Heard(Silent):
    """A Watch that keeps its lines."""

    def __init__(self):
        self.lines = []

    def say(self, line=""):
        self.lines.append(line)


def read(graph, written_by, **other):
    """Return the network of a graph, read as `written_by` says or by its marks (None), and the lines that it said."""
    watch = Heard()
    reading = NirReading(steps=STEPS, largest_value=1, written_by=written_by, **other)
    return read_nir(graph, reading, watch=watch), watch.lines


def require_same_spikes(network, layers, step, shape, seed):
    """Require that a module's layers fire as the network's populations do.

    layers: of every population that fires or ends the network, in order. step: what one step of the module gives.
    """
    frames = np.random.default_rng(seed).integers(0, 2, (STEPS, SAMPLES, *shape))
    seen: list[list[np.ndarray]] = [[] for _ in layers]
    for layer, outputs in zip(layers, seen, strict=True):
        layer.register_forward_hook(
            lambda module, inputs, output, outputs=outputs: outputs.append(
                (output[0] if isinstance(output, tuple) else output).detach().numpy()
            )
        )
    with torch.no_grad():
        for frame in frames:
            step(torch.tensor(frame, dtype=torch.float32))
    populations = [p for p in network.populations if p.name != "always_on"]
    recorded = {p.name: np.stack(outputs) for p, outputs in zip(populations, seen, strict=True)}
    result = compare_spikes(network, frames, recorded, "module", tolerance=SINGLE)
    assert result.undecided < SAMPLES
    assert not result.silent and result.spikes < 0.9 * result.compared


def scaled(module, rng, scale=1.5):
    """Draw the weights of a module, large enough that neurons fire."""
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = np.prod(parameter.shape[1:]) if parameter.ndim > 1 else 9
            parameter.copy_(torch.tensor(rng.normal(size=tuple(parameter.shape)) * scale / np.sqrt(fan_in)))
    return module


@pytest.fixture
def norse():
    return pytest.importorskip("norse.torch", reason="norse is not installed (the group dev has it)")


@pytest.fixture
def sinabs():
    return pytest.importorskip("sinabs", reason="sinabs is not installed (the group dev has it)")


@pytest.fixture
def snntorch():
    return pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")


@pytest.fixture
def spikingjelly():
    return pytest.importorskip("spikingjelly.activation_based", reason="spikingjelly is not installed (needs 3.11)")


def norse_network(norse, kind, rng):
    """Return a SequentialState of dense layers and cells of a kind."""
    from norse.torch.functional.iaf import IAFParameters  # noqa: PLC0415
    from norse.torch.functional.leaky_integrator_box import LIBoxParameters  # noqa: PLC0415
    from norse.torch.module.iaf import IAFCell  # noqa: PLC0415

    def cell():
        rate = torch.tensor(float(rng.uniform(150, 600)))
        if kind == "LIFCell":
            return norse.LIFCell(norse.LIFParameters(tau_syn_inv=rate, tau_mem_inv=torch.tensor(200.0)))
        if kind == "LIFBoxCell":
            return norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=rate, v_th=torch.tensor(0.3)))
        return IAFCell(IAFParameters(v_th=torch.tensor(1.25)))

    last = cell()
    if kind == "LIFBoxCell":  # Norse writes no LI of a network whose other cells have currents
        last = norse.LIBoxCell(LIBoxParameters(tau_mem_inv=torch.tensor(250.0)))
    layers = [torch.nn.Linear(9, 12), cell(), torch.nn.Linear(12, 8, bias=False), cell(), torch.nn.Linear(8, 4), last]
    for layer in layers[::2]:
        scaled(layer, rng, 2.5)
    return norse.SequentialState(*layers)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["LIFCell", "LIFBoxCell", "IAFCell"])
@pytest.mark.parametrize("written_by", ["norse", None])
def test_norse(norse, kind, seed, written_by):
    net = norse_network(norse, kind, np.random.default_rng(seed))
    graph = norse.to_nir(net, torch.zeros(9))
    network, (line, *_) = read(graph, written_by)
    assert line.startswith(
        f"NIR graph: read as Norse writes it{' (recognised)' * (written_by is None)}: time step 1e-06"
    )
    state = [None]

    def step(x):
        output, state[0] = net(x, state[0])
        return output

    require_same_spikes(network, list(net)[1::2], step, (9,), seed)


def test_norses_lif_cell_read_without_its_convention_is_another_network(norse):
    """The time step alone, which was documented, makes its currents smaller by dt / tau_syn."""
    graph = norse.to_nir(norse_network(norse, "LIFCell", np.random.default_rng(0)), torch.zeros(9))
    exact, _ = read(graph, "norse")
    for node in graph.nodes.values():
        if type(node).__name__ == "CubaLIF":
            node.w_in = np.asarray(node.w_in) + 1e-9  # no mark of Norse any more
    plain, _ = read(graph, None, time_step=1e-6)
    assert "written_by" not in plain.provenance["nir"] and exact.provenance["nir"]["written_by"] == "norse"
    shares = [np.abs(a.weights).max() / np.abs(b.weights).max() for a, b in _weighted_pairs(plain, exact)]
    assert max(shares) < 0.7


def _weighted_pairs(one, other):
    return [(a, b) for a, b in zip(one.connections, other.connections, strict=True) if b.weights.any()]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("written_by", ["sinabs", None])
def test_sinabs(sinabs, seed, written_by):
    import sinabs.layers as sl  # noqa: PLC0415
    from sinabs.activation import SingleSpike  # noqa: PLC0415
    from sinabs.nir import to_nir  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    how = {"spike_fn": SingleSpike, "batch_size": SAMPLES}
    layers = [
        scaled(torch.nn.Conv2d(2, 4, 3, padding=1, bias=False), rng), sl.IAFSqueeze(**how), sl.SumPool2d(2, 2),
        scaled(torch.nn.Conv2d(4, 6, 3), rng), sl.LIFSqueeze(tau_mem=float(rng.uniform(2, 20)), **how),
        torch.nn.Flatten(), scaled(torch.nn.Linear(24, 10), rng, 3), sl.IAFSqueeze(**how),
        scaled(torch.nn.Linear(10, 4), rng), sl.ExpLeakSqueeze(tau_mem=4.0, batch_size=SAMPLES),
    ]  # fmt: skip
    net = torch.nn.Sequential(*layers)
    graph = to_nir(net, torch.zeros(SAMPLES, 2, 8, 8))
    for layer in (layers[1], layers[4], layers[7], layers[9]):
        layer.reset_states()

    network, (line, *_) = read(graph, written_by)

    assert "exact exponentials, reset by subtraction, fires at the threshold; it does not say norm_input" in line
    require_same_spikes(network, [layers[i] for i in (1, 4, 7, 9)], net, (2, 8, 8), seed)


def rockpool_graph(rng):
    """Return a graph with the fields that Rockpool 3.1 writes, and (weights, decays) of its LIFTorch layers."""
    dt, layers, nodes, size = np.float32(1e-3), [], {"input": nir.Input({"input": np.array([1, 9])})}, 9
    for i, neurons in enumerate((12, 5)):
        weights = (rng.normal(size=(neurons, size)) * 1.5 / np.sqrt(size)).astype(np.float32)
        tau, synapse = (rng.uniform(4e-3, 5e-2, neurons).astype(np.float32) for _ in range(2))
        ones = np.ones(neurons, np.float32)
        nodes[f"{2 * i}_LinearTorch"] = nir.Linear(weights)
        nodes[f"{2 * i + 1}_LIFTorch"] = nir.CubaLIF(
            tau_syn=synapse, tau_mem=tau, r=tau * np.exp(-dt / tau) / dt, v_leak=0 * ones, v_threshold=ones
        )
        layers.append((weights.astype(np.float64), np.exp(-dt / tau), np.exp(-dt / synapse)))
        size = neurons
    nodes["output"] = nir.Output({"output": np.array([1, 5])})
    return nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False), layers


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("written_by", ["rockpool", None])
def test_rockpool_by_the_equations_of_its_lif_torch(seed, written_by):
    """Rockpool itself is none of the tests' dependencies: what stands here is the loop of LIFTorch.forward."""
    rng = np.random.default_rng(seed)
    graph, layers = rockpool_graph(rng)
    network, (line, *_) = read(graph, written_by)
    assert "time step 0.001, exact exponentials, reset by subtraction, fires at the threshold" in line
    frames = rng.integers(0, 2, (STEPS, 1, 9))
    recorded, arriving = {}, frames[:, 0].astype(float)
    for population, (weights, keep, current_keep) in zip(network.populations, layers, strict=True):
        v, current, spikes = 0, 0, []
        for x in arriving:
            current = current_keep * (current + weights @ x)
            v = keep * v + current
            spikes.append((v >= 1).astype(float))
            v = v - spikes[-1]
        arriving = np.stack(spikes)
        recorded[population.name] = arriving[:, None]
    result = compare_spikes(network, frames, recorded, "Rockpool", tolerance=SINGLE)
    assert not result.silent and not result.undecided


def test_a_graph_of_another_program_bears_no_marks():
    """r and w_in of 1 are NIR's own defaults; only what no other program writes counts."""
    ones = np.ones(4)
    for node in (
        nir.CubaLIF(tau_syn=5e-3 * ones, tau_mem=1e-2 * ones, r=ones, v_leak=0 * ones, v_threshold=ones),
        nir.LIF(tau=1e-2 * ones, r=ones, v_leak=0 * ones, v_threshold=ones),
        nir.LIF(tau=2 * ones, r=ones, v_leak=0 * ones, v_threshold=ones, v_reset=-ones),
        nir.IF(r=1e4 * ones, v_threshold=ones),
        nir.Threshold(ones),
    ):
        _, (line,) = read(nir.NIRGraph.from_list(nir.Linear(np.eye(4)), node), None)
        assert line.startswith(
            "NIR graph: read by NIR's definitions: time step 0.0001, forward Euler, reset to v_reset"
        )


def test_a_framework_that_nobody_knows_is_refused():
    graph = nir.NIRGraph.from_list(nir.Linear(np.eye(2)), nir.Threshold(np.ones(2)))
    with pytest.raises(UserError, match=r"no plug-in named 'nosre'\. Did you mean 'norse'"):
        read(graph, "nosre")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reset", ["value", "subtract-later"])
def test_snntorch(snntorch, seed, reset):
    from snntorch.export_nir import export_to_nir  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    how = {"init_hidden": True, "reset_mechanism": "zero" if reset == "value" else "subtract"}

    def leaky(*shape):
        beta = torch.tensor(rng.uniform(0.4, 0.95, shape), dtype=torch.float32)  # of each neuron its own
        return snntorch.Leaky(beta, threshold=torch.ones(shape), **how)

    neurons = [leaky(3, 6, 6), leaky(10), leaky(5)]
    if reset == "value":
        alpha, beta = (torch.tensor(rng.uniform(0.2, 0.9, 10), dtype=torch.float32) for _ in range(2))
        neurons[1] = snntorch.Synaptic(alpha, beta, threshold=torch.ones(10), **how, reset_delay=False)
    net = torch.nn.Sequential(
        scaled(torch.nn.Conv2d(1, 3, 3), rng), neurons[0], torch.nn.AvgPool2d(2), torch.nn.Flatten(),
        scaled(torch.nn.Linear(27, 10), rng), neurons[1], scaled(torch.nn.Linear(10, 5), rng), neurons[2],
    )  # fmt: skip
    graph = export_to_nir(net, torch.rand(1, 1, 8, 8), ignore_dims=[0])
    for layer in neurons:
        layer.reset_mem()

    network, (line, *_) = read(graph, "snntorch", reset=reset)

    assert "read as snnTorch writes it: time step 0.0001, forward Euler" in line
    require_same_spikes(network, neurons, net, (1, 8, 8), seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reset", ["value", "subtract-later"])
def test_recurrent_layers_of_snntorch(snntorch, seed, reset):
    from snntorch.export_nir import export_to_nir  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    beta = torch.tensor(rng.uniform(0.4, 0.95, 12), dtype=torch.float32)
    how = {"init_hidden": True, "reset_mechanism": "zero" if reset == "value" else "subtract"}
    delay = {"reset_delay": reset != "value"}  # with "zero" and a delay it loses what arrives in the next step
    loop = scaled(snntorch.RLeaky(beta, linear_features=12, threshold=torch.ones(12), **how, **delay), rng)
    last = snntorch.Leaky(torch.full((5,), 0.75), threshold=torch.ones(5), **how)
    net = torch.nn.Sequential(scaled(torch.nn.Linear(9, 12), rng), loop, scaled(torch.nn.Linear(12, 5), rng, 3), last)
    graph = export_to_nir(net, torch.rand(1, 9), ignore_dims=[0])
    for layer in (loop, last):
        layer.reset_mem()
    network, _ = read(graph, "snntorch", reset=reset)
    assert all(c.delay == 1 for c in network.connections if c.source == c.target)
    require_same_spikes(network, [loop, last], net, (9,), seed)


def test_a_later_reset_past_a_synaptic_current_is_refused(snntorch):
    from snntorch.export_nir import export_to_nir  # noqa: PLC0415

    half = torch.full((5,), 0.5)
    neurons = snntorch.Synaptic(half, half, threshold=torch.ones(5), init_hidden=True)
    graph = export_to_nir(torch.nn.Sequential(torch.nn.Linear(9, 5), neurons), torch.rand(1, 9), ignore_dims=[0])
    with pytest.raises(UserError, match="a reset by subtraction in the next step, past a synaptic current"):
        read(graph, "snntorch", reset="subtract-later")


@pytest.mark.parametrize("seed", SEEDS)
def test_spikingjelly(spikingjelly, seed):
    from spikingjelly.activation_based import layer, neuron  # noqa: PLC0415
    from spikingjelly.activation_based.nir_exchange import export_to_nir  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    layers = [
        scaled(layer.Conv2d(1, 3, 3), rng, 3), neuron.LIFNode(tau=float(rng.uniform(1.5, 4))), layer.AvgPool2d(2),
        layer.Flatten(), scaled(layer.Linear(27, 10), rng), neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75),
        scaled(layer.Linear(10, 8), rng, 2), neuron.ParametricLIFNode(init_tau=2.5, decay_input=False, v_reset=-0.25),
        scaled(layer.Linear(8, 5), rng), neuron.IFNode(),
    ]  # fmt: skip
    net = torch.nn.Sequential(*layers)
    graph = export_to_nir(net, torch.rand(1, 1, 8, 8))
    spikingjelly.functional.reset_net(net)

    network, (line, *_) = read(graph, "spikingjelly")

    assert "read as SpikingJelly writes it: time step 0.0001, forward Euler, reset to v_reset, fires at" in line
    require_same_spikes(network, [layers[i] for i in (1, 5, 7, 9)], net, (1, 8, 8), seed)
