"""Which dense weights come through lava-dl's scaling unchanged, against the code of lava-dl and Lava themselves."""

import contextlib
import importlib.util
import io

import numpy as np
import pytest

from snn_deploy.export.targets._loihi.dense_scaling import shift_of

weightutils = pytest.importorskip("lava.utils.weightutils", reason="Lava is not installed")


@pytest.fixture(scope="module")
def optimize_weight_bits():
    """Return lava-dl's function, from its file: its package imports more of Lava than Python 3.11 takes."""
    folder = importlib.util.find_spec("lava.lib.dl")
    if folder is None:
        pytest.skip("lava-dl is not installed")
    path = next(iter(folder.submodule_search_locations)) + "/netx/utils.py"
    spec = importlib.util.spec_from_file_location("netx_utils", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.optimize_weight_bits


def theirs(parts, optimize_weight_bits):
    """Return (what Lava's Dense sums for each part, the exponent of 2 that the sums are divided by, its bits)."""
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(divide="ignore"):
        scaled, bits, exponent, _ = optimize_weight_bits(np.hstack(parts))
    columns = np.cumsum([p.shape[1] for p in parts])[:-1]
    summed = []
    for part in np.hsplit(scaled, columns):
        mode = weightutils.determine_sign_mode(part)
        clipped = weightutils.clip_weights(part, mode, num_bits=8)
        summed.append(weightutils.truncate_weights(clipped, mode, bits))
    return summed, -exponent, bits


def drawn(rng):
    """Return one or two matrices of one sign or both, with zeros at the end of their bits at times."""
    largest = int(rng.choice([1, 5, 64, 127, 128, 254, 255, 256, 300]))
    least = int(rng.choice([0, 0, -largest, -1, -64, -128, -256]))
    step = int(rng.choice([1, 1, 2, 4, 64]))
    parts = [rng.integers(least, largest + 1, (3, int(rng.integers(1, 4)))) for _ in range(rng.integers(1, 3))]
    sign = int(rng.choice([1, 1, -1]))
    return [sign * (p // step * step) for p in parts]


def test_the_weights_that_are_kept_are_those_that_lava_sums(optimize_weight_bits):
    rng, kept = np.random.default_rng(7), 0
    for _ in range(3000):
        parts = drawn(rng)
        shift = shift_of(parts)
        if not any(p.any() for p in parts):
            assert shift is None
            continue
        summed, exponent, bits = theirs(parts, optimize_weight_bits)
        same = exponent >= 0 and all(np.array_equal(s, p << exponent) for s, p in zip(summed, parts, strict=True))
        # Weights of both signs beyond 127 that are odd get 9 bits; a synapse has 8.
        assert (shift is not None) == (same and bits <= 8), parts
        if shift is not None:
            assert shift == exponent
            kept += 1
    assert 500 < kept < 2900
