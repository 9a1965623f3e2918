"""Augmentations: their contract, what each of them does, and their place in a config."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.user_error import UserError
from snn_deploy.train.augmentations import autoaugment, crop, cutout, flip, resized_crop
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.data.augmentation import augment
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.epoch import _training_batch as training_batch
from snn_deploy.train.run.loop import Watcher, train
from snn_deploy.train.run.run_start import start_run

NAMES = plugin_names("train.augmentations")
TABLE = {"data": {"name": "digits"}, "model": {"layers": "8C3-P2-10"}}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(batch=6, channels=3, height=32, width=32, seed=1):
    return torch.randint(0, 256, (batch, channels, height, width), dtype=torch.uint8, generator=generator(seed))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(5, 3, 32, 32), (3, 1, 28, 20)], ids=str)
def test_every_augmentation_keeps_shape_and_type_and_leaves_its_input(name, shape):
    before = images(*shape)
    given = before.clone()
    after = load_plugin("train.augmentations", name).Augmentation()(given, generator())
    assert (after.shape, after.dtype) == (before.shape, torch.uint8)
    assert torch.equal(given, before)


@pytest.mark.parametrize("name", NAMES)
def test_every_augmentation_draws_from_its_generator_alone(name):
    augmentation = load_plugin("train.augmentations", name).Augmentation()
    results = []
    for global_seed in (3, 4):
        torch.manual_seed(global_seed)
        expected_next = torch.random.get_rng_state()
        results.append(augmentation(images(), generator(7)))
        assert torch.equal(torch.random.get_rng_state(), expected_next)
    assert torch.equal(*results)
    assert not torch.equal(results[0], augmentation(images(), generator(8)))


@pytest.mark.parametrize("name", NAMES)
def test_every_augmentation_goes_on_exactly_from_a_saved_state(name):
    augmentation = load_plugin("train.augmentations", name).Augmentation()
    going = generator(7)
    augmentation(images(), going)
    state = going.get_state()
    resumed = torch.Generator()
    resumed.set_state(state)
    assert torch.equal(augmentation(images(), going), augmentation(images(), resumed))


@given(seed=st.integers(0, 2**32 - 1), probability=st.sampled_from([0.0, 0.5, 1.0]))
def test_flip_mirrors_whole_images_or_leaves_them(seed, probability):
    before = images(8, 2, 4, 5)
    after = flip.Augmentation(probability)(before, generator(seed))
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(after, before, strict=True)]
    assert all(m or torch.equal(a, b) for m, a, b in zip(mirrored, after, before, strict=True))
    assert probability == 0.5 or mirrored == [probability == 1.0] * 8


@given(seed=st.integers(0, 2**32 - 1), padding=st.integers(0, 4))
def test_crop_moves_each_image_by_at_most_the_padding(seed, padding):
    before = images(4, 3, 6, 7)
    after = crop.Augmentation(padding)(before, generator(seed))
    padded = np.pad(before.numpy(), ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    for image, source in zip(after.numpy(), padded, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(source, image.shape)
        assert (windows == image).all(axis=(-3, -2, -1)).any()


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 9))
def test_cutout_blackens_one_square_and_nothing_else(seed, size):
    before = images(4, 2, 8, 8).clamp(min=1)
    after = cutout.Augmentation(size)(before, generator(seed))
    hole = after == 0
    assert torch.equal(after[~hole], before[~hole])
    assert (hole == hole[:, :1]).all()  # the same in every channel
    for mask in hole[:, 0].numpy():
        rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
        assert mask.sum() == len(rows) * len(columns) > 0
        for inside in (rows, columns):
            touches_an_edge = inside[0] == 0 or inside[-1] == 7
            assert len(inside) == inside[-1] - inside[0] + 1
            assert len(inside) == size or (touches_an_edge and len(inside) < size)


def test_crop_reaches_every_shift_about_equally_often():
    marked = torch.zeros(4000, 1, 9, 9, dtype=torch.uint8)
    marked[:, :, 4, 4] = 1
    after = crop.Augmentation(4)(marked, generator())
    counts = after[:, 0].sum(0).float()
    assert counts.sum() == 4000
    assert counts.min() > 20
    assert counts.max() < 90


def test_resized_crop_of_the_whole_area_of_a_square_is_the_image_or_nearly():
    smooth = torch.linspace(0, 255, 32).round().to(torch.uint8).expand(4, 3, 32, 32)
    after = resized_crop.Augmentation(least_area=0.9)(smooth, generator())
    assert (after.int() - smooth.int()).abs().float().mean() < 20


def test_resized_crop_keeps_a_flat_image_flat():
    assert (resized_crop.Augmentation()(torch.full((5, 3, 20, 30), 77, dtype=torch.uint8), generator()) == 77).all()


def test_autoaugment_refuses_channels_that_are_no_colours():
    with pytest.raises(UserError, match="images of 2 channels"):
        autoaugment.Augmentation()(images(channels=2), generator())


@pytest.mark.parametrize("policy", ["cifar10", "imagenet", "svhn"])
def test_autoaugment_changes_most_images(policy):
    before = images(12)
    after = autoaugment.Augmentation(policy)(before, generator())
    assert sum(not torch.equal(a, b) for a, b in zip(after, before, strict=True)) >= 6


def test_augmentations_are_applied_in_the_order_of_their_places():
    choices = [cutout.Augmentation(size=1), flip.Augmentation(1.0), crop.Augmentation(0)]
    before = images().clamp(min=1)
    after = augment(before, choices, generator(5))
    by_hand = generator(5)
    expected = before
    for augmentation in reversed(choices):
        expected = augmentation(expected, by_hand)
    assert torch.equal(after, expected)
    places = [
        load_plugin("train.augmentations", n).Augmentation.order for n in ("crop", "flip", "autoaugment", "cutout")
    ]
    assert places == sorted(places)


def test_no_augmentations_leave_the_images_and_the_generator():
    drawing = generator()
    state = drawing.get_state()
    before = images()
    assert augment(before, (), drawing) is before
    assert torch.equal(drawing.get_state(), state)


def test_a_config_names_augmentations_as_tables_in_any_order():
    tables = {"cutout": {"size": 8}, "autoaugment": {}, "crop": {}, "flip": {"probability": 0.25}}
    config = resolved_config({**TABLE, "augmentations": tables}, "my.toml")
    assert [c.name for c in config.augmentations] == ["crop", "flip", "autoaugment", "cutout"]
    assert config.augmentations[1].options.probability == 0.25
    assert resolved_config(config.table(), "again") == config


def test_a_config_without_augmentations_has_none():
    assert resolved_config(TABLE, "my.toml").augmentations == ()


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"flop": {}}, "Did you mean 'flip'?"),
        ({"flip": {"probabilty": 1.0}}, "Did you mean 'probability'?"),
        ({"flip": 0.5}, r"allowed is a table, \[augmentations.flip\]"),
        ({"cutout": {"size": 0}}, "greater than or equal to 1"),
        ({"autoaugment": {"policy": "mnist"}}, "'cifar10'"),
    ],
)
def test_a_wrong_augmentation_is_an_error_that_says_what_is_allowed(tables, expected):
    with pytest.raises(UserError, match=expected):
        resolved_config({**TABLE, "augmentations": tables}, "my.toml")


AUGMENTED = {
    **TABLE,
    "steps": 2,
    "model": {"layers": "3C3-P2-10"},
    "training": {"epochs": 2, "batch_size": 16, "samples": 96, "threads": 1, "checkpoint_every": 2},
    "augmentations": {"crop": {"padding": 1}, "flip": {}, "cutout": {"size": 3}},
}


def test_a_stopped_run_with_augmentations_ends_as_if_it_never_had_been(tmp_path):
    config = resolved_config(AUGMENTED, "test")
    train(config, tmp_path / "whole")

    def stop(epoch, batch, *_):
        if (epoch, batch) == (2, 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "stopped", Watcher(batch=stop))
    train(config, tmp_path / "stopped", resume=True)
    whole, stopped = (tmp_path / name / "float_network.npz" for name in ("whole", "stopped"))
    assert whole.read_bytes() == stopped.read_bytes()
    without = resolved_config({**AUGMENTED, "augmentations": {}}, "test")
    train(without, tmp_path / "without")
    assert whole.read_bytes() != (tmp_path / "without" / "float_network.npz").read_bytes()


def test_several_processes_get_their_parts_of_the_very_batch_that_one_process_gets(tmp_path):
    config, chosen = resolved_config(AUGMENTED, "test"), np.arange(16)

    def batch(rank, count):
        processes = Processes()
        processes.rank, processes.count = rank, count
        context = start_run(config, tmp_path / f"{rank}of{count}", False, None, processes).context
        return training_batch(context, chosen)[0]

    assert torch.equal(torch.cat([batch(0, 2), batch(1, 2)]), batch(0, 1))
