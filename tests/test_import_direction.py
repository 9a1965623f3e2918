"""Imports go one way: train -> export -> deploy; the light parts stay light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import snn_deploy

ROOT = Path(snn_deploy.__file__).parent

# part -> what it may import of the package, beside itself and the files beside it; a trailing dot is a folder.
SHARED = "connection_arithmetic"  # what a connection computes: plain numpy, the same before and after export
ALLOWED = {
    "train": (),
    "export": ("train.float_network", SHARED, "hardware_profiles."),
    "deploy": ("export.", SHARED, "hardware_profiles."),
    "hardware_profiles": (),
    "search": ("train.", "export.", "deploy.", "hardware_profiles."),  # the three stages, many times
    "cli": ("train.", "export.", "deploy.", "search.", "hardware_profiles."),
    "api.py": ("train.", "export.", "cli."),  # the Python API: what the command line does
    "": (SHARED,),  # the files at the top, which every part may import
}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports, wherever in the file, without the package's name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            is_folder = (ROOT.parent / module.replace(".", "/")).is_dir()
            names = [f"{module}.{n.name}" for n in node.names] if is_folder else [module]
        elif isinstance(node, ast.Import):
            names = [n.name for n in node.names]
        for name in names:
            if name.startswith("snn_deploy."):
                yield name.removeprefix("snn_deploy.")


def files() -> list[Path]:
    return sorted(p.relative_to(ROOT) for p in ROOT.rglob("*.py"))


def part_of(file: Path) -> str:
    return file.parts[0] if len(file.parts) > 1 or file.name in ALLOWED else ""


def is_allowed(part: str, name: str) -> bool:
    if "." not in name or name.split(".", maxsplit=1)[0] == part:
        return True
    return any(name == rule or (rule.endswith(".") and name.startswith(rule)) for rule in ALLOWED[part])


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_stands_before_it(part):
    wrong = [
        f"{file} imports {name}"
        for file in files()
        if part_of(file) == part
        for name in imported(ROOT / file)
        if not is_allowed(part, name)
    ]
    assert not wrong


def test_every_part_of_the_package_has_a_rule():
    assert {file.parts[0] for file in files() if len(file.parts) > 1} == set(ALLOWED) - {"", "api.py"}


def test_the_rule_is_not_empty():
    found = [name for file in files() for name in imported(ROOT / file)]
    assert "export.integer_network" in found
    assert not is_allowed("train", "export.integer_network")
    assert not is_allowed("export", "deploy.simulation")
    assert not is_allowed("deploy", "train.float_network")


def test_every_init_file_is_empty_but_the_one_that_names_the_api():
    full = [str(f) for f in files() if f.name == "__init__.py" and (ROOT / f).read_text(encoding="utf-8").strip()]
    assert full == ["__init__.py"]
    assert list(imported(ROOT / "__init__.py")) == []


@pytest.mark.parametrize(
    "modules",
    [
        "snn_deploy, snn_deploy.plugin, snn_deploy.user_error",
        "snn_deploy.export.integer_network, snn_deploy.export.integer_semantics, snn_deploy.deploy.backends.reference",
        "snn_deploy.hardware_profiles.profile, snn_deploy.deploy.energy.estimate, snn_deploy.deploy.verify",
    ],
)
def test_the_light_parts_load_neither_torch_nor_lava_nor_numba(modules):
    heavy = "{'torch', 'lava', 'numba', 'torchvision', 'sklearn'}"
    code = f"import {modules}, sys; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("package", ["deploy.backends", "train.losses", "train.datasets"])
def test_listing_plug_ins_loads_none_of_them(package):
    code = (
        f"import sys; from snn_deploy.plugin import plugin_names; plugin_names({package!r}); "
        "print(sorted({'torch', 'lava', 'numba'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
