"""lif_kernels: leaky integrate-and-fire over all steps in one pass, in Triton: norm, neuron, pooling, statistics.

The same operations in the same order as compiled/lif_kernels.py: spikes, potentials and pooled means are the same bits;
sums over neurons are added in another order.

A program takes a tile (places, channels, window) through all steps: a place is one pooling window of one sample, and
its neurons lie along the last axis, padded to a power of two. Windows at the lower and the right edge may reach out of
the map: they are no windows, and have no value, but neurons that fire. Strides are in elements; `steps` may be more
than the currents have (`given`), whose last one is then shown again. A neuron fires where its potential is at least
`least`.
"""

from snn_deploy.train.gpu.triton_language import tl, triton

STATISTICS = 4  # sums of: potential, |spike - potential|, (spike - potential)^2, spikes


@triton.jit
def _tile(  # type: ignore[no-untyped-def]  # Triton infers the types
    places,
    channels,
    height,
    width,
    PLACES: tl.constexpr,
    CHANNELS: tl.constexpr,
    POOL: tl.constexpr,
    WINDOW: tl.constexpr,
):
    """Return, for this program's tile, sample, channel, row and column of its windows, and row and column of neurons.

    Then which neurons there are, and which windows are whole.
    """
    columns = (width + POOL - 1) // POOL
    rows = (height + POOL - 1) // POOL
    place = (tl.program_id(0) * PLACES + tl.arange(0, PLACES))[:, None, None]
    channel = (tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS))[None, :, None]
    inside = tl.arange(0, WINDOW)[None, None, :]
    window_x = place % columns
    window_y = (place // columns) % rows
    sample = place // (columns * rows)
    x = window_x * POOL + inside % POOL
    y = window_y * POOL + inside // POOL
    is_real = (place < places) & (channel < channels)
    exists = is_real & (inside < POOL * POOL) & (x < width) & (y < height)
    is_whole = is_real & (window_x * POOL + POOL <= width) & (window_y * POOL + POOL <= height)
    return sample.to(tl.int64), channel, window_y, window_x, y, x, exists, is_whole


@triton.jit
def forward(  # type: ignore[no-untyped-def]
    currents, factor, offset, pooled, statistics, keep, least, steps, given, places, channels, height, width,
    by_step, by_sample, by_channel, by_row, by_column, out_step, out_sample, out_channel, out_row, out_column,
    PLACES: tl.constexpr, CHANNELS: tl.constexpr, POOL: tl.constexpr, WINDOW: tl.constexpr,
):  # fmt: skip
    """Write the pooled mean of the spikes to `pooled`, and this program's part of the statistics.

    statistics: (programs, STATISTICS), each program's in a row of its own.
    """
    sample, channel, window_y, window_x, y, x, exists, is_whole = _tile(
        places, channels, height, width, PLACES, CHANNELS, POOL, WINDOW
    )
    source = currents + sample * by_sample + channel * by_channel + y * by_row + x * by_column
    target = pooled + sample * out_sample + channel * out_channel + window_y * out_row + window_x * out_column
    scale = tl.load(factor + channel, mask=channel < channels, other=0.0)
    shift = tl.load(offset + channel, mask=channel < channels, other=0.0)
    left = tl.zeros((PLACES, CHANNELS, WINDOW), tl.float32)
    potentials, absolute, squares, count = left, left, left, left
    for t in range(steps):
        shown = tl.cast(tl.minimum(t, given - 1), tl.int64)
        raw = tl.load(source + shown * by_step, mask=exists, other=0.0)
        potential = keep * left + (raw * scale + shift)
        fired = potential >= least
        spike = tl.where(fired & exists, 1.0, 0.0)
        left = tl.where(fired, 0.0, potential)
        error = spike - potential
        potentials += tl.where(exists, potential, 0.0)
        absolute += tl.where(exists, tl.abs(error), 0.0)
        squares += tl.where(exists, error * error, 0.0)
        count += spike
        total = tl.sum(spike, axis=2, keep_dims=True)
        mean = total if POOL == 1 else total * (1.0 / (POOL * POOL))
        tl.store(target + tl.cast(t, tl.int64) * out_step, mean, mask=is_whole)
    row = statistics + (tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)) * 4
    tl.store(row, tl.sum(potentials))
    tl.store(row + 1, tl.sum(absolute))
    tl.store(row + 2, tl.sum(squares))
    tl.store(row + 3, tl.sum(count))


