"""Rungs of the ladder stand on the same samples; the first is what is known of the network's source."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.network.source_comparison import ComparedLayer, SourceComparison
from snn_deploy.report.ladder import ladder
from snn_deploy.report.share import Share

COMPARISON = SourceComparison("Net", 4, 6, (ComparedLayer("conv1", 1200, 31), ComparedLayer("out", 240, 0)), 2**-36)
TRAINED = {"config": {}, "float_accuracy": 0.91, "quantized_accuracy": 0.9, "test_samples": 10_000}


def rungs(provenance, is_right, floats_right=None, is_whole_test=False):
    network = replace(one_neuron(steps=2), provenance=provenance)
    found = ladder(network, np.array(is_right), floats_right, is_whole_test=is_whole_test)
    return {rung.name: (rung.accuracy, rung.note) for rung in found}


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
    found = rungs(provenance, [True, False])
    assert next(iter(found)) == ("its source" if note else "integers")
    assert found.get("its source", (None, None))[1] == note


def test_floats_of_other_samples_than_the_integers_are_no_rung():
    assert rungs(TRAINED, [True] * 90 + [False] * 10) == {"integers": (Share(90, 100), "100 test samples, on cpu")}


def test_accuracies_of_the_training_are_rungs_where_all_of_its_test_samples_are_shown():
    found = rungs({**TRAINED, "test_samples": 100}, [True] * 89 + [False] * 11, is_whole_test=True)
    assert found == {
        "floats": (Share(91, 100), "100 test samples, after training"),
        "quantization-aware": (Share(90, 100), "100 test samples, after training"),
        "integers": (Share(89, 100), "100 test samples, on cpu"),
    }


def test_floats_that_had_time_for_some_stand_beside_the_integers_on_the_same():
    is_right = [True] * 20 + [False] * 20
    assert rungs(TRAINED, is_right, np.array([True] * 19 + [False])) == {
        "floats": (Share(19, 20), "the first 20 test samples"),
        "integers, the same samples": (Share(20, 20), "the first 20 test samples, on cpu"),
        "integers": (Share(20, 40), "40 test samples, on cpu"),
    }
    assert set(rungs(TRAINED, is_right, np.array(is_right))) == {"floats", "integers"}
