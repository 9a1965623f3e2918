"""snn-deploy energy on a chip, as a user calls it: what is printed is what was counted, and adds up."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from snn_deploy.cli.main import main
from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    write_integer_network,
)


def two_layers(hidden: int) -> IntegerNetwork:
    """For the digits: 8 x 8 pixels, as (1, 8, 8), `hidden` neurons, ten sums."""
    populations = (
        IntegerPopulation("hidden", (hidden, 1, 1), np.full(hidden, 3), 1, 0, 0),  # type: ignore[arg-type]
        IntegerPopulation("out", (10,), 0, 4096, 0, 0, fires=False),  # type: ignore[arg-type]
    )
    connections = (
        IntegerConnection("first", "input", "hidden", np.ones((hidden, 1, 8, 8), int)),
        IntegerConnection("second", "hidden", "out", np.ones((10, hidden), int)),
    )
    return IntegerNetwork(IntegerInput("input", (1, 8, 8), 255), populations, connections, 3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_integer_network(two_layers(6), tmp_path / "network.npz")
    return tmp_path / "network.npz"


def energy(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["energy", *map(str, arguments), "--data", "digits", "--samples", "3"])


def test_the_terms_sum_to_the_totals_and_the_range_holds_them(file):
    shown = energy(file, "--profile", "loihi2", "--json")
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert found["profile"] == "loihi2"
    assert len(found["estimates"]) == 3
    totals = [e["total"] for e in found["estimates"]]
    for e in found["estimates"]:
        assert sum(t["energy"] for t in e["terms"]) == pytest.approx(e["total"])
        assert all(t["energy"] == pytest.approx(t["count"] * t["unit_cost"]) and t["source"] for t in e["terms"])
    assert found["range"] == [min(totals), max(totals)]
    assert found["latency"]["sample"][0] <= found["latency"]["sample"][1]
    assert len(found["latency"]["busiest_cores"]) == len(found["busiest_links"]) == 3


def test_the_first_line_is_the_answer_energy_time_and_what_costs_most(file):
    found = json.loads(energy(file, "--profile", "loihi2", "--json").stdout)
    text = energy(file, "--profile", "loihi2").output
    first = text.splitlines()[0]
    match = re.fullmatch(r"energy: (\S+) to (\S+) nJ, (\S+) to (\S+) us a sample; largest term: (.*)", first)
    assert match, first
    shown = [float(number.replace(",", "")) for number in match.groups()[:4]]
    expected = [joule * 1e9 for joule in found["range"]] + [second * 1e6 for second in found["latency"]["sample"]]
    assert shown == pytest.approx(expected, rel=1e-3)
    highest = max(found["estimates"], key=lambda e: e["total"])
    sums = Counter()
    for term in highest["terms"]:
        sums[term["operation"].partition(",")[0]] += term["energy"]
    assert match[5] == sums.most_common(1)[0][0]
    for said in ("static power apart", "this model was off by", "left out: static power", "--details"):
        assert said in text


@pytest.mark.parametrize("profile", ["loihi2", "cmos45"])
def test_details_add_each_term_with_its_unit_cost_and_source(file, profile):
    short, found = energy(file, "--profile", profile), energy(file, "--profile", profile, "--details")
    assert found.exit_code == 0, found.output
    assert short.output.splitlines()[:-1] == found.output.splitlines()[: len(short.output.splitlines()) - 1]
    terms = json.loads(energy(file, "--profile", profile, "--json").stdout)["estimates"]
    said = " ".join(found.output.split())
    for estimate in terms:
        for term in estimate.get("terms", estimate.get("spiking")):
            assert term["operation"] in said
            assert term["source"].split(";")[0] in said
            assert f"{term['count']:,.1f}" in said
    assert len(short.output.splitlines()) < 20 < len(found.output.splitlines())


def test_neurobench_metrics_are_written_as_its_harness_would(file, tmp_path):
    place = tmp_path / "metrics.json"
    shown = energy(file, "--neurobench", place)
    assert shown.exit_code == 0, shown.output
    found = json.loads(place.read_text())
    assert found["SynapticOperations"]["Dense"] == 3 * (64 * 6 + 6 * 10)
    assert found["SynapticOperations"].keys() == {"Effective_MACs", "Effective_ACs", "Dense"}
    assert found["Footprint"] >= found["ParameterCount"] == 64 * 6 + 6 * 10
    assert json.loads(energy(file, "--neurobench", place, "--json").stdout) == found
    assert f"wrote {place}" in shown.output


def test_a_placement_that_map_wrote_is_taken(file, tmp_path):
    placement = tmp_path / "placement.json"
    mapped = ["map", str(file), "--data", "digits", "--samples", "3", "--out", str(placement)]
    assert CliRunner().invoke(main, mapped).exit_code == 0
    given = energy(file, "--profile", "loihi2", "--placement", placement, "--json")
    assert given.exit_code == 0, given.output
    assert json.loads(given.stdout) == json.loads(energy(file, "--profile", "loihi2", "--json").stdout)


def test_what_cannot_be_estimated_is_one_line(file, tmp_path):
    placement, other = tmp_path / "placement.json", tmp_path / "other.npz"
    assert CliRunner().invoke(main, ["map", str(file), "--out", str(placement)]).exit_code == 0
    write_integer_network(two_layers(7), other)
    for arguments, words in (
        ((file, "--placement", placement), "allowed with the profile of a chip"),
        ((other, "--profile", "loihi2", "--placement", placement), "is for another network or chip"),
        ((file, "--profile", "loihi1", "--placement", placement), "is for another network or chip"),
        ((file, "--profile", "loihi2", "--placement", tmp_path / "none.json"), "none.json"),
        ((file, "--profile", "loihi1"), "spikes of loihi1 carry no value"),
        ((file, "--neurobench", tmp_path / "metrics.csv"), "give a name that ends in .json"),
        ((file, "--neurobench", tmp_path / "m.json", "--profile", "loihi2"), "--neurobench goes without --profile"),
    ):
        shown = energy(*arguments)
        assert shown.exit_code == 2, shown.output
        assert words in " ".join(shown.output.split())
        assert "Traceback" not in shown.output
