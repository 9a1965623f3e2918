"""Images of the user's own in a numpy file."""

from pathlib import Path

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.datasets.npz_file import Dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 3, 6, 5), dtype=np.uint8)
LABELS = np.arange(10) % 4


def write(tmp_path, **arrays):
    np.savez(tmp_path / "data.npz", **arrays)
    return str(tmp_path / "data.npz")


def test_images_and_labels_are_split_every_fifth_sample(tmp_path):
    dataset = Dataset(write(tmp_path, images=IMAGES, labels=LABELS))
    train, test = dataset.load("train"), dataset.load("test")
    np.testing.assert_array_equal(test.inputs, IMAGES[[4, 9]])
    np.testing.assert_array_equal(test.labels, LABELS[[4, 9]])
    assert (len(train.labels), train.classes, test.classes) == (8, 4, 4)


@pytest.mark.parametrize("names", [("train_images", "train_labels", "test_images", "test_labels"),
                                   ("x_train", "y_train", "x_test", "y_test")])  # fmt: skip
def test_a_split_of_the_files_own_is_kept_and_classes_are_counted_over_both(tmp_path, names):
    path = write(tmp_path, **dict(zip(names, (IMAGES[:7], LABELS[:7], IMAGES[7:], LABELS[7:] * 0 + 4), strict=True)))
    train, test = Dataset(path).load("train"), Dataset(path).load("test")
    np.testing.assert_array_equal(train.inputs, IMAGES[:7])
    np.testing.assert_array_equal(test.inputs, IMAGES[7:])
    assert train.classes == test.classes == 5


def test_test_samples_alone_are_enough_to_measure_on(tmp_path):
    dataset = Dataset(write(tmp_path, test_images=IMAGES, test_labels=LABELS * 2))
    np.testing.assert_array_equal(dataset.load("test").inputs, IMAGES)
    with pytest.raises(UserError, match="it needs train_images"):
        dataset.load("train")


def test_images_without_a_channel_axis_get_one_channel(tmp_path):
    samples = Dataset(write(tmp_path, images=IMAGES[:, 0], labels=LABELS[:, None])).load("test")
    assert samples.inputs.shape == (2, 1, 6, 5)
    assert samples.labels.shape == (2,)


def test_channels_may_be_last_where_the_user_says_so(tmp_path):
    path = write(tmp_path, images=IMAGES.transpose(0, 2, 3, 1), labels=LABELS)
    np.testing.assert_array_equal(Dataset(path, channels_last=True).load("test").inputs, IMAGES[[4, 9]])
    with pytest.raises(UserError, match="channels_last = true"):
        Dataset(path).load("test")


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"images": IMAGES / 255, "labels": LABELS}, "allowed is uint8"),
        ({"images": IMAGES, "labels": LABELS[:3]}, "one whole number per image"),
        ({"images": IMAGES, "labels": LABELS / 2}, "one whole number per image"),
        ({"images": IMAGES, "labels": LABELS - 1}, "from 0"),
        ({"images": IMAGES}, "images without labels"),
        ({"images": IMAGES[:4], "labels": LABELS[:4]}, "leave none for testing"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "of shape"),
        ({"images": IMAGES[0, 0], "labels": LABELS[:6]}, "of shape"),
        ({"pictures": IMAGES}, "it needs train_images"),
        ({"train_images": IMAGES, "train_labels": LABELS}, "it needs train_images"),
        ({"images": np.array([{}, {}], dtype=object), "labels": LABELS}, "not a whole .npz file"),
    ],
)
def test_a_file_of_another_kind_is_a_users_mistake(tmp_path, arrays, expected):
    with pytest.raises(UserError, match=expected):
        Dataset(write(tmp_path, **arrays)).load("test")


def test_a_missing_or_damaged_file_is_a_users_mistake(tmp_path):
    with pytest.raises(UserError, match=r"none\.npz: not a whole"):
        Dataset(str(tmp_path / "none.npz")).load("train")
    path = write(tmp_path, images=IMAGES, labels=LABELS)
    content = bytearray(Path(path).read_bytes())
    content[300] ^= 255
    Path(path).write_bytes(content)
    with pytest.raises(UserError, match="not a whole"):
        Dataset(path).load("train")
    np.save(tmp_path / "one.npy", IMAGES)
    with pytest.raises(UserError, match=r"not a whole \.npz file"):
        Dataset(str(tmp_path / "one.npy")).load("train")


def test_class_numbers_with_gaps_are_refused_unless_the_number_of_classes_is_given(tmp_path):
    labels = np.array([0, 1, 2, 5000, 0, 1, 2, 0, 1, 2])
    path = write(tmp_path, images=IMAGES, labels=labels)
    with pytest.raises(UserError, match=r"largest 5000, and none is 3: .* 5001 outputs.*data\.classes = 5001"):
        Dataset(path).load("train")
    assert Dataset(path, classes=5001).load("train").classes == 5001
    with pytest.raises(UserError, match=r"label 5000; data\.classes = 3 allows 0\.\.2"):
        Dataset(path, classes=3).load("test")
    split = write(tmp_path, train_images=IMAGES, train_labels=LABELS, test_images=IMAGES, test_labels=LABELS * 2)
    with pytest.raises(UserError, match="none is 5"):  # 0 to 4 and 6
        Dataset(split).load("train")
    assert Dataset(split, classes=9).load("test").classes == 9
