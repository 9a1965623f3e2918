"""Trainings that are killed and resumed end with the bytes of one that never was."""

import random
from functools import partial
from pathlib import Path

from helpers.killed import killed_after, killed_before_file

from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.run.loop import train


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below `folder` by its path; without the lock that it has while it trains."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    found.pop(".writer", None)
    return found


def kill_before_each_file(config: TrainConfig, whole: Path, numbers: range, place: Path) -> None:
    """Kill a run of `config` before each of its files `numbers` is in place; resumed, it has the files of `whole`.

    numbers: to the last file that a run writes.
    """
    expected = files_of(whole)
    for number in numbers:
        folder = place / str(number)
        assert killed_before_file(partial(train, config, folder), number)
        train(config, folder, resume=True)
        found = files_of(folder)
        assert found.keys() == expected.keys(), number
        assert found == expected, number
    assert not killed_before_file(partial(train, config, place / "whole"), numbers.stop)


def kill_at_random(config: TrainConfig, whole: Path, seconds: float, seed: int, place: Path) -> None:
    """Kill a run of `config`, which takes `seconds`, up to three times; resumed, it has the files of `whole`."""
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 3)):
        killed_after(lambda: train(config, place / "run", resume=True), seconds * rng.random())
    train(config, place / "run", resume=True)
    assert files_of(place / "run") == files_of(whole), f"seed {seed}"
