"""snn-deploy run --placement: the network as its cores hold it."""

import json

import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from helpers.lava_help import needs_lava

from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement, Slice, write_placement
from snn_deploy.network.integer_network import read_integer_network


@pytest.fixture
def placement(exported, tmp_path):
    """Return a file that cuts every population but the output in two along its rows."""
    network = read_integer_network(exported / "network.npz")
    cores = []
    for p in network.populations:
        middle = p.shape[1] // 2 if p.fires else 0
        for start, stop in ((0, middle), (middle, p.shape[1] if p.fires else p.shape[0])):
            if start < stop:
                low, high = ((0, start, 0), (p.shape[0], stop, p.shape[2])) if p.fires else ((start,), (stop,))
                cores.append(PlacedCore(0, (len(cores), 0), 0, (Slice(p.name, low, high),)))
    write_placement(Placement(network.digest, "loihi1", tuple(cores)), tmp_path / "placement.json")
    return tmp_path / "placement.json"


@pytest.mark.parametrize("backend", ["cpu", pytest.param("lava", marks=needs_lava)])
def test_what_the_cores_hold_does_what_the_network_does(exported, placement, backend):
    options = ("--backend", backend, "--samples", 6, "--json")
    whole = json.loads(snn_deploy("run", exported, *options).stdout)
    placed = snn_deploy("run", exported, *options, "--placement", placement)
    assert placed.exit_code == 0, placed.stderr
    assert "placed: 5 cores, " in placed.stderr
    assert json.loads(placed.stdout) == whole
    assert np.sum([p["spikes"] for p in whole["populations"]]) > 0


def test_a_placement_of_another_network_is_refused(exported, tmp_path):
    write_placement(Placement("other", "loihi1", ()), tmp_path / "p.json")
    result = snn_deploy("run", exported, "--samples", 2, "--placement", tmp_path / "p.json")
    assert result.exit_code == 2
    assert "placement: of the network other, and this is" in result.stderr
