"""A source distribution and the wheel that is built from it hold the whole package."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/snn_deploy"
LINKS = ("train", "export", "deploy", "hardware_profiles")


def build_command() -> list[str]:
    """Return the command that builds both archives with the tool that is here, [] where there is none."""
    uv = os.environ.get("UV") or shutil.which("uv") or shutil.which(ROOT / ".uv/bin/uv")
    if uv:
        return [uv, "build", "--quiet", "--out-dir"]
    return [sys.executable, "-m", "build", "--outdir"] if find_spec("build") else []


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Return the names in the source distribution, without its top folder, and those in the wheel built from it."""
    command, folder = build_command(), tmp_path_factory.mktemp("dist")
    if not command:
        pytest.skip("neither uv nor the package `build` is installed")
    done = subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False)
    if "hatchling" in done.stderr and done.returncode:
        pytest.skip(f"hatchling, the build backend, is not within reach: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(folder.glob("*.tar.gz"))) as source:
        members = source.getmembers()
    assert all(member.isfile() for member in members)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return [member.name.partition("/")[2] for member in members], wheel.namelist()


def package_files() -> set[str]:
    return {
        str(path.relative_to(PACKAGE.parent))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_file_of_the_package_is_in_the_source_distribution_and_in_the_wheel(archives):
    source, wheel = archives
    assert package_files() <= set(wheel)
    assert {f"src/{name}" for name in package_files()} <= set(source)
    assert "snn_deploy/py.typed" in wheel


def test_the_links_at_the_top_become_no_copies(archives):
    source, wheel = archives
    assert not [name for name in source if name.split("/")[0] in LINKS]
    assert {name.split("/")[0] for name in wheel if ".dist-info/" not in name} == {"snn_deploy"}
    assert len(source) == len(set(source))
    assert len(wheel) == len(set(wheel))


def test_the_wheel_brings_every_page_of_the_documentation_and_no_script(archives):
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    found = {Path(name).name for name in archives[1] if name.startswith("snn_deploy/pages/")}
    assert found == pages
