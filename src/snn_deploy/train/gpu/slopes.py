"""slopes: the surrogates' derivatives for one neuron, as in train/surrogates/, in Triton.

The same operations in the same order as the `slope` that is compiled for CPUs. A surrogate without one here trains on
the plain path.
"""

from collections.abc import Callable
from typing import Any

from snn_deploy.train.compiled import fast_tanh as rational
from snn_deploy.train.gpu.triton_language import tl, triton
from snn_deploy.train.surrogates import dspike, esg, rectangle, triangle

_LARGEST = tl.constexpr(float(rational.LARGEST))
_A13, _A11 = tl.constexpr(float(rational.A13)), tl.constexpr(float(rational.A11))
_A9, _A7 = tl.constexpr(float(rational.A9)), tl.constexpr(float(rational.A7))
_A5, _A3, _A1 = (tl.constexpr(float(a)) for a in (rational.A5, rational.A3, rational.A1))
_B6, _B4 = tl.constexpr(float(rational.B6)), tl.constexpr(float(rational.B4))
_B2, _B0 = tl.constexpr(float(rational.B2)), tl.constexpr(float(rational.B0))


def triton_slope(slope: Callable[..., Any]) -> Any | None:
    """Return the Triton function for the `slope` of a surrogate's plug-in; None where there is none."""
    return _SLOPES.get(slope)


@triton.jit
def _fast_tanh(x):  # type: ignore[no-untyped-def]  # Triton infers the types
    x = tl.minimum(tl.maximum(x, -_LARGEST), _LARGEST)
    s = x * x
    p = (((((s * _A13 + _A11) * s + _A9) * s + _A7) * s + _A5) * s + _A3) * s + _A1
    q = ((s * _B6 + _B4) * s + _B2) * s + _B0
    return tl.div_rn(x * p, q)


@triton.jit
def _rectangle(distance, threshold, sharpness):  # type: ignore[no-untyped-def]
    return tl.where(tl.abs(distance) < tl.div_rn(0.5, sharpness), sharpness, 0.0)


@triton.jit
def _triangle(distance, threshold, sharpness):  # type: ignore[no-untyped-def]
    return sharpness * tl.maximum(1.0 - tl.div_rn(tl.abs(distance), threshold), 0.0)


@triton.jit
def _esg(distance, threshold, sharpness):  # type: ignore[no-untyped-def]
    tanh = _fast_tanh(sharpness * distance)
    return (1.0 - tanh * tanh) * (sharpness * 0.5)


@triton.jit
def _dspike(distance, threshold, sharpness):  # type: ignore[no-untyped-def]
    tanh = _fast_tanh(sharpness * distance)
    height = tl.div_rn(sharpness, 2.0 * _fast_tanh(sharpness * 0.5))
    return tl.where(tl.abs(distance) <= 0.5, (1.0 - tanh * tanh) * height, 0.0)


_SLOPES: dict[Callable[..., Any], Any] = {
    rectangle.slope: _rectangle,
    triangle.slope: _triangle,
    esg.slope: _esg,
    dspike.slope: _dspike,
}
