"""The names of the package are functions whatever was imported, and their stub and loader say the same."""

import ast
import subprocess
import sys
from pathlib import Path

import snn_deploy as sd

ROOT = Path(sd.__file__).parent


def stub() -> dict[str, str]:
    """Return name -> module of __init__.pyi."""
    tree = ast.parse((ROOT / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.name: (node.module or "").removeprefix("snn_deploy.")
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_stub_has_every_name_of_the_loader_from_the_same_place():
    assert stub() == sd._PLACES


def test_a_name_that_is_a_folder_too_stays_the_function():
    code = (
        "import snn_deploy as sd, snn_deploy.train.config.train_config, snn_deploy.export.to_integer_network;"
        "import snn_deploy.search.settings, snn_deploy.report.findings;"
        "from snn_deploy.train import losses;"
        "print(*(type(f).__name__ for f in (sd.train, sd.export, sd.search, sd.report, losses)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["function"] * 4 + ["module"]


def test_no_signature_at_the_surface_says_any():
    for name, module in stub().items():
        tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                hints = [a.annotation for a in (*node.args.args, *node.args.kwonlyargs)] + [node.returns]
                words = {n.id for hint in hints if hint for n in ast.walk(hint) if isinstance(n, ast.Name)}
                assert "Any" not in words, name
                assert all(hints), f"{name}: a parameter without a type"
