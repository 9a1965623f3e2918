"""What can be tested of the way to Loihi 2 without one."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.lava_help import assert_identical, needs_lava

from snn_deploy.deploy.backends import lava, loihi2, reference
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError


def network(*, fires=False):
    rng = np.random.default_rng(2)
    return IntegerNetwork(
        IntegerInput("image", (2, 5, 4), 255),
        (
            IntegerPopulation("map", (3, 5, 4), 20_000, 1024, 0, 64 * 30),
            IntegerPopulation("hidden", (4,), 60, 2048, 1000, 0),
            IntegerPopulation("out", (3,), 50, 4096, 0, 0, fires=fires),
        ),
        (
            IntegerConnection("a", "image", "map", rng.integers(-128, 128, (3, 2, 3, 3)), padding=(1, 1)),
            IntegerConnection("b", "map", "hidden", rng.integers(-128, 128, (4, 60))),
            IntegerConnection("c", "hidden", "out", rng.integers(-60, 128, (3, 4))),
        ),
        steps=4,
    )


@needs_lava
@pytest.mark.parametrize("fires", [False, True])
def test_what_would_go_to_the_chip_is_exact_where_lava_simulates_it(fires):
    integer = network(fires=fires)
    loihi2.check(integer)
    images = np.random.default_rng(3).integers(0, 256, (3, 2, 5, 4)).astype(np.uint8)
    finished = []
    found = lava.run_job(
        "helpers.simulated_chip", integer, images, lambda f: None, record=True, progress=finished.append, timeout=600
    )
    assert_identical(found, reference.run(integer, images, record=True))
    assert sum(finished) == 3


def test_what_needs_a_process_of_ours_is_refused_by_name():
    integer = network()
    first, hidden, out = integer.populations
    per_channel = replace(integer, populations=(replace(first, threshold=np.array([1, 2, 3])), hidden, out))
    with pytest.raises(UserError, match=r"population 'map': values per channel.*backend lava"):
        loihi2.check(per_channel)
    skip = IntegerConnection("skip", "map", "out", np.ones((3, 60)))
    with pytest.raises(UserError, match=r"connection 'skip': spikes that wait 1 steps"):
        loihi2.check(replace(integer, connections=(*integer.connections, skip)))
    wide = IntegerConnection("wide", "image", "map", np.ones((3, 2, 1, 1)), stride=(1, 1))
    loihi2.check(replace(integer, connections=(wide, *integer.connections[1:])))
    heavy = replace(integer.connections[0], weights=np.full((3, 2, 3, 3), 127), exponent=5)
    with pytest.raises(UserError, match="connection 'a': a convolution"):
        loihi2.check(replace(integer, connections=(heavy, *integer.connections[1:])))


@needs_lava
def test_without_intels_package_one_line_says_what_is_missing():
    if loihi2.why_unavailable() is None:
        pytest.skip("Intel's package is here")  # it is not public: everywhere else, CI included, this test runs
    with pytest.raises(UserError, match=r"'loihi2' does not work here: Intel's package lava-loihi.*is not installed"):
        load_backend("loihi2")
