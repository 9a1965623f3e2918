"""What is recorded is what the reference computes, as h5py reads it."""

import h5py
import numpy as np
import pytest

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.running.recording import run_recorded
from snn_deploy.deploy.running.simulation import Interrupted, as_frames
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.network import integer_semantics


@pytest.mark.parametrize("seed", range(12))
def test_the_file_holds_every_spike_and_potential_of_the_reference(seed, tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "_SAMPLES_AT_A_TIME", 2)
    network = random_network(seed)
    images = random_inputs(network, 5, seed)
    ready = cpu.prepared(network)
    found = run_recorded(network, images, np.arange(5), tmp_path / "all.h5", ready)
    np.testing.assert_array_equal(found.outputs, cpu.run(network, images).outputs)
    assert found.spikes is found.potentials is None
    expected = integer_semantics.run(network, as_frames(network, images))
    with h5py.File(tmp_path / "all.h5") as file:
        assert file.attrs["network_sha256"] == network.digest
        for name, spikes in expected.spikes.items():
            np.testing.assert_array_equal(np.swapaxes(file[f"spikes/{name}"], 0, 1), spikes)
        for name, values in expected.left.items():
            np.testing.assert_array_equal(np.swapaxes(file[f"potentials/{name}"], 0, 1), values)
        np.testing.assert_array_equal(file["outputs"], found.outputs)
        np.testing.assert_array_equal(file["labels"], np.arange(5))


def test_an_interrupt_keeps_the_samples_that_were_done(tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "_SAMPLES_AT_A_TIME", 2)
    network = random_network(1)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        run_recorded(
            network, random_inputs(network, 5, 1), np.arange(5), tmp_path / "some.h5", cpu.prepared(network), stop
        )
    assert len(caught.value.simulation.outputs) == 2
    with h5py.File(tmp_path / "some.h5") as file:
        assert len(file["labels"]) == len(file["outputs"]) == 2
        assert all(len(array) == 2 for array in (*file["spikes"].values(), *file["potentials"].values()))
