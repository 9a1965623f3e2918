"""The harness of NeuroBench on a module of snnTorch: docs/neurobench_table.py, which is no module of the package."""

import importlib.util
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).parents[2] / "docs" / "neurobench.md"


def neurobench_table() -> ModuleType:
    """Return the script docs/neurobench_table.py, loaded."""
    spec = importlib.util.spec_from_file_location("neurobench_table", PAGE.with_name("neurobench_table.py"))
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script
