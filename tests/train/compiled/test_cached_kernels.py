"""The first process on a machine compiles the kernels, later ones read them from a cache: their sums are equal."""

import os
import subprocess
import sys

_SUMS = """
import hashlib
import numpy as np
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.compiled.lif_kernels import add_statistics, backward, slopes_kernel
from snn_deploy.train.compiled.norm_kernels import moments, products
found = hashlib.sha256()
random = np.random.default_rng(0)
for shape, innermost in (((1, 32, 8, 64), 0), ((2, 5, 3, 40), 8), ((1, 32, 8, 49), 0), ((4, 16, 1, 96), 96)):
    channels = innermost or shape[2]
    gradients, currents = (random.normal(size=shape).astype(np.float32) for _ in range(2))
    for kernel in (lambda *sums: products(gradients, currents, innermost, 0, shape[1], *sums),
                   lambda *sums: moments(currents, innermost, 0, shape[1], *sums)):
        sums = np.zeros(channels), np.zeros(channels)
        kernel(*sums)
        found.update(sums[0].tobytes() + sums[1].tobytes())
    statistics = np.zeros(4)
    add_statistics(gradients[0, 0, 0], currents[0, 0, 0], statistics)
    found.update(statistics.tobytes())
values = random.normal(size=(2, 3, 5, 36)).astype(np.float32)
for name in ("dspike", "triangle"):
    fill, result, sums = slopes_kernel(load_plugin("train.surrogates", name).slope), np.empty_like(values), np.zeros(11)
    one, factor, offset = np.float32(1), np.ones(5, np.float32), np.zeros(5, np.float32)
    keep, threshold = np.float32(0.25), np.float32(0.5)
    constants = keep, threshold, threshold, 6, 1, fill, np.float32(3), True, 0, 3
    backward(values, factor, offset, 0, *constants, values, *[one] * 4, result, sums[:5], sums[5:10], sums[10:])
    found.update(result.tobytes() + sums.tobytes())
assert len(backward.signatures) == 1  # one for all surrogates
print(found.hexdigest(), sum(backward.stats.cache_hits.values()))
"""


def test_sums_are_the_same_freshly_compiled_and_from_the_cache_which_has_the_way_back_too(tmp_path):
    found = [
        subprocess.run(
            [sys.executable, "-c", _SUMS],
            env=dict(os.environ) | {"NUMBA_CACHE_DIR": str(tmp_path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert list(tmp_path.rglob("*.nbi"))
    assert found[0][0] == found[1][0]
    assert [hits for _, hits in found] == ["0", "1"]
