"""synapse_kernels: weights split into int8 digits, and convolutions of spike counts with them, in Triton.

Products of int8 are added in int32, so that a current depends neither on the order of the sum nor on the GPU.
"""

from snn_deploy.train.gpu.triton_language import tl, triton

_ROUNDING = tl.constexpr(12582912.0)  # 1.5 * 2^23: float32 holds whole numbers there, so adding it rounds, half to even


@triton.jit
def split(  # type: ignore[no-untyped-def]  # Triton infers the types
    weights, high, low, scales, inputs, taps, most, step, BLOCK: tl.constexpr
):
    """Split the weights of one output: weights = scale * (high + low / step), to half a low digit.

    weights: (out, inputs, taps), float32. high, low: (out, taps, inputs), int8. scales: (out,). most: the largest
    digit. As int8_synapses.py splits them for CPUs.
    """
    row = tl.program_id(0)
    count = inputs * taps
    largest = tl.zeros((BLOCK,), tl.float32)
    invalid = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, count, BLOCK):
        i = start + tl.arange(0, BLOCK)
        value = tl.load(weights + row * count + i, mask=i < count, other=0.0)
        largest = tl.maximum(largest, tl.abs(value))
        invalid += value * 0.0  # NaN where a value is not finite, which a maximum may swallow
    biggest = tl.max(largest)
    scale = tl.where(biggest > 0.0, tl.div_rn(biggest, most), 1.0)
    tl.store(scales + row, scale + tl.sum(invalid))
    per_scale = tl.div_rn(1.0, scale)
    for start in range(0, count, BLOCK):
        i = start + tl.arange(0, BLOCK)
        value = tl.load(weights + row * count + i, mask=i < count, other=0.0) * per_scale
        first = (value + _ROUNDING) - _ROUNDING
        second = ((value - first) * step + _ROUNDING) - _ROUNDING
        place = row * count + (i % taps) * inputs + i // taps
        tl.store(high + place, first.to(tl.int8), mask=i < count)
        tl.store(low + place, second.to(tl.int8), mask=i < count)


@triton.jit
def convolve(  # type: ignore[no-untyped-def]
    counts, high, low, scales, currents, low_share, area, pixels, inputs, outputs, height, width, rows, columns,
    kernel_columns, taps, stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x,
    PIXELS: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
):  # fmt: skip
    """Write a tile of the convolution of counts / area with (high + low * low_share) * scale, per output.

    counts: (batch, height, width, inputs), int8. high, low: (outputs, taps, inputs), int8. currents: (batch, rows,
    columns, outputs), float32. pixels: batch * rows * columns.
    """
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    output = tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS)
    top = (pixel // columns) % rows * stride_y - padding_y
    left = pixel % columns * stride_x - padding_x
    sample = (pixel // (columns * rows)).to(tl.int64)
    highs = tl.zeros((PIXELS, OUTPUTS), tl.int32)
    lows = tl.zeros((PIXELS, OUTPUTS), tl.int32)
    blocks = (inputs + INPUTS - 1) // INPUTS
    for i in range(taps * blocks):
        tap = i // blocks
        y = top + tap // kernel_columns * dilation_y
        x = left + tap % kernel_columns * dilation_x
        is_inside = (pixel < pixels) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        source = ((sample * height + y) * width + x) * inputs
        input_ = i % blocks * INPUTS + tl.arange(0, INPUTS)
        arriving = tl.load(
            counts + source[:, None] + input_[None, :], mask=is_inside[:, None] & (input_ < inputs)[None, :], other=0
        )
        place = (output[None, :] * taps + tap) * inputs + input_[:, None]
        exists = (output < outputs)[None, :] & (input_ < inputs)[:, None]
        highs = tl.dot(arriving, tl.load(high + place, mask=exists, other=0), highs, out_dtype=tl.int32)
        lows = tl.dot(arriving, tl.load(low + place, mask=exists, other=0), lows, out_dtype=tl.int32)
    scale = tl.load(scales + output, mask=output < outputs, other=0.0)
    total = (highs.to(tl.float32) + lows.to(tl.float32) * low_share) * tl.div_rn(scale, area)[None, :]
    target = currents + pixel.to(tl.int64)[:, None] * outputs + output[None, :]
    tl.store(target, total, mask=(pixel < pixels)[:, None] & (output < outputs)[None, :])
