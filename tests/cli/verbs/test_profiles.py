"""snn-deploy profiles as a user calls it."""

import json

from helpers.cli_help import snn_deploy


def test_the_profiles_that_come_along_are_listed():
    shown = snn_deploy("profiles", "--json")
    assert [p["name"] for p in json.loads(shown.stdout)["profiles"]] == ["cmos45", "loihi1", "loihi2"]
    assert "Intel Loihi (first generation)" in snn_deploy("profiles").stdout


def test_a_profile_is_printed_with_units_confidence_and_sources():
    shown = snn_deploy("profiles", "loihi1")
    line = next(line for line in shown.stdout.splitlines() if "energy.synaptic_op " in line)
    assert line.split()[1:4] == ["23.6", "pJ", "yes"]
    assert "D18: " in shown.stdout
    quantities = json.loads(snn_deploy("profiles", "loihi1", "--json").stdout)["quantities"]
    assert quantities["energy.synaptic_op"]["value"] == 23.6e-12
    assert all(q["source"] and q["confidence"] for q in quantities.values())


def test_a_name_that_does_not_exist_is_one_line():
    shown = snn_deploy("profiles", "loihi")
    assert shown.exit_code == 2
    assert "Choose one of cmos45, loihi1, loihi2" in shown.stderr
