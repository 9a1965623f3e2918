"""Builds the source distribution and its wheel, and tries the wheel as a user installs it, in environments of its own.

    python .ci/packages.py 3.10 3.11 3.12 3.13     the wheel on each Python, without Lava: .ci/run
    python .ci/packages.py --everything            and every extra alone, a demo, recipe, citation: make packages

It ends with status 1 at the first thing that fails, with what it printed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMOKE = ROOT / ".ci/smoke.py"
UV = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
_OF_EXTRAS = "3.11"
_AT_ONCE = 2  # an environment of torch is gigabytes of hard links
# Lava's metadata ask for versions of torch that are too old; docs/lava.md says to install these two alone.
_LAVA = ("lava-nc==0.10.0", "lava-dl==0.6.0")
_NEEDED_BY_LAVA = ("asteval", "networkx", "numpy<2")
# Imports what an extra asks for, as far as it is installed under names of its own.
_IMPORT = """
import importlib, sys
from importlib.metadata import packages_distributions
names = {name.lower() for name in sys.argv[1:]}
modules = [m for m, owners in packages_distributions().items()
           if names & {o.lower() for o in owners} and not m.startswith("_") and m not in ("tests", "docs")]
for module in modules:
    importlib.import_module(module)
print("imports " + ", ".join(sorted(modules)))
sys.exit(not modules)
"""
# Recipes of conda are rendered, which refuses what their schema does not have; building one needs a channel.
_RENDER = """
import sys
from rattler_build import Stage0Recipe
(found,) = Stage0Recipe.from_file(sys.argv[1]).render()
print(f"recipe of {found.recipe.package.name} {found.recipe.package.version}: "
      f"{len(found.recipe.requirements.run)} packages to run")
"""


class CommandError(Exception):
    """A command that failed, and what it printed."""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Return what `command` printed on standard output."""
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def interpreter(version: str) -> str | None:
    """Return the path of Python `version`, where pyenv or uv has it on this machine; nothing is downloaded."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    if found := sorted(root.glob(f"versions/{version}.*/bin/python")):
        return str(found[-1])
    try:
        return run(UV, "python", "find", "--quiet", "--no-python-downloads", version).strip()
    except CommandError:
        return None


@contextmanager
def installed(version: str, *what: str | Path) -> Iterator[Path]:
    """Give the environment of Python `version` in which uv installed `what`, as long as it is needed.

    uv runs in an empty folder: in the checkout it would take what pyproject.toml tells it about other packages.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(UV, "venv", "--quiet", "--python", interpreter(version) or version, "venv", cwd=folder)
        python = folder / "venv/bin/python"
        add(python, *what)
        yield python


def add(python: Path, *what: str | Path) -> None:
    """Install more into the environment of `python`."""
    run(UV, "pip", "install", "--quiet", "--python", python, *what, cwd=python.parent)


def smoke(python: Path) -> str:
    """Return the line of smoke.py, after the installed command printed its help."""
    run(python.with_name("snn-deploy"), "--help")
    run(python.with_name("snn-deploy"), "help")
    with tempfile.TemporaryDirectory() as folder:
        return run(python, "-I", SMOKE, cwd=Path(folder)).splitlines()[-1]


def on_python(version: str, wheel: Path) -> str:
    """Return what the wheel does on Python `version`, installed with what it asks for and nothing else."""
    if interpreter(version) is None:
        return "not tried: it is not on this machine"
    with installed(version, wheel) as python:
        return smoke(python)


def with_extra(extra: str, asked: list[str], wheel: Path) -> str:
    """Return what the wheel does with one extra, after everything that the extra asks for was imported."""
    if extra == "lava":
        with installed(_OF_EXTRAS, wheel, *_NEEDED_BY_LAVA) as python:
            add(python, "--no-deps", *_LAVA)
            return smoke(python)
    with installed(_OF_EXTRAS, f"{wheel}[{extra}]") as python:
        return f"{run(python, '-c', _IMPORT, *asked).strip()}; {smoke(python)}"


def with_demo(wheel: Path) -> str:
    """Return the end of `snn-deploy demo`, on the wheel alone."""
    with installed(_OF_EXTRAS, wheel) as python, tempfile.TemporaryDirectory() as folder:
        printed = run(python.with_name("snn-deploy"), "demo", cwd=Path(folder))
    return next(line for line in printed.splitlines() if line.startswith("5/5"))


def extras(wheel: Path) -> dict[str, list[str]]:
    """Return extra -> the names of the packages that it asks for, from the wheel's metadata."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode("utf-8")
    found: dict[str, list[str]] = {}
    for asked in re.finditer(r"^Requires-Dist: ([\w.-]+).*extra == '(\w+)'", metadata, flags=re.MULTILINE):
        found.setdefault(asked[2], []).append(asked[1])
    return found


def tried(title: str, doing: Callable[..., str], *arguments: object) -> None:
    """Print what `doing` says, and how long it took."""
    start = time.monotonic()
    said = doing(*arguments)
    print(f"{title}: {said} ({time.monotonic() - start:.0f} s)", flush=True)


def main() -> None:
    """Read the command line and try what it names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", default=_PYTHONS, help="versions such as 3.12; all that are supported")
    parser.add_argument("--everything", action="store_true", help="also extras, demo, recipe and citation")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder)
        run(UV, "build", "--quiet", "--out-dir", dist, ROOT)
        wheel, source = next(dist.glob("*.whl")), next(dist.glob("*.tar.gz"))
        print(f"built {source.name} ({source.stat().st_size:,} bytes), and from it {wheel.name}"
              f" ({wheel.stat().st_size:,} bytes)", flush=True)  # fmt: skip
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = [pool.submit(tried, f"Python {v}", on_python, v, wheel) for v in chosen.pythons]
            for done in waiting:
                done.result()
        if not chosen.everything:
            return
        tried(f"source distribution on Python {_OF_EXTRAS}", on_python, _OF_EXTRAS, source)
        for extra, asked in extras(wheel).items():
            tried(f"extra {extra}", with_extra, extra, asked, wheel)
        tried("demo", with_demo, wheel)
    render = ("run", "--quiet", "--no-project", "--with", "py-rattler-build", "python", "-c", _RENDER)
    print(run(UV, *render, ROOT / "packaging/recipe.yaml").strip())
    print(run(UV, "tool", "run", "--quiet", "--from", "cffconvert", "cffconvert", "--validate",
              "-i", ROOT / "CITATION.cff").strip())  # fmt: skip


if __name__ == "__main__":
    try:
        main()
    except CommandError as error:
        sys.exit(str(error))
