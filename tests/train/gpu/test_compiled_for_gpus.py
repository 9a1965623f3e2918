"""The kernels compile for GPUs (Triton needs none for that), and nothing in the code rounds what it should not."""

import re

import pytest

triton = pytest.importorskip("triton")  # Linux only

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from snn_deploy.support.plugin import load_plugin, plugin_names  # noqa: E402
from snn_deploy.train.gpu import lif_kernels, norm_kernels, synapse_kernels  # noqa: E402
from snn_deploy.train.gpu.slopes import triton_slope  # noqa: E402
from snn_deploy.train.gpu.triton_language import UNFUSED  # noqa: E402

NUMBERS = {"keep", "least", "threshold", "sharpness", "most", "step", "low_share", "area"}
DIGITS = {"counts", "high", "low"}
WHOLE = {
    "steps", "given", "places", "channels", "height", "width", "rows", "inner", "tiles", "inputs", "outputs", "taps",
    "pixels", "columns", "kernel_columns", "kept_step", "stride_y", "stride_x", "padding_y", "padding_x", "dilation_y",
    "dilation_x", *(f"{a}_{b}" for a in ("by", "out") for b in ("step", "sample", "channel", "row", "column")),
}  # fmt: skip
SLOPES = {name: triton_slope(load_plugin("train.surrogates", name).slope) for name in plugin_names("train.surrogates")}
TILE = {"PLACES": 64, "CHANNELS": 4, "POOL": 2, "WINDOW": 4}


def _type(name, constants):
    if name in constants:
        return "constexpr"
    return "fp32" if name in NUMBERS else "i32" if name in WHOLE else "*i8" if name in DIGITS else "*fp32"


def _compiled(kernel, capability=80, *, warps=4, **constants):
    signature = {name: _type(name, constants) for name in kernel.arg_names}
    aligned = {
        (i,): [["tt.divisibility", 16]] for i, (n, t) in enumerate(signature.items()) if t[0] == "*" or n in WHOLE
    }
    values = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    source = ASTSource(kernel, signature, values, aligned)
    options = {"num_warps": warps, **UNFUSED}
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["ptx"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Compile anew, and leave nothing behind."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


def test_every_surrogate_has_a_slope_in_triton():
    assert None not in SLOPES.values()


@pytest.mark.parametrize("slope", dict.fromkeys(SLOPES.values()), ids=lambda s: s.__name__)
def test_the_backward_kernel_compiles_and_fuses_no_product_with_a_sum(slope):
    ptx = _compiled(lif_kernels.backward, SLOPE=slope, LEARNS=True, **TILE)
    assert "mul.f32" in ptx or "mul.rn.f32" in ptx
    assert not re.search(r"\bfma\.", ptx)
    assert "div.full" not in ptx  # an approximation; div.rn is IEEE's


def test_the_forward_kernel_compiles_and_fuses_no_product_with_a_sum():
    ptx = _compiled(lif_kernels.forward, **TILE)
    assert "mul.f32" in ptx or "mul.rn.f32" in ptx
    assert not re.search(r"\bfma\.", ptx)


def test_the_kernels_of_norms_compile():
    tile = {"ROWS": 16, "CHANNELS": 64}
    for kernel in (norm_kernels.channel_sums, norm_kernels.normalize, norm_kernels.through_norm):
        assert not re.search(r"\bfma\.", _compiled(kernel, **tile))


@pytest.mark.parametrize(
    ("capability", "instruction"), [(80, r"mma\.sync\S*s32\.s8\.s8\.s32"), (90, r"wgmma\S*s32\.s8\.s8")]
)
def test_convolutions_of_spikes_are_multiplied_by_tensor_cores_in_int8(capability, instruction):
    tile = {"PIXELS": 128, "OUTPUTS": 64, "INPUTS": 64}
    ptx = _compiled(synapse_kernels.convolve, capability, warps=8, **tile)
    assert re.search(instruction, ptx)


def test_the_digits_of_weights_are_split_in_ieee_operations():
    ptx = _compiled(synapse_kernels.split, BLOCK=1024)
    assert not re.search(r"\bfma\.", ptx)
    assert "div.full" not in ptx
