"""The Triton kernels give what the CPU's do, run by Triton's interpreter where there is no GPU (see conftest.py)."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")  # Linux only


def test_the_kernels_pass_their_tests_in_the_interpreter():
    # Triton reads the variable when it is imported, which may have happened in this process.
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    folder = Path(__file__).parent
    root = Path(__file__).parents[3]
    found = subprocess.run(
        [*command, folder], env=environment, cwd=root, capture_output=True, text=True, check=False, timeout=900
    )
    assert found.returncode == 0, found.stdout + found.stderr
    passed = re.search(r"(\d+) passed", found.stdout)
    assert passed and int(passed[1]) > 50, found.stdout
    assert "skipped" not in found.stdout
