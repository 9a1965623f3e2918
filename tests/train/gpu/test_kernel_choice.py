"""Which kernels run on which device; no GPU is needed to ask."""

import pytest
import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.gpu import exactness, kernel_choice

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SLOPE = load_plugin("train.surrogates", "dspike").slope


def test_a_cpu_never_runs_in_triton():
    assert not kernel_choice.uses_triton(CPU)
    assert kernel_choice.has_kernels(CPU)
    assert kernel_choice.fuses(SLOPE, CPU)
    assert not kernel_choice.fuses(None, CPU)


def test_a_gpu_runs_in_triton_where_that_is_installed_and_on_the_plain_path_elsewhere(monkeypatch):
    pytest.importorskip("triton")
    assert kernel_choice.uses_triton(CUDA)
    assert kernel_choice.fuses(SLOPE, CUDA)
    assert not kernel_choice.fuses(None, CUDA)  # a loss needs potentials, which only the plain path keeps
    monkeypatch.setattr(kernel_choice, "has_triton", lambda: False)
    assert not kernel_choice.has_kernels(CUDA)
    assert not kernel_choice.fuses(SLOPE, CUDA)
    assert not kernel_choice.narrow_synapses_work(CUDA)
    assert kernel_choice.fastest_arithmetic(CUDA) == "float32"


def test_a_surrogate_of_one_s_own_runs_on_the_plain_path_of_a_gpu():
    pytest.importorskip("triton")

    def slope(distance, threshold, sharpness):
        return sharpness

    assert kernel_choice.fuses(slope, CPU)
    assert not kernel_choice.fuses(slope, CUDA)


def test_a_gpu_multiplies_in_float32_and_not_in_tf32():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.deterministic, cudnn.benchmark
    cudnn.allow_tf32 = matmul.allow_tf32 = cudnn.benchmark = True
    cudnn.deterministic = False
    try:
        exactness.make_exact()
        assert not (cudnn.allow_tf32 or matmul.allow_tf32 or cudnn.benchmark)
        assert cudnn.deterministic
    finally:
        cudnn.allow_tf32, matmul.allow_tf32, cudnn.deterministic, cudnn.benchmark = before
