"""Tests of the Triton kernels: on a GPU where there is one, else by Triton's interpreter, which needs an own process.

test_in_interpreter.py starts that; by themselves: TRITON_INTERPRET=1 pytest tests/train/gpu
"""

import os

import pytest
import torch

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
_WITH_KERNELS = ["test_fused_lif.py", "test_fused_norm.py", "test_int8_synapses.py", "test_training.py"]
_WITHOUT = ["test_in_interpreter.py", "test_compiled_for_gpus.py", "test_kernel_choice.py"]

collect_ignore: list[str] = []
if INTERPRETED:
    collect_ignore = _WITHOUT
elif not torch.cuda.is_available():
    collect_ignore = _WITH_KERNELS


@pytest.fixture(scope="session")
def place() -> str:
    """The name of the device that the kernels run on."""
    return "cpu" if INTERPRETED else "cuda"


@pytest.fixture(scope="session")
def device(place: str) -> torch.device:
    """The device that the kernels run on."""
    return torch.device(place)
