"""Where --data NAME:PATH leads."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers.small_network import one_neuron

import snn_deploy as sd
from snn_deploy.api import sources as inputs
from snn_deploy.support.user_error import UserError


def test_the_path_is_the_first_option_of_the_data_set(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(10))
    samples = inputs.test_samples({}, f"npz_file:{tmp_path / 'mine.npz'}", 1)
    np.testing.assert_array_equal(samples.inputs, images[[4], None])


def test_a_path_for_data_that_have_none_is_a_users_mistake():
    with pytest.raises(UserError, match=r"data 'digits': no key 'folder'"):
        inputs.test_samples({}, "digits:somewhere", 0)


def test_data_that_need_a_path_say_so():
    with pytest.raises(UserError, match="folder: is missing"):
        inputs.test_samples({}, "image_folder", 0)


def test_the_network_of_another_s_module_asks_for_samples_and_says_how():
    with pytest.raises(UserError, match=r"--data NAME.*npz_file:FILE.npz.*test_images.*in Python, inputs and labels"):
        sd.run(one_neuron(steps=2))


@pytest.mark.parametrize(
    ("given", "do"),
    [
        (torch.nn.Linear(1, 1), r"is a module of torch \(Linear\). Give sd.export\(sd.from_torch\("),
        (SimpleNamespace(network=one_neuron(steps=2)), r"is a result .* Give its network: its attribute .network"),
        (3, "is of type int. Give an exported network, its file or its folder"),
    ],
)
@pytest.mark.parametrize("verb", [sd.run, sd.energy, sd.report, sd.place])
def test_what_is_no_exported_network_is_told_what_to_give(verb, given, do):
    with pytest.raises(UserError, match=do):
        verb(given)


def test_a_network_in_floats_is_told_to_be_exported():
    module = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), sd.LIF())
    network = sd.from_torch(module, (2,), 2)
    with pytest.raises(UserError, match=r"is in floats \(FloatNetwork\). Give sd.export\(network\).network"):
        sd.report(network)
    with pytest.raises(UserError, match=r"inputs of type torch\.Tensor"):
        sd.neurobench(network, torch.ones(3, 2, dtype=torch.uint8))


@pytest.mark.parametrize("labels", [None, torch.zeros(3)])
def test_tensors_are_told_to_be_arrays(labels):
    tensor = torch.ones(3, 1, dtype=torch.uint8)
    with pytest.raises(UserError, match=r"inputs of type torch.Tensor;.*inputs.numpy\(\), and whole numbers 0..255"):
        sd.run(one_neuron(steps=2), tensor, labels=labels)
    assert sd.run(one_neuron(steps=2), tensor.numpy(), labels=torch.zeros(3)).accuracy is not None


def test_images_are_flat_for_a_network_of_features(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 2, 2), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", test_images=images, test_labels=np.zeros(3, int))
    network = one_neuron(steps=2, inputs=4)
    by_name = sd.run(network, f"npz_file:{tmp_path / 'mine.npz'}")
    assert by_name.outputs.tolist() == sd.run(network, images.reshape(3, 4)).outputs.tolist()
    with pytest.raises(UserError, match=r"samples of shape \(1, 2, 2\).*takes \(5,\)"):
        sd.run(one_neuron(steps=2, inputs=5), f"npz_file:{tmp_path / 'mine.npz'}")
