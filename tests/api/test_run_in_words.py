"""What a run says to people stays readable, however many classes there are."""

import numpy as np
from helpers.small_network import one_neuron

import snn_deploy as sd
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation


def _classes(count):
    """Return a network whose class k sums up k in each step."""
    output = IntegerPopulation("out", (count,), 0, 4096, 0, 0, fires=False)
    weights = np.arange(count)[:, None] % 127
    return IntegerNetwork(IntegerInput("input", (1,)), (output,), (IntegerConnection("a", "input", "out", weights),), 2)


def test_of_many_outputs_the_highest_are_printed_with_their_classes_and_of_few_all():
    said = str(sd.run(_classes(100), np.ones((1, 1), np.uint8)))
    assert "sample 0: label ?, highest outputs 99: 12672, 98: 12544, 97: 12416, 96: 12288, 95: 12160 of 100" in said
    few = sd.run(_classes(20), np.ones((1, 1), np.uint8))
    assert f"sample 0: label ?, outputs {' '.join(map(str, few.outputs[0]))}" in str(few)


def test_large_counts_have_commas():
    said = str(sd.run(one_neuron(steps=40, inputs=100), np.ones((1, 100), np.uint8)))
    assert "4,000.0" in said


def test_the_abbreviations_of_a_map_are_spelled_out():
    chip = sd.place(one_neuron(steps=1), chip="loihi2")
    assert "  NB: Intel's compiler on two PilotNets" in str(chip)
    assert "3,168" in str(chip)
