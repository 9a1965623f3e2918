"""What all tests share: one thread, signals that arrive, and reproducible random examples."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before numpy or torch are loaded: their thread pools read these once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell that starts the suite in the background has it ignore SIGINT, nohup SIGHUP, and so does all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The suite draws the same examples in every run; `pytest --hypothesis-profile explore` draws new ones.
# print_blob names the failing example; no deadline, because a kernel is compiled by the first example.
_SHARED = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", derandomize=True, **_SHARED)
settings.register_profile("explore", **_SHARED)
settings.load_profile("suite")


# The files that take longest come first: a worker that begins with one of them last would end alone.
_LONGEST = (
    "docs/test_code_blocks.py",
    "docs/test_code_blocks_of_training.py",
    "docs/test_code_blocks_of_lava.py",
    "cli/test_full_disk.py",
    "train/gpu/test_in_interpreter.py",
    "cli/verbs/test_search.py",
    "train/run/test_ann_first.py",
    "deploy/mapping/test_chip_agreement.py",
    "cli/verbs/test_report.py",
    "docs/test_readme.py",
    "docs/test_example_scripts.py",
    "cli/test_verb_kills.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first, the others as they were."""
    here = Path(__file__).parent
    place = {here / name: i for i, name in enumerate(_LONGEST)}
    assert all(path.is_file() for path in place), "conftest.py: a file of _LONGEST is not there any more"
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(autouse=True, scope="session")
def _one_torch_thread() -> None:
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
