"""`make audit`: which licences of the locked set pass, and that nothing unchecked is called checked."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

SCRIPT = Path(__file__).parents[1] / ".ci/audit.py"


@pytest.fixture(scope="module")
def audit():
    pytest.importorskip("license_expression", reason="the group dev has it")
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module  # its dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["audit"]


@pytest.fixture
def rules(audit):
    return audit.Rules(
        frozenset({"MIT", "Apache-2.0", "BSD-3-Clause"}),
        {"BSD License": "BSD-3-Clause"},
        {"says-nothing": "MIT"},
        {"chip-*": "its own"},
    )


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"expression": "MIT"}, None),
        ({"expression": "GPL-3.0-only"}, "licence GPL-3.0-only is not allowed"),
        ({"expression": "MIT OR GPL-3.0-only"}, None),
        ({"expression": "MIT AND GPL-3.0-only"}, "licence MIT AND GPL-3.0-only is not allowed"),
        ({"expression": "MIT AND (GPL-2.0-only OR Apache-2.0)"}, None),
        ({"expression": "Apache-2.0 WITH LLVM-exception"}, None),
        (
            {"expression": "GPL-2.0-only WITH Classpath-exception-2.0"},
            "licence GPL-2.0-only WITH Classpath-exception-2.0 is not allowed",
        ),
        ({"expression": "LicenseRef-Own"}, "unknown licence 'LicenseRef-Own'"),
        ({"expression": "MIT AND"}, "unknown licence 'MIT AND'"),
        ({}, "no licence in its metadata"),
        ({"text": "MIT"}, None),
        ({"text": "as you like"}, "unknown licence 'as you like'"),
        ({"classifiers": ("BSD License",)}, None),
        ({"text": "Copyright (c) 2020\nAll rights", "classifiers": ("BSD License",)}, None),
        ({"classifiers": ("BSD License", "Other/Proprietary License")}, "unknown licence 'Other/Proprietary License'"),
        ({"text": "GPL-3.0-only", "classifiers": ("BSD License",)}, "licence GPL-3.0-only is not allowed"),
        ({"expression": "MIT", "classifiers": ("Other/Proprietary License",)}, None),
    ],
)
def test_only_a_licence_that_is_allowed_passes(audit, rules, said, wrong):
    assert rules.objection("package", audit.Said(**said)) == wrong


def test_what_the_rules_state_of_a_package_goes_before_its_metadata(audit, rules):
    assert rules.objection("says-nothing", audit.Said()) is None
    assert rules.objection("chip-driver", audit.Said(expression="LicenseRef-Own")) is None
    assert rules.objection("chips", audit.Said(expression="LicenseRef-Own"))


def test_rules_for_a_package_that_is_no_longer_there_are_named(rules):
    assert rules.without_package(["says-nothing", "chip-driver"]) == []
    assert rules.without_package(["other"]) == ["says-nothing", "chip-*"]


def test_metadata_are_read_with_what_they_say(audit):
    assert audit.Said.of("pytest").expression == "MIT"
    assert "BSD License" in audit.Said.of("numpy").classifiers


def test_a_package_that_is_not_installed_is_said_and_not_counted(audit, rules, capsys):
    locked = [Requirement("pytest==9"), Requirement("not-there-at-all==1"), Requirement("x==1; python_version < '3'")]
    objections = audit.check_licences(locked, rules)
    out = capsys.readouterr().out
    assert "1 packages checked" in out
    assert "not installed, so not checked: not-there-at-all" in out
    assert len(objections) == 2  # the rules name two packages that this set does not have


@pytest.mark.skipif(shutil.which(os.environ.get("UV", "uv")) is None, reason="no uv here; make test brings it")
def test_without_a_network_vulnerabilities_are_not_checked_and_licences_are(audit, monkeypatch, capsys):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert audit.main() == 0
    out = capsys.readouterr().out
    assert out.endswith("vulnerabilities: not checked: no network\n")
    assert "0 objections" in out


def _answer(audit, monkeypatch, stdout, status=0, stderr="why"):
    done = SimpleNamespace(stdout=stdout, stderr=stderr, returncode=status)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    return audit.check_vulnerabilities([Requirement("jinja2==3.1.0")])


def test_a_known_vulnerability_is_an_objection(audit, monkeypatch, capsys):
    flaw = {"id": "PYSEC-1", "fix_versions": ["3.1.6"]}
    report = {"dependencies": [{"name": "jinja2", "version": "3.1.0", "vulns": [flaw]}]}
    assert _answer(audit, monkeypatch, json.dumps(report), 1) == ["jinja2==3.1.0: PYSEC-1, fixed in 3.1.6"]
    assert "1 packages checked, 1 found" in capsys.readouterr().out


def test_packages_that_the_service_does_not_know_are_not_called_checked(audit, monkeypatch, capsys):
    report = {"dependencies": [{"name": "jinja2", "skip_reason": "not found"}]}
    assert _answer(audit, monkeypatch, json.dumps(report)) == []
    out = capsys.readouterr().out
    assert "0 packages checked" in out
    assert "not checked: the service does not know any of these packages" in out


def test_a_checker_that_fails_is_an_error(audit, monkeypatch):
    with pytest.raises(SystemExit, match="status 2 and no report:\nwhy"):
        _answer(audit, monkeypatch, "", 2)
