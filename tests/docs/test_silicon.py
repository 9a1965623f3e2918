"""docs/silicon.md is what benchmarks/silicon.py finds, and the networks in it do what those who measured them say."""

import importlib
import sys
from pathlib import Path

import pytest

from snn_deploy.hardware_profiles.model_error import error_line, model_error
from snn_deploy.hardware_profiles.profile import load_profile

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "silicon"


@pytest.fixture(scope="module")
def silicon():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module("silicon")
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def pilotnet(silicon):
    if not (DATA / "pilotnet_lif").is_dir():
        pytest.skip(f"{DATA}/pilotnet_lif is not there: lava-dl's network and its traces")
    return silicon.pilotnet_found(DATA / "pilotnet_lif")


@pytest.fixture(scope="module")
def dvs(silicon):
    if silicon.dvs_file() is None:
        pytest.skip("the wheel sanafe, which has the DVS network, is not installed")
    return silicon.dvs_found(silicon.dvs_file())


def test_every_published_row_has_its_source_and_is_rebuilt_or_says_why_not(silicon):
    rows = silicon.measured_rows()["row"]
    assert rows
    for row in rows:
        assert row["source"] and row["read"] in ("primary", "second hand")
        assert ("rebuilt" in row) != ("why_not" in row)


def test_pilotnet_does_what_its_traces_say(pilotnet):
    assert [a.layer for a in pilotnet.agreements if not a.compared] == []
    assert [(a.layer, a.differing) for a in pilotnet.agreements if a.differing] == []


def test_the_errors_that_are_printed_are_those_that_the_benchmark_finds(silicon, pilotnet):
    profile = load_profile("loihi2")
    for quantity, found in silicon.errors(pilotnet).items():
        assert model_error(profile, quantity) == pytest.approx(found, abs=0.0006), quantity
        assert all(f"{100 * end:+.0f} %" in error_line(profile, quantity) for end in found)
    assert set(profile.section("silicon")) == set(silicon.errors(pilotnet))


def test_the_dvs_network_has_the_spikes_and_operations_of_sana_fe(dvs):
    exact = [c for c in dvs if c.quantity in ("spikes", "synaptic operations")]
    assert [c.errors for c in exact] == [(0.0, 0.0)] * 2


def test_the_page_is_what_the_benchmark_writes(silicon, pilotnet, dvs):
    written = (ROOT / "docs/silicon.md").read_text(encoding="utf-8")
    assert written == "\n".join(silicon.lines(silicon.measured_rows(), pilotnet, dvs)) + "\n"
