"""sd.energy_models: every row is what its model says alone; tables of it hold the same numbers and their citations."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.cli_help import snn_deploy

import snn_deploy as sd
from snn_deploy.deploy.energy.energy_table import references
from snn_deploy.hardware_profiles.model_error import model_error
from snn_deploy.hardware_profiles.profile import load_profile

SAMPLES = 4


@pytest.fixture(scope="module")
def found(exported):
    return sd.energy_models(exported, samples=SAMPLES)


@pytest.fixture(scope="module")
def rows(found):
    return {m.name: m for m in found.models}


def test_the_rows_of_arithmetic_are_those_of_energy(exported, rows):
    paper, integers, memory, _ = sd.energy(exported, samples=SAMPLES).estimates
    for name, estimate in (
        ("papers' convention", paper),
        ("8-bit integers", integers),
        ("integers and memory", memory),
    ):
        assert rows[name].dynamic == pytest.approx((estimate.total, estimate.total))
        assert rows[name].total is None


def test_neurobench_s_operations_cost_what_the_papers_convention_charges(exported, rows):
    counts = sd.neurobench(exported, samples=SAMPLES)
    ends = [(o.acs * 0.9 + o.macs * 4.6) * 1e-12 for o in (counts.synaptic_operations, counts.deployed_operations)]
    assert rows["NeuroBench 2.3.0 counts"].dynamic == pytest.approx((min(ends), max(ends)))


def test_the_row_of_a_chip_has_both_ranges_and_its_error_on_silicon(exported, rows):
    alone = sd.energy(exported, samples=SAMPLES, profile="loihi2")
    row = rows["events, Loihi 2"]
    assert row.dynamic == pytest.approx(alone.range)
    assert row.total == pytest.approx(alone.range_with_static_power)
    assert row.error == model_error(load_profile("loihi2"), "dynamic_energy") is not None
    assert row.dynamic[1] < row.total[0]


def test_a_model_that_does_not_take_the_network_says_why(rows, found):
    row = rows["events, Loihi 1"]  # its inputs are pixels
    assert row.dynamic is None
    assert "carry no value" in row.why
    assert f"events, Loihi 1: not estimated. {row.why}" in str(found)


def test_latex_has_a_row_for_each_estimate_and_every_citation_in_the_file_beside_it(found, tmp_path):
    saved = found.save(tmp_path / "energy.tex")
    assert [file.name for file in saved.files] == ["energy.tex", "energy.bib"]
    text, entries = (file.read_text() for file in saved.files)
    lines = [line for line in text.splitlines() if line.endswith("\\\\")]
    estimated = [m for m in found.models if m.dynamic is not None]
    assert len(lines) == 1 + len(estimated) < 1 + len(found.models)
    assert "% events, Loihi 1: not estimated. " in text
    assert all(len(re.findall(r"(?<!\\)&", line)) == 6 for line in lines)
    cited = {key for keys in re.findall(r"\\cite\{([^}]*)\}", text) for key in keys.split(",")}
    assert cited == set(re.findall(r"^@\w+\{(\w+),", entries, flags=re.MULTILINE))
    assert cited == {key for m in estimated for key in m.citations}
    body = [line for line in text.splitlines() if not line.startswith("%")]
    assert sum(line.count("{") for line in body) == sum(line.count("}") for line in body)
    assert not re.search(r"(?<!\\)[%#_]", "\n".join(lines[1:]))
    assert all(line.count("$") % 2 == 0 for line in lines)
    assert "$-60$\\,\\% to $+23$\\,\\%" in text


def test_csv_holds_the_numbers_in_joules(found, tmp_path):
    path, _ = found.save(tmp_path / "energy.csv").files
    with path.open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["model"] for row in written] == [m.name for m in found.models]
    for row, model in zip(written, found.models, strict=True):
        assert row["citations"].split() == list(model.citations)
        for name in ("dynamic", "total", "error"):
            pair, prefix = getattr(model, name), name if name == "error" else f"{name}_J"
            ends = [row[f"{prefix}_{end}"] for end in ("least", "most")]
            assert ends == (["", ""] if pair is None else [str(value) for value in pair])


def test_without_spikingjelly_nothing_is_said_of_its_samples(found):
    assert "SpikingJelly's models: mean of" not in str(replace(found, differing=None))


def test_every_entry_of_the_references_is_whole():
    entries = references()
    assert len(entries) >= 10
    for key, entry in entries.items():
        assert entry.startswith("@")
        assert entry.count("{") == entry.count("}"), key
        assert "title = {" in entry


def test_the_command_line_writes_the_table_and_prints_its_dictionary(exported, found, tmp_path):
    place = tmp_path / "energy.csv"
    shown = snn_deploy("energy", exported, "--samples", SAMPLES, "--table", place, "--json")
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout) == json.loads(json.dumps(found.save(place).to_dict()))
    refused = snn_deploy("energy", exported, "--samples", SAMPLES, "--table", tmp_path / "energy.txt")
    assert refused.exit_code == 2
    assert "ends in .tex or .csv" in refused.stderr


def test_the_first_line_is_the_range_and_how_far_its_ends_are_apart(found):
    least, most = found.range
    assert f"{most / least:,.0f} times apart" in str(found).splitlines()[0]
    ends = [end for m in found.models if m.dynamic for end in m.dynamic]
    assert (least, most) == (np.min(ends), np.max(ends))
