"""norm_kernels: a norm's moments, its factor and offset, and their gradients, in Triton.

Arrays are float32, (outer, channels, inner): maps in planes have their pixels innermost; with channels innermost, as
in torch's channels_last, `inner` is 1. A row of a tile is one (outer, inner) pair. The operations on one value are
those of compiled/norm_kernels.py, in the same order.
"""

from snn_deploy.train.gpu.triton_language import tl, triton


@triton.jit
def channel_sums(  # type: ignore[no-untyped-def]  # Triton infers the types
    values, others, sums, products, rows, channels, inner, tiles, ROWS: tl.constexpr, CHANNELS: tl.constexpr
):
    """Write each channel's sum of `values` and of values * others over this program's `tiles` tiles of rows.

    sums, products: (programs along the rows, channels).
    """
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    total = tl.zeros((ROWS, CHANNELS), tl.float32)
    product = total
    for i in range(tiles):
        row = ((tl.program_id(0) * tiles + i) * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
        exists = (row < rows) & (channel < channels)[None, :]
        place = (row // inner * channels + channel[None, :]) * inner + row % inner
        value = tl.load(values + place, mask=exists, other=0.0)
        other = tl.load(others + place, mask=exists, other=0.0)
        total += value
        product += value * other
    target = tl.program_id(0) * channels + channel
    tl.store(sums + target, tl.sum(total, axis=0), mask=channel < channels)
    tl.store(products + target, tl.sum(product, axis=0), mask=channel < channels)


@triton.jit
def normalize(  # type: ignore[no-untyped-def]
    values, factor, offset, normalized, rows, channels, inner, ROWS: tl.constexpr, CHANNELS: tl.constexpr
):
    """Write values * factor + offset to `normalized`."""
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    channel = (tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS))[None, :]
    exists = (row < rows) & (channel < channels)
    place = (row // inner * channels + channel) * inner + row % inner
    scale = tl.load(factor + channel, mask=channel < channels, other=0.0)
    shift = tl.load(offset + channel, mask=channel < channels, other=0.0)
    value = tl.load(values + place, mask=exists, other=0.0)
    tl.store(normalized + place, value * scale + shift, mask=exists)


@triton.jit
def through_norm(  # type: ignore[no-untyped-def]
    values, factor, by_mean, by_square, gradients, target, rows, channels, inner,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """Write to `target` the gradients with respect to raw currents, from those with respect to normalized ones.

    by_mean, by_square: per channel, what each raw current adds through the statistics: by_mean + by_square * current.
    """
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    channel = (tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS))[None, :]
    exists = (row < rows) & (channel < channels)
    place = (row // inner * channels + channel) * inner + row % inner
    scale = tl.load(factor + channel, mask=channel < channels, other=0.0)
    constant = tl.load(by_mean + channel, mask=channel < channels, other=0.0)
    per_current = tl.load(by_square + channel, mask=channel < channels, other=0.0)
    value = tl.load(values + place, mask=exists, other=0.0)
    gradient = tl.load(gradients + place, mask=exists, other=0.0)
    tl.store(target + place, gradient * scale + (constant + per_current * value), mask=exists)
