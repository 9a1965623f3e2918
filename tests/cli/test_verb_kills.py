"""Whatever ends a command, nothing of it is left; tests/helpers/verb_kills.py does it more often."""

import importlib.util
import multiprocessing
import random

import pytest
from helpers.lava_help import needs_proc
from helpers.verb_kills import _SHARED_MEMORY, _is_mapped, dask_cluster, kill_at_random, prepared

pytestmark = needs_proc


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    place = tmp_path_factory.mktemp("k")
    if importlib.util.find_spec("distributed") is None:
        yield place, prepared(place)
        return
    with dask_cluster(place) as cluster:
        yield place, prepared(place, cluster)


@pytest.mark.parametrize(
    ("verb", "way"),
    [
        ("search --workers", "SIGKILL"),
        ("search --workers", "terminal"),
        ("run --workers", "SIGKILL"),
        ("run --record", "SIGTERM"),
        ("compare --workers", "SIGTERM to all"),
        ("run --cluster", "SIGTERM"),
    ],
)
def test_a_command_that_is_ended_leaves_nothing(commands, verb, way):
    place, words = commands
    if verb not in words:
        pytest.skip("dask is not installed")
    kill_at_random(random.Random(f"{verb} {way}"), words[verb], way, place, longest=8.0)


def test_a_semaphore_that_a_living_process_made_is_not_a_commands():
    before = set(_SHARED_MEMORY.iterdir())
    lock = multiprocessing.get_context("spawn").Lock()  # stays under its name while it lives
    made = [
        path for path in set(_SHARED_MEMORY.iterdir()) - before if path.name.startswith("sem.") and _is_mapped(path)
    ]
    assert made
    del lock
