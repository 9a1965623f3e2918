"""A class is read from spike counts where the output fires, else from its last potentials."""

import numpy as np
from helpers.small_network import one_neuron

from snn_deploy.network.class_outputs import class_outputs, predicted_classes


def test_an_output_that_fires_is_counted_and_one_that_integrates_is_read():
    spikes = np.array([[[0, 1]], [[1, 1]]], np.uint8)  # (steps, samples, neurons)
    last = np.array([[7, -3]])
    fires, integrates = (one_neuron(steps=1, fires=f).output for f in (True, False))
    assert class_outputs(fires, spikes, None).tolist() == [[1, 2]]
    assert class_outputs(integrates, spikes, last).tolist() == [[7, -3]]


def test_of_equal_outputs_the_first_is_the_class():
    assert predicted_classes(np.array([[1, 3, 3], [2, 2, 2]])).tolist() == [1, 0]
