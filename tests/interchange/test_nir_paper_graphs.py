"""The graphs of the NIR paper come in as what their frameworks ran, neuron by neuron, and go out in integers."""

import nir
import numpy as np
import pytest
import torch
from helpers.nir_paper_graphs import braille, cnn, lif

import snn_deploy as sd
from snn_deploy.interchange.comparison import SINGLE
from snn_deploy.support.user_error import UserError

SAMPLES = 4


def integrated(arriving, threshold=1.0):
    """Return the spikes of sinabs' IAF: it fires at the threshold, which is then taken off; (steps, samples, ...)."""
    v, spikes = torch.zeros_like(arriving[0]), []
    for x in arriving:
        v = v + x
        spikes.append((v >= threshold).double())
        v = v - spikes[-1] * threshold
    return torch.stack(spikes)


def cnn_as_sinabs_runs_it(graph, frames):
    """Return population -> spikes, (steps, samples, *shape), in double precision."""
    n = graph.nodes
    found, x = {}, torch.tensor(frames, dtype=torch.float64)

    def each_step(function, values):
        return function(values.flatten(0, 1)).reshape(*values.shape[:2], *function(values[0]).shape[1:])

    def conv(name):
        w = torch.tensor(n[name].weight, dtype=torch.float64)
        return lambda v: torch.nn.functional.conv2d(v, w, stride=n[name].stride, padding=n[name].padding)

    def dense(name):
        w = torch.tensor(n[name].weight, dtype=torch.float64)
        return lambda v: v.flatten(1) @ w.T

    def pool(values):
        return 4 * torch.nn.functional.avg_pool2d(values, 2)

    for layers in (("0", "1"), ("2", "3"), ("4", "5", "6"), ("7", "9", "10"), ("11", "12")):
        for name in layers[:-1]:
            kind = type(n[name]).__name__
            x = each_step({"Conv2d": conv, "Affine": dense}[kind](name) if kind != "SumPool2d" else pool, x)
        x = found[layers[-1]] = integrated(x)
    return {name: spikes.numpy() for name, spikes in found.items()}


def braille_as_snntorch_runs_it(graph, frames):
    """Return population -> spikes of the recurrent network, resets by subtraction in the same step, without delay."""
    n = graph.nodes
    samples = frames.shape[1]

    def weights(name):
        w = np.asarray(n[name].weight, np.float64)
        return lambda x: x @ w.T + np.asarray(getattr(n[name], "bias", np.zeros(len(w))), np.float64)

    def layer(name):
        node = n[name]
        beta = 1 - 1e-4 / np.asarray(getattr(node, "tau_mem", getattr(node, "tau", None)), np.float64)
        alpha = 1 - 1e-4 / np.asarray(node.tau_syn, np.float64) if hasattr(node, "tau_syn") else 0 * beta
        return {"alpha": alpha, "beta": beta, "i": np.zeros((samples, len(beta))), "v": np.zeros((samples, len(beta)))}

    def step(state, x):
        state["i"] = state["alpha"] * state["i"] + x
        state["v"] = state["beta"] * state["v"] + state["i"]
        fired = (state["v"] > 1).astype(float)
        state["v"] = state["v"] - fired
        return fired

    states = {name: layer(name) for name in ("lif1.lif", "lif2")}
    found = {name: [] for name in states}
    recurrent = np.zeros((samples, 38))
    for frame in frames:
        recurrent = step(states["lif1.lif"], weights("fc1")(frame) + weights("lif1.w_rec")(recurrent))
        found["lif1.lif"].append(recurrent)
        found["lif2"].append(step(states["lif2"], weights("fc2")(recurrent)))
    return {name: np.stack(spikes) for name, spikes in found.items()}


@pytest.fixture
def spikes():
    rng = np.random.default_rng(4)
    return lambda steps, shape, density: (rng.random((steps, SAMPLES, *shape)) < density).astype(np.int64)


def test_the_convolutional_network_is_recognised_and_does_what_sinabs_does(spikes, tmp_path):
    """Read by NIR's own definitions it is dead: r = 1 then is 1 in a second."""
    graph, frames = cnn(np.random.default_rng(5)), spikes(20, (2, 34, 34), 0.1)
    nir.write(tmp_path / "cnn.nir", graph)
    recorded = {"inputs": frames, **cnn_as_sinabs_runs_it(graph, frames)}
    network = sd.read_nir(tmp_path / "cnn.nir", sd.NirReading(steps=20, largest_value=1))
    assert network.provenance["nir"]["written_by"] == "sinabs"
    result = sd.compare_with_recording(network, recorded)
    assert len(result.layers) == 5 and not result.silent and result.spikes > 10_000
    graph.nodes["1"].r = graph.nodes["1"].r * 1.0001  # no mark of sinabs any more
    dead = sd.read_nir(graph, sd.NirReading(steps=20, largest_value=1))
    with pytest.raises(UserError, match=r"'1', sample 0, step .*does not fire here, and fires there"):
        sd.compare_with_recording(dead, recorded)


@pytest.mark.parametrize("current", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_the_recurrent_network_does_what_snntorch_does_and_goes_out_in_integers(spikes, seed, bias, current):
    graph, frames = braille(np.random.default_rng(seed), bias=bias, current=current), spikes(40, (12,), 0.3)
    recorded = {"inputs": frames, **braille_as_snntorch_runs_it(graph, frames)}
    network = sd.read_nir(graph, sd.NirReading(steps=40, largest_value=1, written_by="snntorch", reset="subtract"))
    result = sd.compare_with_recording(network, recorded)
    assert not result.silent and result.undecided < SAMPLES and result.tolerance == SINGLE
    plain = sd.read_nir(graph, sd.NirReading(steps=40, largest_value=1))
    with pytest.raises(UserError, match="is not the one that ran"):
        sd.compare_with_recording(plain, recorded)

    exported = sd.export(network, chip="loihi2", round_decays=True).network

    assert ("always_on" in [p.name for p in exported.populations]) == (bias and current)
    assert sd.verify(exported, frames.astype(np.uint8), ["reference", "cpu"]).is_identical


def test_the_one_neuron_does_what_its_equation_says():
    frames = (np.random.default_rng(0).random((200, 1, 1)) < 0.9).astype(np.int64)
    v, fired = 0.0, []
    for x in frames.ravel():
        v += 1e-4 / 0.0025 * (x - v)
        fired.append(int(v > 0.1))
        v *= 1 - fired[-1]
    network = sd.read_nir(lif(), sd.NirReading(steps=200, largest_value=1))
    result = sd.compare_with_recording(network, {"inputs": frames, "lif": np.reshape(fired, frames.shape)})
    assert result.spikes == sum(fired) > 20


@pytest.mark.parametrize("graph", [lif(), braille(np.random.default_rng(1), bias=True), cnn(np.random.default_rng(2))])
def test_energy_and_fit_of_a_graph_need_its_inputs_and_nothing_else(graph):
    network = sd.read_nir(graph, sd.NirReading(steps=6, largest_value=1))
    exported = sd.export(network, chip="loihi2", round_decays=True).network
    shape = exported.input.shape
    frames = (np.random.default_rng(3).random((6, 2, *shape)) < 0.3).astype(np.uint8)
    simulation = sd.run(exported, frames, record=True)
    placed = sd.place(exported, spikes=simulation)
    assert placed.fits
    assert placed.energy(simulation).range[1] > 0 and min(placed.latency(simulation).sample) > 0
    assert sd.energy(exported, simulation, profile="cmos45").range[1] > 0
