"""What all tests share: one thread, signals that arrive, and reproducible random examples."""

import os
import signal

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


@pytest.fixture(autouse=True, scope="session")
def _one_torch_thread() -> None:
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
