"""fast_tanh: a hyperbolic tangent of multiplications and one division, which compilers turn into vector code."""

import numpy as np
from numba import njit

# Odd rational minimax approximation of degree 13/6, within a few units in the last place of float32.
# Coefficients as in Eigen (Eigen/src/Core/MathFunctionsImpl.h, generic_fast_tanh_float).
LARGEST = np.float32(7.90531110763549805)
A13, A11, A9 = np.float32(-2.76076847742355e-16), np.float32(2.00018790482477e-13), np.float32(-8.60467152213735e-11)
A7, A5, A3 = np.float32(5.12229709037114e-08), np.float32(1.48572235717979e-05), np.float32(6.37261928875436e-04)
A1 = np.float32(4.89352455891786e-03)
B6, B4 = np.float32(1.19825839466702e-06), np.float32(1.18534705686654e-04)
B2, B0 = np.float32(2.26843463243900e-03), np.float32(4.89352518554385e-03)


@njit(inline="always")
def fast_tanh(x):  # type: ignore[no-untyped-def]  # numba infers the types
    """Return tanh(x) for a float32 x."""
    x = min(max(x, -LARGEST), LARGEST)
    s = x * x
    p = (((((s * A13 + A11) * s + A9) * s + A7) * s + A5) * s + A3) * s + A1
    q = ((s * B6 + B4) * s + B2) * s + B0
    return x * p / q