@triton.jit
def backward(  # type: ignore[no-untyped-def]
    currents, factor, offset, by_pooled, by_means, kept, result, sums, products, by_keep,
    keep, threshold, least, sharpness, steps, given, places, channels, height, width,
    by_step, kept_step, by_sample, by_channel, by_row, by_column,
    out_step, out_sample, out_channel, out_row, out_column,
    SLOPE: tl.constexpr, LEARNS: tl.constexpr,
    PLACES: tl.constexpr, CHANNELS: tl.constexpr, POOL: tl.constexpr, WINDOW: tl.constexpr,
):  # fmt: skip
    """Write the gradient with respect to the normalized currents to `result`, which lies as the currents do.

    Writes each channel's sum of it to `sums`, and of it times the raw currents to `products`, (programs along the
    places, channels). by_pooled: the gradient with respect to the pooled spikes. by_means: with respect to the sums of
    the statistics, (STATISTICS,). kept: room for the potentials, which are computed again; may be `result` itself where
    currents have all steps. LEARNS: whether the gradient with respect to keep is wanted: then each program writes its
    part of it to `by_keep`, (programs,).
    """
    sample, channel, window_y, window_x, y, x, exists, is_whole = _tile(
        places, channels, height, width, PLACES, CHANNELS, POOL, WINDOW
    )
    here = sample * by_sample + channel * by_channel + y * by_row + x * by_column
    arriving = by_pooled + sample * out_sample + channel * out_channel + window_y * out_row + window_x * out_column
    scale = tl.load(factor + channel, mask=channel < channels, other=0.0)
    shift = tl.load(offset + channel, mask=channel < channels, other=0.0)
    left = tl.zeros((PLACES, CHANNELS, WINDOW), tl.float32)
    for t in range(steps):
        shown = tl.cast(tl.minimum(t, given - 1), tl.int64)
        raw = tl.load(currents + here + shown * by_step, mask=exists, other=0.0)
        potential = keep * left + (raw * scale + shift)
        left = tl.where(potential >= least, 0.0, potential)
        tl.store(kept + here + tl.cast(t, tl.int64) * kept_step, potential, mask=exists)
    tl.debug_barrier()  # what one thread has kept, another may read
    by_potential = tl.load(by_means)
    by_error = tl.load(by_means + 1)
    by_square = 2.0 * tl.load(by_means + 2)
    by_spike = tl.load(by_means + 3)
    later = tl.zeros((PLACES, CHANNELS, WINDOW), tl.float32)
    total, by_offset, by_factor, by_leak = later, later, later, later
    for i in range(steps):
        back = tl.cast(steps - 1 - i, tl.int64)
        potential = tl.load(kept + here + back * kept_step, mask=exists, other=0.0)
        given_mean = tl.load(arriving + back * out_step, mask=is_whole, other=0.0)
        share = given_mean if POOL == 1 else given_mean * (1.0 / (POOL * POOL))
        slope = SLOPE(potential - threshold, threshold, sharpness)
        spike = tl.where(potential >= least, 1.0, 0.0)
        error = spike - potential
        sign = tl.where(error > 0.0, 1.0, 0.0) - tl.where(error < 0.0, 1.0, 0.0)
        value = (share + by_spike) * slope
        value += by_potential - by_error * sign - by_square * error
        value += keep * later * ((1.0 - spike) - potential * slope)
        if LEARNS:
            by_leak += later * (potential * (1.0 - spike))
        later = tl.where(exists, value, 0.0)
        if given > 1:
            raw = tl.load(currents + here + back * by_step, mask=exists, other=0.0)
            tl.store(result + here + back * by_step, later, mask=exists)
            by_offset += later
            by_factor += later * raw
        else:
            total += later
    if given == 1:
        tl.store(result + here, total, mask=exists)
        by_offset, by_factor = total, total * tl.load(currents + here, mask=exists, other=0.0)
    column = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    row = tl.program_id(0) * channels + column
    tl.store(sums + row, tl.sum(tl.sum(by_offset, axis=2), axis=0), mask=column < channels)
    tl.store(products + row, tl.sum(tl.sum(by_factor, axis=2), axis=0), mask=column < channels)
    if LEARNS:
        tl.store(by_keep + tl.program_id(0) * tl.num_programs(1) + tl.program_id(1), tl.sum(by_leak))
