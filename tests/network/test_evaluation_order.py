"""Populations that reach each other go step by step together; all others go one by one, after what they need."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.network.evaluation_order import blocks, is_recurrent
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation


def graph(*edges: tuple[str, str], populations: int) -> IntegerNetwork:
    """Return single neurons p0, p1, ...: p0 is fed by the input, and every edge has a delay, so that all are legal."""
    neurons = tuple(IntegerPopulation(f"p{i}", (1,), 1, 0, 0, 0) for i in range(populations))
    fed = {target for _, target in edges}
    ends = [*edges, *(("input", p.name) for p in neurons if p.name not in fed)]
    synapses = [IntegerConnection(f"c{i}", *pair, np.ones((1, 1)), delay=1) for i, pair in enumerate(ends)]
    return IntegerNetwork(IntegerInput("input", (1,)), neurons, tuple(synapses), steps=1)


def reached_from(name: str, network: IntegerNetwork) -> set[str]:
    reached, waiting = {name}, [name]
    while waiting:
        source = waiting.pop()
        new = {c.target for c in network.connections if c.source == source} - reached
        reached |= new
        waiting += new
    return reached


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_a_block_is_a_loop_or_one_population_and_comes_after_what_it_needs(seed):
    rng = np.random.default_rng(seed)
    names = [f"p{i}" for i in range(rng.integers(1, 10))]
    edges = {(str(a), str(b)) for a, b in rng.choice(names, (int(rng.integers(0, 2 * len(names))), 2))}
    network = graph(*sorted(edges), populations=len(names))
    order = blocks(network)
    assert sorted(name for block in order for name in block) == sorted(names)
    assert all(list(block) == sorted(block, key=names.index) for block in order)
    for i, block in enumerate(order):
        for name in names:
            reach_each_other = name in reached_from(block[0], network) and block[0] in reached_from(name, network)
            assert (name in block) == reach_each_other
        later = {name for other in order[i + 1 :] for name in other}
        assert not any(c.source in later and c.target in block for c in network.connections)


def test_only_a_block_that_feeds_itself_is_recurrent():
    network = graph(("p0", "p1"), ("p1", "p2"), ("p2", "p1"), ("p3", "p3"), ("p2", "p4"), populations=5)
    assert {block: is_recurrent(network, block) for block in blocks(network)} == {
        ("p0",): False,
        ("p1", "p2"): True,
        ("p3",): True,
        ("p4",): False,
    }
