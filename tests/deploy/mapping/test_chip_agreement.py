import pytest
from helpers.chip_agreement import exported_agree, integers_agree

from snn_deploy.deploy.backends import lava

needs_lava = pytest.mark.skipif(lava.why_unavailable() is not None, reason=str(lava.why_unavailable()))


@pytest.mark.parametrize("seed", range(16))
def test_export_check_map_and_checker_agree_on_random_networks(seed):
    assert exported_agree(seed, with_lava=False)
    assert integers_agree(seed, with_lava=False)


@needs_lava
@pytest.mark.parametrize("seed", [3, 5, 7])
def test_lava_runs_what_was_exported_for_a_chip(seed):
    assert exported_agree(seed, with_lava=True)


@needs_lava
@pytest.mark.parametrize("seed", range(4))
def test_lava_runs_what_a_chip_runs(seed):
    assert integers_agree(seed, with_lava=True)
