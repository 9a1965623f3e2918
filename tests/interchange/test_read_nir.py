"""NIR's nodes mean what their equations say, and what cannot be taken is named, all at once."""

from itertools import pairwise

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nir.ir.graph import Identity

from snn_deploy.interchange.linear.always_on import ALWAYS_ON
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.network.float_semantics import run
from snn_deploy.support.user_error import UserError

STEPS = 12
KINDS = ["LIF", "IF", "CubaLIF", "LI", "I", "CubaLI"]


def stated(**other):
    return NirReading(**({"steps": STEPS, "largest_value": 1} | other))


def random_node(rng, kind, size):
    """Return a node of `kind` with every parameter drawn, time constants of 1 to 10 time steps of 1e-3."""
    values = {
        "tau": rng.uniform(1e-3, 1e-2, size),
        "tau_mem": rng.uniform(1e-3, 1e-2, size),
        "tau_syn": rng.uniform(1e-3, 1e-2, size),
        "r": rng.uniform(0.5, 3, size) * (1000 if kind in ("IF", "I") else 1),
        "v_leak": rng.uniform(-0.3, 0.3, size),
        "v_threshold": rng.uniform(0.4, 1, size),
        "v_reset": rng.uniform(-0.5, 0.2, size),
        "w_in": rng.uniform(0.5, 3, size),
    }
    node = getattr(nir, kind)
    return node(**{name: v for name, v in values.items() if name in node.__dataclass_fields__})


def simulated(node, inputs, how, time_step=1e-3):
    """Return (spikes, potentials before the reset) of the node's equations, step by step; inputs (steps, size)."""
    n = node.__dict__
    kind = type(node).__name__
    share = (lambda tau: time_step / tau) if how == "euler" else (lambda tau: 1 - np.exp(-time_step / tau))
    v = np.array(n.get("v_leak", n.get("v_reset", np.zeros(inputs.shape[1]))))
    current, spikes, potentials = np.zeros_like(v), [], []
    for x in inputs:
        if kind.startswith("Cuba"):
            current = current + share(n["tau_syn"]) * (n["w_in"] * x - current)
            v = v + share(n["tau_mem"]) * (n["v_leak"] - v + n["r"] * current)
        elif kind in ("IF", "I"):
            v = v + time_step * n["r"] * x
        else:
            v = v + share(n["tau"]) * (n["v_leak"] - v + n["r"] * x)
        potentials.append(v)
        fired = v > n["v_threshold"] if "v_threshold" in n else np.zeros(len(v), bool)
        v = np.where(fired, n.get("v_reset", 0), v)
        spikes.append(fired)
    return np.array(spikes), np.array(potentials)


