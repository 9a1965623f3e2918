"""Recipe, Dockerfile, citation and issue templates say what pyproject.toml says, and name files that are there."""

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

yaml = pytest.importorskip("yaml", reason="the group dev has it")

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPE = yaml.safe_load((ROOT / "packaging/recipe.yaml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "packaging/Dockerfile").read_text(encoding="utf-8")
TEMPLATES = sorted(p for p in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if p.stem != "config")
_ON_CONDA_FORGE = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def instructions(name: str) -> list[str]:
    """Return what follows each instruction `name` of the Dockerfile, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", joined, flags=re.MULTILINE)


def test_the_recipe_requires_what_the_wheel_requires():
    required: dict[str, set[str]] = {}
    for line in RECIPE["requirements"]["run"]:
        name, _, versions = line.partition(" ")
        required[name] = set(versions.split(","))
    asked = {"python": set(PROJECT["requires-python"].split(","))}
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        if wanted.name == "numpy" and "2.1" in str(wanted.specifier):
            continue  # which build of numpy a Python has is for conda's solver
        asked[_ON_CONDA_FORGE.get(wanted.name, wanted.name)] = set(str(wanted.specifier).split(","))
    assert required == asked


def test_version_licence_and_summary_are_the_same_everywhere():
    assert {RECIPE["context"]["version"], CITATION["version"]} == {PROJECT["version"]}
    assert {RECIPE["about"]["license"], CITATION["license"]} == {PROJECT["license"]}
    assert RECIPE["about"]["summary"] == PROJECT["description"]
    assert RECIPE["build"]["python"]["entry_points"] == [f"{k} = {v}" for k, v in PROJECT["scripts"].items()]


def test_the_image_is_built_from_files_that_are_there_and_from_the_package_index_alone():
    ignored = (ROOT / "packaging/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for line in instructions("COPY"):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored
    commands = {part.split()[0] for line in instructions("RUN") for part in line.split("&&")}
    assert commands == {"mkdir", "python3", "pip", "rm", "snn-deploy", "chmod"}
    (extras,) = re.findall(r'"/build\[(.+?)\]"', DOCKERFILE)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()
    assert not instructions("ADD")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_an_issue_template_has_fields_that_its_host_knows(path):
    template = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= template.keys() <= {"name", "description", "body", "labels", "title"}
    assert len({field["id"] for field in template["body"]}) == len(template["body"])
    for field in template["body"]:
        assert field["type"] in ("textarea", "input", "dropdown", "checkboxes")
        assert field["attributes"]["label"]
    assert any(field.get("validations", {}).get("required") for field in template["body"])


def test_targets_that_contributing_names_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"`make (\w+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert len(named) > 3
    assert named <= targets
