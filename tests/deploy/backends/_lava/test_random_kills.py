"""Whenever a job or its parent is killed, nothing is left; tests/helpers/random_kills.py does it more often."""

import random

import pytest
from helpers.lava_help import needs_lava, needs_proc
from helpers.random_kills import kill_at_random

pytestmark = [needs_lava, needs_proc]


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_at_a_random_moment_leaves_nothing(seed, tmp_path_factory):
    kill_at_random(random.Random(seed), tmp_path_factory.mktemp("k"))
