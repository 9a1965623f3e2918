"""MNIST-like data from idx files."""

import gzip

import numpy as np
import pytest

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.user_error import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 9, 0, 1, 1, 4], np.uint8)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("is_zipped", [True, False])
def test_the_four_files_give_images_and_labels(tmp_path, name, is_zipped):
    for prefix, end in (("train", 6), ("t10k", 4)):
        for kind, array in (("images-idx3", IMAGES[:end]), ("labels-idx1", LABELS[:end])):
            path = tmp_path / f"{prefix}-{kind}-ubyte{'.gz' if is_zipped else ''}"
            path.write_bytes(gzip.compress(idx(array)) if is_zipped else idx(array))
    dataset = load_plugin("train.datasets", name).Dataset(str(tmp_path))
    np.testing.assert_array_equal(dataset.load("train").inputs, IMAGES[:, None])
    np.testing.assert_array_equal(dataset.load("test").labels, LABELS[:4])


def test_a_folder_without_them_says_which_file_is_missing(tmp_path):
    with pytest.raises(UserError, match="train-images-idx3-ubyte"):
        load_plugin("train.datasets", "mnist").Dataset(str(tmp_path)).load("train")


@pytest.mark.parametrize("name", plugin_names("train.datasets"))
def test_a_data_set_says_what_its_options_are(name):
    assert load_plugin("train.datasets", name).Dataset.__doc__
