"""CIFAR files as their authors write them, with a few images in each."""

import hashlib
import pickle

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.datasets import _cifar as shared
from snn_deploy.train.datasets import cifar10, cifar100

RNG = np.random.default_rng(3)


def some_images(count, classes):
    return RNG.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), RNG.integers(0, classes, count)


def write_binary(path, images, *label_columns):
    columns = [np.asarray(c, np.uint8)[:, None] for c in label_columns]
    np.concatenate([*columns, images.reshape(len(images), -1)], axis=1).tofile(path)


def write_python_batch(path, images, labels, key):
    path.parent.mkdir(exist_ok=True)
    content = {"data": images.reshape(len(images), -1), key: [int(v) for v in labels]}
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path.name, hashlib.md5(path.read_bytes()).hexdigest()


def write_cifar10_python(folder, monkeypatch):
    """Write the Python version and let torchvision expect its checksums; return the images and labels of a split."""
    from torchvision import datasets  # noqa: PLC0415 - slow to import

    base, data = folder / "cifar-10-batches-py", {}
    names = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
    for split, files in names.items():
        parts = [some_images(2, 10) for _ in files]
        listed = [write_python_batch(base / f, *part, "labels") for f, part in zip(files, parts, strict=True)]
        monkeypatch.setattr(datasets.CIFAR10, f"{split}_list", [list(entry) for entry in listed])
        data[split] = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    meta = base / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": list("abcdefghij")}, protocol=2))
    digest = hashlib.md5(meta.read_bytes()).hexdigest()
    monkeypatch.setattr(datasets.CIFAR10, "meta", {"filename": meta.name, "key": "label_names", "md5": digest})
    return data


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_the_binary_version_of_cifar10_is_read_from_the_folder_or_its_parent(tmp_path, inner):
    place = tmp_path / inner
    place.mkdir(exist_ok=True)
    parts = [some_images(2, 10) for _ in range(5)]
    for number, (images, labels) in enumerate(parts, 1):
        write_binary(place / f"data_batch_{number}.bin", images, labels)
    test_images, test_labels = some_images(3, 10)
    write_binary(place / "test_batch.bin", test_images, test_labels)
    dataset = cifar10.Dataset(str(tmp_path))
    train, test = dataset.load("train"), dataset.load("test")
    np.testing.assert_array_equal(train.inputs, np.concatenate([p[0] for p in parts]))
    np.testing.assert_array_equal(train.labels, np.concatenate([p[1] for p in parts]))
    np.testing.assert_array_equal(test.inputs, test_images)
    assert (test.inputs.dtype, test.labels.dtype, test.classes) == (np.uint8, np.int64, 10)


def test_cifar100_gives_the_fine_labels(tmp_path):
    images, fine = some_images(4, 100)
    write_binary(tmp_path / "train.bin", images, RNG.integers(0, 20, 4), fine)
    train = cifar100.Dataset(str(tmp_path)).load("train")
    np.testing.assert_array_equal(train.inputs, images)
    np.testing.assert_array_equal(train.labels, fine)
    assert train.classes == 100


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-py"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_python_version_is_read_by_torchvision_in_our_axis_order(tmp_path, monkeypatch, inner, split):
    images, labels = write_cifar10_python(tmp_path, monkeypatch)[split]
    samples = cifar10.Dataset(str(tmp_path / inner)).load(split)
    np.testing.assert_array_equal(samples.inputs, images)
    np.testing.assert_array_equal(samples.labels, labels)
    assert samples.inputs.dtype == np.uint8


def test_a_changed_pickle_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    write_cifar10_python(tmp_path, monkeypatch)
    (tmp_path / "cifar-10-batches-py" / "data_batch_2").write_bytes(pickle.dumps({"data": "other"}))
    with pytest.raises(UserError, match=r"corrupted.*cifar-10-python\.tar\.gz"):
        cifar10.Dataset(str(tmp_path)).load("train")


def test_a_truncated_binary_file_is_a_users_mistake(tmp_path):
    (tmp_path / "test_batch.bin").write_bytes(bytes(3072))
    with pytest.raises(UserError, match="3072 bytes, no whole number of records of 3073"):
        cifar10.Dataset(str(tmp_path)).load("test")


def test_a_label_beyond_the_classes_is_a_users_mistake(tmp_path):
    write_binary(tmp_path / "test_batch.bin", some_images(1, 10)[0], [10])
    with pytest.raises(UserError, match="a label 10"):
        cifar10.Dataset(str(tmp_path)).load("test")


@pytest.mark.parametrize("dataset", [cifar10, cifar100])
@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_the_files_says_how_to_get_them(tmp_path, dataset, exists):
    folder = tmp_path if exists else tmp_path / "nowhere"
    with pytest.raises(UserError, match=r"kriz/cifar\.html.*--set data\.folder=FOLDER"):
        dataset.Dataset(str(folder)).load("train")


def test_a_failed_download_says_how_to_get_the_files(tmp_path, monkeypatch):
    from torchvision import datasets  # noqa: PLC0415

    def fail(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(datasets, "CIFAR10", fail)
    monkeypatch.setattr(shared, "CACHE", tmp_path)
    with pytest.raises(UserError, match=r"download failed \(no network\).*cifar-10-python"):
        cifar10.Dataset().load("train")


def test_a_file_of_more_images_than_any_of_theirs_is_not_read(tmp_path):
    with (tmp_path / "test.bin").open("wb") as file:
        file.truncate(50_001 * 3074)  # holds nothing
    with pytest.raises(UserError, match="or more than 50000"):
        cifar100.Dataset(str(tmp_path)).load("test")
