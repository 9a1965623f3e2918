"""Folders of images in real files."""

import zlib

import numpy as np
import pytest
from PIL import Image

from snn_deploy.support.user_error import UserError
from snn_deploy.train.datasets import image_folder, imagenet_folder


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def flat(value, height=10, width=10):
    return np.full((height, width, 3), value, np.uint8)


def write_classes(folder, classes=("apple", "bee"), count=10):
    """Write images whose red channel is their number in the class, and whose green one is their class."""
    for label, name in enumerate(classes):
        for number in range(count):
            pixels = flat(0)
            pixels[..., 0], pixels[..., 1] = number, label
            save(folder / name / f"{number:02}.png", pixels)


def test_class_subfolders_give_labels_and_every_fifth_image_is_held_out(tmp_path):
    write_classes(tmp_path)
    dataset = image_folder.Dataset(str(tmp_path), size=10)
    train, test = dataset.load("train"), dataset.load("test")
    assert (train.inputs.shape, test.inputs.shape) == ((16, 3, 10, 10), (4, 3, 10, 10))
    np.testing.assert_array_equal(train.inputs[:][:, 1, 0, 0], train.labels)
    assert sorted(test.inputs[:][:, 0, 0, 0]) == [4, 4, 9, 9]
    assert train.classes == test.classes == 2


def test_a_split_of_the_folders_own_is_kept(tmp_path):
    write_classes(tmp_path / "train", count=3)
    write_classes(tmp_path / "val", classes=("bee",), count=2)
    dataset = image_folder.Dataset(str(tmp_path), size=10)
    assert len(dataset.load("train").labels) == 6
    assert dataset.load("test").labels.tolist() == [1, 1]


def test_the_first_samples_are_of_all_classes_and_always_the_same(tmp_path):
    write_classes(tmp_path)
    dataset = image_folder.Dataset(str(tmp_path), size=10)
    first = dataset.load("train").first(8)
    assert set(first.labels) == {0, 1}
    assert first.inputs.paths == dataset.load("train").first(8).inputs.paths


def test_files_are_read_when_they_are_indexed_and_like_an_array(tmp_path, monkeypatch):
    write_classes(tmp_path)
    samples = image_folder.Dataset(str(tmp_path), size=10).load("train")
    read = []
    original = type(samples.inputs)._read
    monkeypatch.setattr(type(samples.inputs), "_read", lambda self, path: (read.append(path), original(self, path))[1])
    few = samples.first(5)
    assert (len(few.inputs), few.inputs.dtype, read) == (5, np.uint8, [])
    whole = np.asarray(samples.inputs)
    read.clear()
    chosen = np.array([3, 0, 11])
    np.testing.assert_array_equal(samples.inputs[chosen], whole[chosen])
    assert len(read) == 3
    np.testing.assert_array_equal(samples.inputs[2:4], whole[2:4])
    np.testing.assert_array_equal(samples.inputs[-1], whole[-1])


def test_the_shorter_side_is_resized_and_the_middle_cut_out(tmp_path):
    pixels = flat(0, 20, 60)
    pixels[:, 20:40] = 200  # the middle third
    save(tmp_path / "a" / "wide.png", pixels)
    image = image_folder.Dataset(str(tmp_path), size=10).load("train").inputs[0]
    assert image.shape == (3, 10, 10)
    assert (image[:, :, 1:-1] == 200).all()


def test_grey_images_have_one_channel(tmp_path):
    save(tmp_path / "a" / "1.png", np.arange(100, dtype=np.uint8).reshape(10, 10))
    image = image_folder.Dataset(str(tmp_path), size=10, channels=1).load("train").inputs[0]
    np.testing.assert_array_equal(image[0], np.arange(100).reshape(10, 10))


def test_imagenet_is_cut_to_224_of_256(tmp_path):
    for split in ("train", "val"):
        for name in ("n01440764", "n01443537"):
            save(tmp_path / split / name / "x.JPEG", flat(128, 300, 400), format="JPEG")
    dataset = imagenet_folder.Dataset(str(tmp_path))
    for split in ("train", "test"):
        samples = dataset.load(split)
        assert samples.inputs.shape == (2, 3, 224, 224)
        assert sorted(samples.labels) == [0, 1]
        assert abs(samples.inputs[0].astype(int) - 128).max() <= 2


