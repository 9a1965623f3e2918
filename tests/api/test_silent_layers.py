"""A layer that fires on no test sample is said by the export and the report, which verify says too."""

import numpy as np
import pytest
from helpers.small_network import one_neuron

import snn_deploy as sd
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation


@pytest.fixture
def network():
    """Return a network whose first layer fires on pixels above 100 and whose second sums its spikes."""
    first = one_neuron(1, steps=2, threshold=100)
    output = IntegerPopulation("sum", (2,), 0, 4096, 0, 0, fires=False)
    connection = IntegerConnection("more", "out", "sum", np.array([[1], [-1]]))
    return IntegerNetwork(first.input, (*first.populations, output), (*first.connections, connection), 2)


@pytest.mark.parametrize(("pixel", "silent"), [(20, ("out",)), (200, ())])
def test_export_says_which_layer_never_fired_on_the_test_samples(network, pixel, silent):
    result = sd.export(network, measure=True, inputs=np.full((3, 1), pixel, np.uint8), labels=np.zeros(3, int))
    assert result.silent == silent
    line = "out never fired on the 3 test samples; nothing passes through it"
    assert (line in str(result)) is bool(silent)


@pytest.mark.parametrize(("pixel", "is_silent"), [(20, True), (200, False)])
def test_the_report_says_it_above_its_table_of_layers(network, pixel, is_silent):
    inputs = np.full((3, 1), pixel, np.uint8)
    result = sd.report(network, inputs, labels=np.zeros(3, int), chips=["loihi2"], backends=["reference", "cpu"])
    assert ("out never fired on them: nothing passes through it." in result.html) is is_silent
    assert ("no spike was there to differ" in result.html) is is_silent  # nothing to be proud of
    assert ("✓ 0 of 6" in result.html) is not is_silent
    assert "✓ 0 of 0" not in result.html
