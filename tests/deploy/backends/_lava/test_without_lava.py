"""What a machine without Lava is told."""

import importlib.util
import sys

import numpy as np
import pytest

from snn_deploy.deploy.backends import lava, netx
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.support.user_error import UserError


@pytest.fixture
def without_lava(monkeypatch):
    """Let no package called lava be found."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name.startswith("lava") else find(name, *rest)
    )


@pytest.mark.parametrize("backend", [lava, netx])
def test_a_missing_lava_is_told_with_what_to_install(without_lava, backend):
    network = random_network(0)
    assert backend.why_unavailable() == (
        "Lava is not installed. Install it with `uv sync` in a checkout, or with pip as `snn-deploy help lava` says."
    )
    with pytest.raises(UserError, match="not installed"):
        backend.run(network, np.asarray(random_inputs(network, 1, 0)))


def test_looking_for_lava_imports_nothing_of_it():
    lava.why_unavailable()
    netx.why_unavailable()
    assert not any(name.startswith(("lava.magma", "lava.proc", "lava.lib.dl.netx")) for name in sys.modules)
