"""What docs/python_api.md and docs/nir.md say is what the package does."""

import re
import subprocess
import sys
from pathlib import Path

import nir
import numpy as np
import pytest

import snn_deploy as sd
from snn_deploy.support.plugin import plugin_names

DOCS = Path(__file__).parents[2] / "docs"


def blocks(name, language="python"):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def foreign(tmp_path):
    """A file model.nir of another program, in a folder of its own."""
    weights = np.random.default_rng(0).normal(size=(4, 6))
    neurons = nir.LIF(*(np.full(4, value) for value in (2e-4, 2.0, 0.0, 1.0)))
    nir.write(tmp_path / "model.nir", nir.NIRGraph.from_list(nir.Linear(weights), neurons))
    return tmp_path


def test_the_blocks_of_the_api_run_in_order_and_verify(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("python_api.md"):
        exec(block, names)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["network.net", "network.npz"]
    assert any(line.startswith("identical: 3 samples") for line in capsys.readouterr().out.splitlines())


def test_the_block_of_nir_runs(foreign, monkeypatch):
    monkeypatch.chdir(foreign)
    (block,) = blocks("nir.md")
    exec(block, {})
    assert (foreign / "again.nir").is_file()


def test_the_api_names_every_framework_that_has_a_plug_in():
    text = (DOCS / "python_api.md").read_text(encoding="utf-8").lower()
    for name in plugin_names("interchange.torch_neurons"):
        assert name in ("snn_deploy", *re.findall(r"\w+", text)), name


def test_importing_the_package_and_listing_its_names_loads_nothing_heavy():
    code = (
        "import snn_deploy, sys; dir(snn_deploy); print(sorted({'torch', 'lava', 'numba', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_name_of_the_api_is_there_and_on_the_page_and_no_other():
    text = (DOCS / "python_api.md").read_text(encoding="utf-8") + (DOCS / "nir.md").read_text(encoding="utf-8")
    for name in sd._PLACES:
        assert name in dir(sd)
        assert callable(getattr(sd, name))
        assert re.search(rf"(sd|snn_deploy)\.{name}\b", text), name
    with pytest.raises(AttributeError, match="no attribute 'from_tensorflow'"):
        _ = sd.from_tensorflow
