import json
from dataclasses import replace

import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.deploy.backends import cpu, reference
from snn_deploy.deploy.verification.fuzz import fuzz
from snn_deploy.support.user_error import UserError

NETWORKS = 150  # thousands are for `snn-deploy fuzz`


def test_random_networks_are_identical_on_reference_cpu_and_onnx():
    pytest.importorskip("onnxruntime")
    found = fuzz(NETWORKS, 1_000, ["reference", "cpu", "onnx"])
    assert found.is_identical, str(found)
    assert found.refused == {}
    assert found.compared == NETWORKS
    assert found.spikes > 1_000


@pytest.fixture
def forgets_delays(monkeypatch):
    """A cpu backend that delivers everything that goes forward at once."""
    right = cpu.run

    def wrong(network, inputs, **options):
        order = [network.input.name, *(p.name for p in network.populations)]
        at_once = tuple(
            replace(c, delay=0) if order.index(c.source) < order.index(c.target) else c for c in network.connections
        )
        return right(replace(network, connections=at_once), inputs, **options)

    monkeypatch.setattr(cpu, "run", wrong)


@pytest.mark.usefixtures("forgets_delays")
def test_a_failure_names_its_seed_and_the_command_that_repeats_it():
    result = snn_deploy("fuzz", "--networks", 20, "--seed", 40, "--backends", "reference,cpu", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert not report["identical"]
    first = report["failures"][0]
    assert "cpu differs from reference" in first["what"]
    assert 40 <= first["seed"] < 60
    assert first["repeat"] == f"snn-deploy fuzz --networks 1 --seed {first['seed']} --backends reference,cpu"
    assert first["repeat"] in result.stderr
    again = json.loads(snn_deploy(*first["repeat"].split()[1:], "--json").stdout)
    assert again["failures"] == [first]


def test_a_backend_that_breaks_is_a_failure_with_its_seed(monkeypatch):
    right = cpu.run

    def breaks(network, inputs, **options):
        if network.steps > 4:
            raise IndexError("no step 4")
        return right(network, inputs, **options)

    monkeypatch.setattr(cpu, "run", breaks)
    found = fuzz(20, 0, ["reference", "cpu"])
    assert 0 < len(found.failures) < 20
    assert set(found.failures.values()) == {"IndexError: no step 4"}


def test_a_refused_network_is_counted_and_said_and_never_taken_for_compared(monkeypatch):
    right = reference.run

    def refuses(network, inputs, **options):
        if len(network.populations) > 2:
            raise UserError("too deep for me")
        return right(network, inputs, **options)

    monkeypatch.setattr(cpu, "run", refuses)
    found = fuzz(20, 0, ["reference", "cpu"])
    assert found.compared + len(found.refused) == 20
    assert f"not compared, {len(found.refused)}: too deep for me" in str(found)
    assert found.refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--networks", 0], "0 networks from seed 0; allowed are at least 1"),
        (["--seed", -1], "100 networks from seed -1"),
        (["--backends", "reference"], "name at least two different ones"),
        (["--backends", "reference,cqu"], "Did you mean 'cpu'"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(options, message):
    result = snn_deploy("fuzz", *options)
    assert result.exit_code == 2
    assert message in result.stderr