def test_missing_imagenet_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"no such folder.*image-net\.org.*data\.folder=FOLDER"):
        imagenet_folder.Dataset(str(tmp_path / "nowhere")).load("train")


def test_imagenet_without_its_validation_folder_is_a_users_mistake(tmp_path):
    write_classes(tmp_path / "train")
    with pytest.raises(UserError, match="no subfolder test or val"):
        imagenet_folder.Dataset(str(tmp_path)).load("test")


def test_a_size_that_cannot_be_cut_out_is_a_users_mistake(tmp_path):
    with pytest.raises(UserError, match="resize 100 is below size 224"):
        imagenet_folder.Dataset(str(tmp_path), resize=100).load("train")


@pytest.mark.parametrize(
    ("name", "pixels", "expected"),
    [
        ("deep.png", np.full((10, 10), 4000, np.uint16), "pixels of type I;16"),
        ("glass.png", np.full((10, 10, 4), 7, np.uint8), "transparent"),
    ],
)
def test_pixels_that_would_lose_something_are_refused(tmp_path, name, pixels, expected):
    save(tmp_path / "a" / name, pixels)
    with pytest.raises(UserError, match=expected):
        image_folder.Dataset(str(tmp_path)).load("train").inputs[0]


def test_an_opaque_alpha_channel_loses_nothing(tmp_path):
    pixels = np.full((10, 10, 4), 255, np.uint8)
    pixels[..., :3] = 9
    save(tmp_path / "a" / "1.png", pixels)
    assert (image_folder.Dataset(str(tmp_path), size=10).load("train").inputs[0] == 9).all()


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(20)])
def test_a_damaged_image_is_named(tmp_path, content):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "bad.png").write_bytes(content)
    samples = image_folder.Dataset(str(tmp_path)).load("train")
    with pytest.raises(UserError, match=r"bad\.png: not a readable image"):
        samples.inputs[np.array([0])]


def test_a_truncated_image_is_named(tmp_path):
    save(tmp_path / "a" / "cut.png", np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    path = tmp_path / "a" / "cut.png"
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(UserError, match=r"cut\.png: not a readable image"):
        image_folder.Dataset(str(tmp_path)).load("train").inputs[0]


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda folder: None, "no class subfolders"),
        (lambda folder: (folder / "a").mkdir(), "no files for the train split"),
        (lambda folder: [(folder / "a").mkdir(), (folder / "a" / "notes.txt").write_text("x")], "not by its name"),
        (
            lambda folder: [write_classes(folder / "train", ("a",), 1), write_classes(folder / "test", ("b",), 1)],
            "'b' is not among the training classes",
        ),
    ],
)
def test_a_folder_of_another_kind_is_a_users_mistake(tmp_path, write, expected):
    write(tmp_path)
    with pytest.raises(UserError, match=expected):
        split = "test" if (tmp_path / "test").exists() else "train"
        image_folder.Dataset(str(tmp_path)).load(split)


@pytest.mark.parametrize(
    "header", [b"P6\n\n\n", b"P6\n10 10\n0\n", b"P6\n-1 10\n255\n", b"P6\n10 10\n999999\n", b"P9 x"]
)
def test_a_damaged_ppm_is_named(tmp_path, header):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "bad.ppm").write_bytes(header + bytes(300))
    with pytest.raises(UserError, match=r"bad\.ppm: not a readable image"):
        image_folder.Dataset(str(tmp_path)).load("train").inputs[0]


def test_an_image_that_claims_more_pixels_than_it_has_is_not_unpacked(tmp_path):
    save(tmp_path / "a" / "bad.png", np.zeros((9, 9, 3), np.uint8))
    path = tmp_path / "a" / "bad.png"
    header = b"IHDR" + (9000).to_bytes(4, "big") * 2 + path.read_bytes()[24:29]
    path.write_bytes(path.read_bytes()[:12] + header + zlib.crc32(header).to_bytes(4, "big") + path.read_bytes()[33:])
    with pytest.raises(UserError, match="it claims 9000 x 9000 pixels"):
        image_folder.Dataset(str(tmp_path)).load("train").inputs[0]
