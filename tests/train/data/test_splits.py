"""Validation samples: of every class, the same in every run, never trained with; a split of the data's own is used."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import changed_config
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.splits import held_out_samples, training_and_validation, validation_samples


def _dataset(name, **options):
    return load_plugin("train.datasets", name).Dataset(**options)


def test_a_tenth_of_every_class_is_held_out_and_the_same_one_again():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    held_out = held_out_samples(labels, 0.1)
    assert np.bincount(labels[held_out]).tolist() == [10, 5, 1]
    np.testing.assert_array_equal(held_out, held_out_samples(labels, 0.1))
    assert (np.diff(held_out) > 0).all()
    assert (np.diff(held_out) > 1).any()  # drawn, not the first of each


@pytest.mark.parametrize(("counts", "expected"), [([1, 4, 5], [0, 1, 1]), ([1, 1], [0, 0]), ([2, 30], [1, 3])])
def test_a_small_class_keeps_a_sample_to_train_with(counts, expected):
    labels = np.repeat(np.arange(len(counts)), counts)
    assert np.bincount(labels[held_out_samples(labels, 0.1)], minlength=len(counts)).tolist() == expected


def test_nothing_is_trained_and_validated_with_and_nothing_lost():
    whole = _dataset("digits").load("train")
    training, validation = training_and_validation(_dataset("digits"), 0.1)
    assert (len(training.labels), len(validation.labels)) == (1294, 144)
    both = np.concatenate([training.inputs, validation.inputs])
    assert sorted(map(bytes, both)) == sorted(map(bytes, whole.inputs))
    assert training_and_validation(_dataset("digits"), 0.0)[1] is None
    with pytest.raises(UserError, match=r"search: there are no validation samples.*data\.validation"):
        validation_samples(_dataset("digits"), 0.0, "search")


def _images(folder: Path, splits, names=("cat", "dog")):
    for split in splits:
        for shade, name in enumerate(names):
            (folder / split / name).mkdir(parents=True)
            for i in range(3):
                pixels = np.full((4, 4), 10 * shade + i + 100 * (split == "val"), np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{i}.png")


def test_a_val_folder_beside_train_and_test_is_the_validation_split(tmp_path):
    _images(tmp_path, ("train", "val", "test"))
    training, validation = training_and_validation(_dataset("image_folder", folder=str(tmp_path), size=4), 0.1)
    assert (len(training.labels), len(validation.labels)) == (6, 6)
    assert np.asarray(validation.inputs).min() >= 100 > np.asarray(training.inputs).max()
    assert np.asarray(_dataset("image_folder", folder=str(tmp_path), size=4).load("test").inputs).max() < 100


def test_without_a_test_folder_val_is_tested_and_images_of_train_are_held_out(tmp_path):
    _images(tmp_path, ("train", "val"))
    data = _dataset("image_folder", folder=str(tmp_path), size=4)
    training, validation = training_and_validation(data, 0.1)
    assert (len(training.labels), len(validation.labels)) == (4, 2)
    assert np.asarray(validation.inputs).max() < 100 <= np.asarray(data.load("test").inputs).min()


@pytest.mark.parametrize("names", [("val_images", "val_labels"), ("x_val", "y_val")])
def test_validation_arrays_of_an_npz_file_are_used(tmp_path, names):
    arrays = {}
    for value, (images, labels) in enumerate([("train_images", "train_labels"), ("test_images", "test_labels"), names]):
        arrays |= {images: np.full((4, 5, 5), value, np.uint8), labels: np.array([0, 1, 0, 1])}
    np.savez(tmp_path / "three.npz", **arrays)
    training, validation = training_and_validation(_dataset("npz_file", file=str(tmp_path / "three.npz")), 0.5)
    assert (len(training.labels), len(validation.labels)) == (4, 4)
    assert (training.inputs.max(), validation.inputs.min()) == (0, 2)


def test_the_share_stands_beside_the_keys_of_every_data_set_and_outlives_a_change_of_it():
    table = {"data": {"name": "npz_file", "file": "mine.npz", "validation": 0.2}, "model": {"layers": "10"}}
    config = changed_config(table, ["data.name=digits"], "test")
    assert config.held_out.validation == 0.2
    assert config.table()["data"] == {"name": "digits", "validation": 0.2}
    with pytest.raises(UserError, match=r"\[data\]: validation: .*less than or equal to 0.5"):
        changed_config(table, ["data.validation=0.6"], "test")


def test_samples_that_stay_on_disk_are_not_read_to_be_split():
    @dataclass(frozen=True)
    class Unread:
        order: tuple[int, ...]
        shape = (20, 1, 2, 2)

        def ordered(self, order):
            return Unread(tuple(self.order[i] for i in order))

    @dataclass(frozen=True)
    class Data:
        def load(self, split):
            return Samples(Unread(tuple(range(20))), np.arange(20) % 2, 2)

    training, validation = training_and_validation(Data(), 0.1)
    assert sorted(training.inputs.order + validation.inputs.order) == list(range(20))
