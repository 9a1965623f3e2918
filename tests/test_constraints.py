"""constraints.txt pins all that pyproject.toml asks for, on every Python, and holds no address."""

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = [Requirement(line) for line in LINES if not line.startswith("#")]


def asked_for() -> list[str]:
    groups = (*PROJECT["project"]["optional-dependencies"].values(), *PROJECT["dependency-groups"].values())
    return [*PROJECT["project"]["dependencies"], *(text for group in groups for text in group)]


def place(python: str) -> dict[str, str]:
    return {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux", "extra": ""}


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_every_dependency_has_one_version_that_it_allows(python):
    found: dict[str, list[Requirement]] = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(place(python)):
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    assert [name for name, pins in found.items() if len(pins) > 1] == []
    for text in asked_for():
        asked = Requirement(text)
        if asked.marker is None or asked.marker.evaluate(place(python)):
            (pin,) = found.get(canonicalize_name(asked.name), [None])
            assert pin is not None, f"{text}: run make constraints"
            (version,) = (s.version for s in pin.specifier)
            assert asked.specifier.contains(version), f"{text}, but {pin}: run make constraints"


def test_every_line_is_one_exact_version():
    for line in LINES:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.+!]+( ; [^;:@/#]+)?", line) or line.startswith("# "), line


def test_nothing_in_it_is_an_address():
    assert len(PINS) > 100
    assert not re.search(r"://|@|--|/", "\n".join(LINES))


def test_the_python_versions_of_the_project_are_those_that_are_checked():
    assert PROJECT["project"]["requires-python"] == ">=3.10,<3.14"