@pytest.mark.parametrize("how", ["euler", "exact"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_neurons_do_what_their_equations_say(kind, how, seed):
    rng = np.random.default_rng(seed)
    node, weights, bias = random_node(rng, kind, 5), rng.normal(size=(5, 4)), rng.normal(size=5) / 4
    graph = nir.NIRGraph.from_list(nir.Affine(weights, bias), node)
    frames = rng.integers(0, 2, (STEPS, 1, 4))

    network = read_nir(graph, stated(time_step=1e-3, discretization=how))

    trace = run(network, frames)
    spikes, potentials = simulated(node, frames[:, 0] @ weights.T + bias, how)
    name = network.output.name
    np.testing.assert_allclose(trace.potentials[name][:, 0], potentials, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(trace.spikes[name][:, 0], spikes)


def test_decays_of_float32_files_come_back_as_the_chips_numbers():
    keep = np.arange(0, 4096, 5, dtype=np.float32) / 4096
    tau = np.float32(1e-4) / (1 - keep)
    ones = np.ones_like(keep)
    node = nir.LIF(tau, tau / np.float32(1e-4), 0 * ones, ones)
    graph = nir.NIRGraph.from_list(nir.Linear(np.eye(len(keep))), node)
    (population,) = (network := read_nir(graph, stated())).populations
    np.testing.assert_array_equal(population.voltage_keep, keep)
    np.testing.assert_array_equal(network.connections[0].weights, np.eye(len(keep)))


def test_a_decay_that_no_chip_has_stays_what_it_is():
    one = np.ones(1)
    graph = nir.NIRGraph.from_list(nir.Linear(np.ones((1, 1))), nir.LIF(one * 1e-3, one, 0 * one, one))
    assert read_nir(graph, stated()).output.voltage_keep == 0.9


def test_a_threshold_node_keeps_nothing():
    graph = nir.NIRGraph.from_list(nir.Linear(np.array([[1.0, 1.0]])), nir.Threshold(np.array([1.0])))
    network = read_nir(graph, stated(steps=3))
    frames = np.array([[[1, 1]], [[1, 0]], [[1, 1]]])
    assert run(network, frames).spikes[network.output.name].ravel().tolist() == [1, 0, 1]


def test_a_graph_that_ends_in_weights_gets_an_output_that_sums_over_the_steps():
    network = read_nir(nir.NIRGraph.from_list(nir.Affine(np.array([[2.0, 3.0]]), np.array([0.5]))), stated(steps=2))
    assert not network.output.fires
    potentials = run(network, np.array([[[1, 0]], [[1, 1]]])).potentials[network.output.name]
    assert potentials.ravel().tolist() == [2.5, 8.0]


def test_signals_over_one_dimension_and_pooling_that_overlaps_are_convolutions():
    rng = np.random.default_rng(3)
    ones = np.ones(4)
    conv = nir.Conv1d(9, rng.normal(size=(4, 2, 3)), 2, 1, 1, 1, ones)
    neurons = nir.IF(r=np.full((4, 5), 1e4), v_threshold=np.ones((4, 5)))
    network = read_nir(nir.NIRGraph.from_list(conv, neurons), stated())
    assert network.input.shape == (2, 1, 9) and network.output.shape == (4, 1, 5)
    assert network.connections[0].stride == (1, 2) and network.connections[0].padding == (0, 1)
    nodes = {
        "in": nir.Input({"input": np.array([2, 6, 6])}),
        "pool": nir.AvgPool2d(np.array([3, 3]), np.array([2, 2]), np.array([1, 1])),
        "if": nir.IF(r=np.full((2, 3, 3), 1e4), v_threshold=np.ones((2, 3, 3))),
        "out": nir.Output({"output": np.array([2, 3, 3])}),
    }
    network = read_nir(nir.NIRGraph(nodes, [("in", "pool"), ("pool", "if"), ("if", "out")]), stated())
    (connection,) = network.connections
    assert connection.groups == 2 and connection.padding == (1, 1) and (connection.weights == 1 / 9).all()


def test_a_recurrent_subgraph_is_a_connection_with_a_delay():
    ones = np.ones(3)
    inner = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "lif": nir.IF(1e4 * ones, 0.5 * ones),
            "w_rec": nir.Linear(-0.4 * np.eye(3)),
            "output": nir.Output({"output": np.array([3])}),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "fc": nir.Linear(np.eye(3)),
        "rnn": inner,
        "output": nir.Output({"output": np.array([3])}),
    }
    graph = nir.NIRGraph(nodes, [("input", "fc"), ("fc", "rnn"), ("rnn", "output")])
    network = read_nir(graph, stated(steps=3))
    assert {c.name: (c.source, c.target, c.delay) for c in network.connections} == {
        "fc": ("input", "rnn.lif", 0),
        "rnn.w_rec": ("rnn.lif", "rnn.lif", 1),
    }
    spikes = run(network, np.ones((3, 1, 3), int)).spikes["rnn.lif"]
    assert spikes[:, 0, 0].tolist() == [1, 1, 1]
    spikes = run(read_nir(graph, stated(steps=3, reset="subtract")), np.ones((3, 1, 3), int)).spikes["rnn.lif"]
    assert spikes[:, 0, 0].tolist() == [1, 1, 1]


def test_a_bias_of_a_synaptic_current_is_one_of_the_current_and_counts_once():
    rng = np.random.default_rng(2)
    node = random_node(rng, "CubaLIF", 3)
    nodes = {
        "in": nir.Input({"input": np.array([2])}),
        "a": nir.Affine(np.ones((3, 2)), np.full(3, 0.25)),
        "b": nir.Affine(np.ones((3, 2)), np.full(3, 0.5)),
        "s": nir.Scale(np.full(3, 2.0)),
        "lif": node,
        "out": nir.Output({"output": np.array([3])}),
    }
    edges = [("in", "a"), ("in", "b"), ("a", "s"), ("b", "s"), ("s", "lif"), ("lif", "out")]
    network = read_nir(nir.NIRGraph(nodes, edges), stated(time_step=1e-3))
    frames = rng.integers(0, 2, (STEPS, 1, 2))
    _, potentials = simulated(node, 4 * frames[:, 0].sum(axis=1, keepdims=True) + np.full((STEPS, 3), 1.5), "euler")
    np.testing.assert_allclose(run(network, frames).potentials["lif"][:, 0], potentials, rtol=1e-9)


def chain(*nodes):
    """Return a graph that nobody checked."""
    named = {f"n{i}": node for i, node in enumerate(nodes)}
    names = list(named)
    return nir.NIRGraph(named, list(pairwise(names)), type_check=False)


def vector(size):
    return nir.Input({"input": np.array([size])}), nir.Output({"output": np.array([size])})


def test_every_node_that_cannot_be_taken_is_named_with_its_reason():
    start, end = vector(3)
    ones = np.ones(3)
    short = nir.LIF(tau=1e-6 * ones, r=ones, v_leak=ones, v_threshold=ones)
    graph = chain(start, nir.Linear(np.eye(3)), short, nir.Linear(np.eye(3)), nir.LIF(-ones, ones, ones, ones), end)
    plain = graph.to_dict()
    plain["nodes"]["n9"] = {"type": "Conv3d"}

    class Graph:
        nodes = graph.nodes | {"n9": nir.Delay(ones)}

        @staticmethod
        def to_dict():
            return plain

    with pytest.raises(UserError) as error:
        read_nir(Graph(), stated())
    message = str(error.value)
    assert "2 nodes cannot be taken" in message
    assert "n9: Conv3d, which is none of Linear, Affine" in message
    assert "n2: the time constant 1e-06 is shorter than the time step 0.0001" in message


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([nir.Linear(np.ones((2, 4)))], r"n1: it takes \(4,\) and gets \(3,\). Put a Flatten before it"),
        ([nir.Scale(np.ones((2, 2)))], r"n1: scale of shape \(2, 2\), which does not fit what arrives, \(3,\)"),
        ([nir.Delay(np.full(3, 1.5e-4))], "n1: delays of 0.00015..0.00015; allowed is one for all neurons, in whole"),
        (
            [nir.LI(np.ones(3), np.ones(3), np.ones(3)), nir.IF(np.ones(3), np.ones(3))],
            "n2: it gets the potential of n1",
        ),
        ([nir.LIF(-np.ones(3), np.ones(3), np.ones(3), np.ones(3))], "n1: the time constant -1; allowed are positive"),
        ([nir.LIF(np.full(3, np.nan), np.ones(3), np.ones(3), np.ones(3))], "n1: tau holds values that are not finite"),
        ([nir.SumPool2d(np.array([2]), np.array([2]), np.array([0]))], r"n1: pooling of what has the shape \(3,\)"),
    ],
)
def test_what_cannot_be_taken_says_why(nodes, reason):
    start, end = vector(3)
    with pytest.raises(UserError, match=reason):
        read_nir(chain(start, *nodes, end), stated())


