"""fast_tanh: a hyperbolic tangent of multiplications and one division, which compilers turn into vector code."""

import numpy as np
from numba import njit

# Odd rational minimax approximation of degree 13/6, within a few units in the last place of float32.
# Coefficients as in Eigen (Eigen/src/Core/MathFunctionsImpl.h, generic_fast_tanh_float).
_LARGEST = np.float32(7.90531110763549805)
_A13, _A11, _A9 = np.float32(-2.76076847742355e-16), np.float32(2.00018790482477e-13), np.float32(-8.60467152213735e-11)
_A7, _A5, _A3 = np.float32(5.12229709037114e-08), np.float32(1.48572235717979e-05), np.float32(6.37261928875436e-04)
_A1 = np.float32(4.89352455891786e-03)
_B6, _B4 = np.float32(1.19825839466702e-06), np.float32(1.18534705686654e-04)
_B2, _B0 = np.float32(2.26843463243900e-03), np.float32(4.89352518554385e-03)


@njit(inline="always")
def fast_tanh(x):  # type: ignore[no-untyped-def]  # numba infers the types
    """Return tanh(x) for a float32 x."""
    x = min(max(x, -_LARGEST), _LARGEST)
    s = x * x
    p = (((((s * _A13 + _A11) * s + _A9) * s + _A7) * s + _A5) * s + _A3) * s + _A1
    q = ((s * _B6 + _B4) * s + _B2) * s + _B0
    return x * p / q
