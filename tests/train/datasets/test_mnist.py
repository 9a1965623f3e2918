"""MNIST-like data from idx files."""

import gzip
import tracemalloc
import zlib

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
    padded = load_plugin("train.datasets", name).Dataset(str(tmp_path), padding=2).load("test")
    assert padded.inputs.shape == (4, 1, 32, 32)
    np.testing.assert_array_equal(padded.inputs[:, :, 2:-2, 2:-2], IMAGES[:4, None])
    assert padded.inputs.sum() == IMAGES[:4].sum(dtype=int)


def test_a_folder_without_them_says_which_file_is_missing(tmp_path):
    with pytest.raises(UserError, match="train-images-idx3-ubyte"):
        load_plugin("train.datasets", "mnist").Dataset(str(tmp_path)).load("train")


@pytest.mark.parametrize("name", plugin_names("train.datasets"))
def test_a_data_set_says_what_its_options_are(name):
    assert load_plugin("train.datasets", name).Dataset.__doc__


def written(folder, images, labels):
    """Write the test split, images as an idx file or as these bytes."""
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(images if isinstance(images, bytes) else idx(images))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    return load_plugin("train.datasets", "mnist").Dataset(str(folder))


def refused(folder, images, labels=LABELS):
    dataset = written(folder, images, labels)
    tracemalloc.start()
    with pytest.raises(UserError) as error:
        dataset.load("test")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(error.value)
    return str(error.value), peak


def test_a_bomb_is_not_unpacked(tmp_path):
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (1 << 18, 32, 32))  # 256 MiB
    zeros = zlib.compressobj(9, wbits=31)
    bomb = zeros.compress(header) + b"".join(zeros.compress(bytes(1 << 20)) for _ in range(256)) + zeros.flush()
    assert len(bomb) < 2**19
    message, peak = refused(tmp_path, bomb)
    assert "claims (262144, 32, 32), 268435456 bytes, which its size cannot hold" in message
    assert peak < 2**20


def test_a_bomb_behind_a_small_claim_is_not_unpacked(tmp_path):
    message, peak = refused(tmp_path, gzip.compress(idx(IMAGES) + bytes(2**28)))
    assert f"more than {IMAGES.size} bytes of data" in message
    assert peak < 2**20


@pytest.mark.parametrize("shape", [(0, 28, 28), (6, 0, 28), (2**32 - 1, 2**32 - 1, 0)])
def test_no_images_are_refused(tmp_path, shape):
    content = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in shape)
    message, _ = refused(tmp_path, gzip.compress(content), LABELS[: shape[0]])
    assert f"claims {shape}, which has no data" in message


@pytest.mark.parametrize("axes", [0, 2, 5, 255])
def test_another_number_of_axes_is_refused(tmp_path, axes):
    content = bytes([0, 0, 8, axes]) + (1).to_bytes(4, "big") * axes + b"\1"
    message, _ = refused(tmp_path, gzip.compress(content))
    assert "not an idx file" in message or "do not belong together" in message
