"""What a job writes comes back in the project's order, without Lava."""

import numpy as np

from snn_deploy.deploy.backends._lava.files import JobFiles, finished_samples, recorded_potentials, recorded_spikes
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation


def test_spikes_and_potentials_come_back_channels_first(tmp_path):
    rng = np.random.default_rng(60)
    shape = (2, 3, 5)
    output = IntegerPopulation("map", shape, 0, 0, 0, 0, fires=False)
    connection = IntegerConnection("c", "input", "map", np.ones((2, 1, 1, 1)))
    network = IntegerNetwork(IntegerInput("input", (1, 3, 5)), (output,), (connection,), steps=4)
    spikes = rng.integers(0, 2, (4, 7, *shape)).astype(np.uint8)
    potentials = rng.integers(-(2**23) + 1, 2**23, (7, *shape))
    files = JobFiles(tmp_path)
    assert finished_samples(network, files) == 0
    in_lava_order = spikes.transpose(1, 0, 4, 3, 2).reshape(28, -1)
    files.spikes(0).write_bytes(np.packbits(in_lava_order, axis=1).tobytes())
    files.potentials.write_bytes(potentials.transpose(0, 3, 2, 1).astype(np.int32).tobytes())

    chunks = [chunk["map"] for chunk in recorded_spikes(network, files, 7, 3)]

    assert [c.shape[1] for c in chunks] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), spikes)
    np.testing.assert_array_equal(recorded_potentials(network, files, 7), potentials.reshape(1, 7, -1))
    assert finished_samples(network, files) == 7


def test_images_are_stored_once_for_all_steps(tmp_path):
    images = np.zeros((6, 2, 2), np.uint8)
    files = JobFiles(tmp_path)
    files.write_frames(np.broadcast_to(images, (4, *images.shape)))
    assert np.load(files.frames).shape == (6, 2, 2)
    files.write_frames(np.zeros((4, 6, 2, 2), np.uint8))
    assert np.load(files.frames).shape == (4, 6, 2, 2)