def drawn(node_type, shape, rng):
    """Return a node of the type whose parameters differ from neuron to neuron."""
    flat = random_node(rng, node_type, int(np.prod(shape)))
    return type(flat)(**{name: getattr(flat, name).reshape(shape) for name in set(flat.__dataclass_fields__) & DRAWN})


DRAWN = {"tau", "tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in"}


@pytest.mark.parametrize("kind", ["LIF", "IF", "CubaLIF"])
def test_neurons_that_differ_within_a_channel_come_in_as_a_row_and_so_do_the_maps_behind_them(kind):
    rng = np.random.default_rng(6)
    first, second = drawn(kind, (3, 4, 4), rng), drawn(kind, (2, 2, 2), rng)
    weights, after = rng.normal(size=(3, 2, 3, 3)), rng.normal(size=(2, 3, 1, 1))
    bias, ends = rng.normal(size=3) / 4, rng.normal(size=(4, 8))
    even = nir.LIF(
        **{n: np.full((2, 2, 2), v) for n, v in (("tau", 2e-3), ("r", 1), ("v_leak", 0), ("v_threshold", 0.5))}
    )
    nodes = {
        "in": nir.Input({"input": np.array([2, 6, 6])}),
        "conv": nir.Conv2d((6, 6), weights, 1, 0, 1, 1, bias),
        "first": first,
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "conv2": nir.Conv2d((2, 2), after, 1, 0, 1, 1, np.zeros(2)),
        "second": second if kind == "IF" else even,
        "flat": nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1),
        "fc": nir.Linear(ends),
        "last": nir.LIF(*(np.full(4, value) for value in (2e-3, 1.0, 0.0, 0.5))),
        "out": nir.Output({"output": np.array([4])}),
    }
    graph = nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False)

    network = read_nir(graph, stated(time_step=1e-3))

    assert [p.shape for p in network.populations if p.name != ALWAYS_ON] == [(48,), (8,), (4,)]
    frames = rng.integers(0, 2, (STEPS, 1, 2, 6, 6))
    arriving = convolved(frames[:, 0], weights) + bias[:, None, None]
    spikes, _ = simulated_maps(first, arriving)
    pooled = spikes.reshape(STEPS, 3, 2, 2, 2, 2).sum(axis=(3, 5))
    second_spikes, _ = simulated_maps(nodes["second"], np.einsum("oi,tihw->tohw", after[:, :, 0, 0], pooled))
    expected, _ = simulated(nodes["last"], second_spikes.reshape(STEPS, -1) @ ends.T, "euler")
    trace = run(network, frames).spikes
    assert 0 < spikes.mean() < 1 and second_spikes.any() and expected.any()
    np.testing.assert_array_equal(trace["first"][:, 0], spikes.reshape(STEPS, -1))
    np.testing.assert_array_equal(trace["second"][:, 0], second_spikes.reshape(STEPS, -1))
    np.testing.assert_array_equal(trace["last"][:, 0], expected)


