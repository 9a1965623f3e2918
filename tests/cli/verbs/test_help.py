"""snn-deploy help as a user calls it."""

import json

import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.cli import pages


def test_without_a_topic_every_page_is_listed_with_its_title():
    shown = snn_deploy("help", "--json")
    assert {"name": "exactness", "title": "How exactness works"} in json.loads(shown.stdout)["topics"]
    assert "How exactness works" in snn_deploy("help").stdout


def test_a_page_goes_into_a_pipe_as_it_is_written():
    shown = snn_deploy("help", "exactness")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("# How exactness works\n")
    assert "<!--" not in shown.stdout


def test_a_terminal_gets_the_page_rendered(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the output for a terminal
    shown = snn_deploy("help", "exactness").stdout
    assert "\x1b[" in shown
    assert "# How exactness works" not in shown


def test_the_json_object_holds_the_text():
    shown = snn_deploy("help", "exactness", "--json")
    page = json.loads(shown.stdout)
    assert page["topic"] == "exactness"
    assert page["text"].startswith("# How exactness works\n")


@pytest.mark.parametrize(("asked", "topic"), [("verify", "exactness"), ("config-keys", "config_keys")])
def test_a_verb_or_a_hyphen_finds_the_page(asked, topic):
    assert json.loads(snn_deploy("help", asked, "--json").stdout)["topic"] == topic


def test_an_unknown_topic_is_one_line_that_names_the_nearest():
    shown = snn_deploy("help", "exactnes")
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith(
        "Error: no help on 'exactnes'. Did you mean 'exactness'? Choose one of adaptive_thresholds, "
    )
    assert shown.stderr.count("\n") == 1


def test_missing_pages_are_a_user_error(monkeypatch):
    monkeypatch.setattr(pages, "_FOLDERS", ())
    shown = snn_deploy("help")
    assert shown.exit_code == 2
    assert "are not installed" in shown.stderr


def test_an_error_of_a_verb_names_the_command_that_prints_its_page():
    shown = snn_deploy("profiles", "loihi9")
    assert shown.stderr.endswith("More: snn-deploy help add_your_own\n")
