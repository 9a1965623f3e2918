"""Imports go down only, with no circle of files or of folders; the light parts stay light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import snn_deploy

ROOT = Path(snn_deploy.__file__).parent

# From the cellar up: a room may import what lies on the floors below it, never a neighbour on its own floor.
FLOORS = (
    ("support",),
    ("network", "hardware_profiles"),
    ("rounding", "interchange"),
    ("train", "export"),
    ("deploy",),
    ("fitting",),
    ("report", "search"),
    ("api",),
    ("cli",),
)
# Beside the floors: exporting and deploying must not need what trained the network.
FORBIDDEN = {
    ("deploy", "train"),
    ("report", "interchange"),
    ("deploy", "interchange"),
    ("export", "interchange"),
    ("fitting", "interchange"),
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


def modules() -> dict[str, Path]:
    """Return every module of the package without the package's name -> its file."""
    return {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in sorted(ROOT.rglob("*.py"))}


def file_graph() -> dict[str, set[str]]:
    doors = ("__init__.py", "__main__.py")  # of the whole house
    return {name: set(imported(path)) for name, path in modules().items() if path.name not in doors}


def folder_graph() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for name, needs in file_graph().items():
        folder = name.rpartition(".")[0]
        graph.setdefault(folder, set()).update(n.rpartition(".")[0] for n in needs)
        graph[folder].discard(folder)
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the members of one circle of `graph`, none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def room(module: str) -> str:
    return module.partition(".")[0]


def test_every_import_names_a_file_of_the_package():
    known = set(modules())
    wrong = [f"{name} imports {n}" for name, needs in file_graph().items() for n in needs if n not in known]
    assert not wrong


def test_imports_go_down_only():
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    wrong = [
        f"{name} imports {need}"
        for name, needs in file_graph().items()
        for need in needs
        if room(need) != room(name)
        and (floor[room(need)] >= floor[room(name)] or (room(name), room(need)) in FORBIDDEN)
    ]
    assert not wrong


def test_no_files_import_each_other_in_a_circle():
    assert circle(file_graph()) == []


def test_no_folders_import_each_other_in_a_circle():
    assert circle(folder_graph()) == []


def test_a_circle_would_be_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()})
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_every_room_has_its_floor_and_nothing_else_lies_loose():
    assert {p.name for p in ROOT.iterdir() if p.is_dir() and p.name != "__pycache__"} == {r for f in FLOORS for r in f}
    assert {p.name for p in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_no_stage_reaches_into_the_private_files_of_another():
    def private(module: str) -> str:
        """Return the folder within which a module is private, "" for a public one."""
        parts = module.split(".")
        first = next((i for i, part in enumerate(parts) if part.startswith("_")), None)
        return "" if first is None else ".".join(parts[:first])

    wrong = [
        f"{name} imports {need}"
        for name, needs in file_graph().items()
        for need in needs
        if private(need) and not name.startswith(private(need) + ".")
    ]
    assert not wrong


def test_every_test_is_found_by_the_path_of_its_source_file():
    tests = Path(__file__).parent
    folders = {str(p.relative_to(ROOT).parent) for p in modules().values()}
    stray = [
        str(p.relative_to(tests))
        for p in tests.rglob("test_*.py")
        if p.parent != tests
        and p.relative_to(tests).parts[0] not in ("docs", "fuzz")
        and str(p.relative_to(tests).parent) not in folders
    ]
    assert not stray


def test_every_init_file_is_empty_but_the_one_that_names_the_api():
    full = [name for name, p in modules().items() if p.name == "__init__.py" and p.read_text(encoding="utf-8").strip()]
    assert full == ["__init__"]
    assert list(imported(ROOT / "__init__.py")) == []


@pytest.mark.parametrize(
    "modules",
    [
        "snn_deploy, snn_deploy.support.plugin, snn_deploy.support.user_error",
        "snn_deploy.network.integer_network, snn_deploy.network.integer_semantics, "
        "snn_deploy.deploy.backends.reference",
        "snn_deploy.hardware_profiles.profile, snn_deploy.deploy.energy.paper_estimate, "
        "snn_deploy.deploy.verification.verify",
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
        f"import sys; from snn_deploy.support.plugin import plugin_names; plugin_names({package!r}); "
        "print(sorted({'torch', 'lava', 'numba'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