def convolved(frames, weights):
    """Return the convolution of maps, (steps, in, height, width), without padding."""
    height, width = weights.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(frames, (height, width), axis=(2, 3))
    return np.einsum("oihw,tiyxhw->toyx", weights, windows)


def simulated_maps(node, inputs):
    """Return what `simulated` does of a node of maps, in the shape of the maps."""
    flat = type(node)(**{n: getattr(node, n).reshape(-1) for n in set(node.__dataclass_fields__) & DRAWN})
    return [found.reshape(inputs.shape) for found in simulated(flat, inputs.reshape(len(inputs), -1), "euler")]


def test_a_bias_that_differs_within_a_channel_is_a_neuron_that_is_always_on():
    rng = np.random.default_rng(8)
    node = nir.LIF(*(np.full((1, 3, 3), value) for value in (2e-3, 1.0, 0.0, 0.5)))
    nodes = {
        "in": nir.Input({"input": np.array([1, 3, 3])}),
        "conv": nir.Conv2d((3, 3), np.full((1, 1, 3, 3), 0.25), 1, 1, 1, 1, np.ones(1)),
        "scale": nir.Scale(rng.normal(size=(1, 3, 3))),  # of a bias: differs from neuron to neuron
        "lif": node,
        "out": nir.Output({"output": np.array([1, 3, 3])}),
    }
    network = read_nir(nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False), stated(time_step=1e-3))
    frames = rng.integers(0, 2, (STEPS, 1, 1, 3, 3))
    arriving = convolved(np.pad(frames[:, 0], ((0, 0), (0, 0), (1, 1), (1, 1))), np.full((1, 1, 3, 3), 0.25)) + 1
    spikes, potentials = simulated_maps(node, arriving * nodes["scale"].scale)
    trace = run(network, frames)
    np.testing.assert_allclose(trace.potentials["lif"].reshape(potentials.shape), potentials, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(trace.spikes["lif"].reshape(spikes.shape), spikes)
    assert spikes.any()


def test_an_identity_passes_on_what_it_gets():
    start, end = vector(3)
    node = nir.LIF(*(np.full(3, value) for value in (2e-4, 2.0, 0.0, 0.9)))
    same = Identity({"input": np.array([3]), "output": np.array([3])})
    frames = np.random.default_rng(9).integers(0, 2, (STEPS, 2, 3))
    with_it = run(read_nir(chain(start, same, nir.Linear(np.eye(3)), same, node, end), stated()), frames)
    without = run(read_nir(chain(start, nir.Linear(np.eye(3)), node, end), stated()), frames)
    np.testing.assert_array_equal(with_it.spikes["n4"], without.spikes["n2"])
    assert without.spikes["n2"].any()


@pytest.mark.parametrize(
    ("shape", "weights", "expected"),
    [
        ([1, 6], nir.Linear(np.ones((4, 6))), (6,)),
        ([1, 2, 6], nir.Conv1d(6, np.ones((4, 2, 6)), 1, 0, 1, 1, np.zeros(4)), (2, 1, 6)),
        ([1, 2, 3, 3], nir.Conv2d((3, 3), np.ones((4, 2, 3, 3)), 1, 0, 1, 1, np.zeros(4)), (2, 3, 3)),
        ([1, 3, 3], nir.Conv2d((3, 3), np.ones((4, 1, 3, 3)), 1, 0, 1, 1, np.zeros(4)), (1, 3, 3)),
    ],
)
def test_the_axis_of_one_sample_is_none_of_the_input(shape, weights, expected):
    """Norse and Rockpool write it, snnTorch without ignore_dims too."""
    graph = chain(nir.Input({"input": np.array(shape)}), weights, nir.Output({"output": np.array([1, 4])}))
    assert read_nir(graph, stated()).input.shape == expected


def test_what_nir_does_not_say_must_be_stated():
    graph = chain(*vector(3))
    with pytest.raises(UserError, match=r"the number of time steps \(--steps\) and the largest value of the input"):
        read_nir(graph)
    for wrong, match in (
        ({"steps": 0}, "steps 0"),
        ({"time_step": -1.0}, "time step -1.0"),
        ({"reset": "zero"}, "reset 'zero'; allowed are 'value', 'subtract' and 'subtract-later'"),
        ({"discretization": "rk4"}, "'euler' and 'exact'"),
    ):
        with pytest.raises(UserError, match=match):
            stated(**wrong)


def test_a_loop_without_neurons_and_a_graph_with_two_inputs_are_refused():
    nodes = {
        "in": vector(2)[0],
        "a": nir.Linear(np.eye(2)),
        "b": nir.Linear(np.eye(2)),
        "if": nir.IF(np.ones(2), np.ones(2)),
        "out": vector(2)[1],
    }
    edges = [("in", "a"), ("a", "b"), ("b", "a"), ("a", "if"), ("if", "out")]
    with pytest.raises(UserError, match="if: a loop through"):
        read_nir(nir.NIRGraph(nodes, edges, type_check=False), stated())
    nodes |= {"in2": vector(2)[0]}
    with pytest.raises(UserError, match=r"2 nodes of type Input \(in, in2\); exactly one is allowed"):
        read_nir(nir.NIRGraph(nodes, edges, type_check=False), stated())


def test_a_reset_by_subtraction_has_no_reset_value():
    start, end = vector(2)
    graph = chain(start, nir.IF(np.full(2, 1e4), np.ones(2), np.full(2, -0.5)), end)
    with pytest.raises(UserError, match=r"n1: v_reset -0.5 beside a reset by subtraction"):
        read_nir(graph, stated(reset="subtract"))
