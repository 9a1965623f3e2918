"""triton_language: Triton, in which the kernels of this folder are written, imported in one place.

PyTorch brings it along where it supports a GPU under Linux; elsewhere `is_installed` is false, nothing else of this
folder is imported, and a GPU runs the plain path. With the environment variable TRITON_INTERPRET=1, set before this is
imported, Triton runs the kernels one program after the other on the CPU, in numpy: that is how tests run without a GPU.
"""

import triton
from triton import language as tl

__all__ = ["tl", "triton"]

# Products and sums stay two operations, as on the CPU: fused ones would round once, and a spike could differ.
UNFUSED = {"enable_fp_fusion": False}
