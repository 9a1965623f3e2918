"""The first rung of the ladder is what is known of the network's source."""

from dataclasses import replace

import pytest
from helpers.small_network import one_neuron

from snn_deploy.network.source_comparison import ComparedLayer, SourceComparison
from snn_deploy.report.findings import Compared
from snn_deploy.report.ladder import ladder

COMPARISON = SourceComparison("Net", 4, 6, (ComparedLayer("conv1", 1200, 31), ComparedLayer("out", 240, 0)), 2**-36)


@pytest.mark.parametrize(
    ("provenance", "note"),
    [
        (
            {"torch": "Net", "compared": COMPARISON.to_dict()},
            "compared with Net: 1,440 values of 2 layers, 31 spikes, 0 differ; out never fired",
        ),
        ({"nir": {}}, "not compared with its source: give --against FILE"),
        ({"net": {}, "compared": {"layers": 3}}, "not compared with its source: give --against FILE"),
        ({"config": {}}, None),
    ],
)
def test_the_source_comes_first(provenance, note):
    network = replace(one_neuron(steps=2), provenance=provenance)
    rungs = ladder(network, 0.5, 20, Compared(("reference", "cpu"), "test data", 20, 100, ()), None)
    assert ([r.note for r in rungs if r.name == "its source"] or [None])[0] == note
    assert rungs[1 if note else 0].name == "floats"
