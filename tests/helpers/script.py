"""A script of docs/ or benchmarks/, which is no module of the package, loaded as one."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def script(place: str) -> ModuleType:
    """Return the script at `place`, a path from the top of the repository."""
    spec = importlib.util.spec_from_file_location(Path(place).stem, ROOT / place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
