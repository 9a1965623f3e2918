import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.running.simulation import Simulation, as_frames, is_static, joined
from snn_deploy.support.user_error import UserError


def test_an_image_stands_for_one_frame_in_every_step_without_a_copy():
    image = np.array([[1, 2], [3, 4], [5, 6]], np.uint8)  # three samples of two values
    frames = as_frames(one_neuron(steps=4, inputs=2), image)
    assert frames.shape == (4, 3, 2)
    assert is_static(frames)
    assert np.shares_memory(frames, image)
    assert (frames[3] == image).all()


def test_frames_pass_as_they_are():
    given = np.ones((4, 1, 2), np.uint8)
    frames = as_frames(one_neuron(steps=4, inputs=2), given)
    assert frames is given
    assert not is_static(frames)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones((3, 3), int), r"inputs of shape \(3, 3\); the network takes \(samples, 2\) or \(steps, samples, 2\)"),
        (np.ones((3, 1, 2), int), "inputs of 3 steps; the network takes 4"),
        (np.ones((0, 2), int), "inputs of no samples"),
        (np.ones((4, 0, 2), int), "inputs of no samples"),
        (np.ones((1, 2)), r"inputs of type float64; the network takes whole numbers 0\.\.255\..*rint\(255 \* inputs\)"),
        (np.full((1, 2), 256), r"inputs 256\.\.256; the network's input takes 0\.\.255"),
        (np.full((1, 2), -1), r"inputs -1\.\.-1; the network's input takes 0\.\.255"),
    ],
)
def test_inputs_that_the_network_does_not_take_are_refused(inputs, message):
    with pytest.raises(UserError, match=message):
        as_frames(one_neuron(steps=4, inputs=2), inputs)


def test_joined_simulations_stand_one_after_the_other():
    def part(first: int, samples: int) -> Simulation:
        values = np.arange(first, first + samples)
        spikes = {"out": np.broadcast_to(values[None, :, None], (2, samples, 1)).astype(np.uint8)}
        return Simulation(values[:, None], {"out": values}, {"synapse": values}, spikes)

    whole = joined([part(0, 2), part(2, 1)])
    assert whole.outputs.ravel().tolist() == [0, 1, 2]
    assert whole.spike_counts["out"].tolist() == whole.synaptic_operations["synapse"].tolist() == [0, 1, 2]
    assert whole.spikes is not None
    assert whole.spikes["out"].shape == (2, 3, 1)


def test_the_class_of_a_sample_is_the_first_of_its_largest_outputs():
    assert Simulation(np.array([[1, 5, 5], [-3, -2, -9]]), {}, {}).classes.tolist() == [1, 1]
