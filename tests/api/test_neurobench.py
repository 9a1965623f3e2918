"""sd.neurobench: NeuroBench's metrics of a trained network, in integers and in floats, and their file."""

import json

import numpy as np
import pytest

import snn_deploy as sd
from snn_deploy.network.float_network import read_float_network


@pytest.fixture(scope="module")
def found(exported):
    return sd.neurobench(exported, samples=30)


def test_accuracy_and_spikes_are_those_of_a_run(exported, found):
    ran = sd.run(exported, samples=30)
    assert found.accuracy == ran.accuracy
    silent = {name: 1 - rate for name, rate in ran.rates.items()}
    assert found.counts.sparsity == pytest.approx(silent)
    assert found.counts.samples == 30


def test_where_layers_see_pooled_spikes_both_counts_are_there_with_the_reason(found):
    layers, on_chip = found.synaptic_operations, found.deployed_operations
    assert found.is_pooled
    assert layers.macs > on_chip.macs > 0  # pixels are multiplied either way
    assert on_chip.acs > layers.acs
    assert "layers of torch see pooled spikes" in str(found)
    first, first_on_chip = found.counts.layers[0], found.counts.deployed[0]
    assert first == first_on_chip  # nothing is pooled before it


def test_a_chip_s_operations_are_those_of_the_event_model_that_charges_nothing_for_a_weight_of_0(exported, found):
    events = sd.energy(exported, samples=30, profile="loihi2").events
    of_weights = {name: counts.mean() for name, counts in events.operations_of_weights.items()}
    assert {o.connection: o.macs + o.acs for o in found.counts.deployed} == pytest.approx(of_weights)


def test_the_file_is_the_dictionary_under_the_names_of_the_harness(found, tmp_path):
    saved = found.save(tmp_path / "deep" / "metrics.json")
    assert saved.file == tmp_path / "deep" / "metrics.json"
    content = json.loads(saved.file.read_text())
    assert content == found.to_dict()
    assert list(content) == [
        "Footprint",
        "ParameterCount",
        "ConnectionSparsity",
        "ClassificationAccuracy",
        "ActivationSparsity",
        "ActivationSparsityByLayer",
        "MembraneUpdates",
        "SynapticOperations",
        "snn_deploy",
    ]
    with pytest.raises(sd.UserError, match="ends in \\.json"):
        found.save(tmp_path / "metrics.txt")


def test_the_network_in_floats_takes_four_times_the_bytes_and_has_the_same_dense_operations(run, found):
    network = read_float_network(run / "float_network.npz")
    in_floats = sd.neurobench(network, samples=30)
    assert in_floats.footprint.weights == 4 * found.footprint.weights
    assert in_floats.synaptic_operations.dense == found.synaptic_operations.dense
    assert in_floats.membrane_updates == pytest.approx(found.membrane_updates, rel=0.1)
    assert in_floats.accuracy is not None


def test_an_array_needs_no_labels_and_frames_are_taken_step_by_step(exported):
    frames = np.zeros((3, 2, 1, 8, 8), np.uint8)
    silent = sd.neurobench(exported, frames)
    assert silent.accuracy is None
    assert "ClassificationAccuracy" not in silent.to_dict()
    assert silent.synaptic_operations.macs == silent.synaptic_operations.acs == 0
    assert silent.counts.activation_sparsity == 1
    with pytest.raises(sd.UserError, match="inputs of shape"):
        sd.neurobench(exported, frames[..., :7])
