"""ladder: the accuracy of a network in floats and in integers, on the same samples."""

import numpy as np

from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.source_comparison import source_line
from snn_deploy.report.findings import Rung
from snn_deploy.report.share import Share


def ladder(
    network: IntegerNetwork, is_right: np.ndarray, floats_right: np.ndarray | None, *, is_whole_test: bool
) -> tuple[Rung, ...]:
    """Return the rungs; the last one is of the integers on all samples.

    is_right: (samples,), whether the class of the integers is; floats_right: the same of the floats on the first of
    these samples, as many as there was time for, or None. is_whole_test: whether they are all test samples, those that
    the accuracies of the training were measured on. Other samples have other accuracies, so these are no rungs then.
    """
    origin, count = network.provenance, len(is_right)
    line = source_line(origin)
    rungs = [] if line is None else [Rung("its source", None, line)]
    for name, key in (("floats", "float_accuracy"), ("quantization-aware", "quantized_accuracy")):
        if name == "floats" and floats_right is not None:
            rungs.append(Rung(name, _share(floats_right), _samples(len(floats_right), count)))
        elif is_whole_test and origin.get(key) is not None:
            share = Share(round(origin[key] * count), count)
            rungs.append(Rung(name, share, f"{_samples(count, count)}, after training"))
    if floats_right is not None and len(floats_right) < count:
        same = len(floats_right)
        rungs.append(Rung("integers, the same samples", _share(is_right[:same]), f"{_samples(same, count)}, on cpu"))
    return (*rungs, Rung("integers", _share(is_right), f"{_samples(count, count)}, on cpu"))


def _share(is_right: np.ndarray) -> Share:
    return Share(int(is_right.sum()), len(is_right))


def _samples(few: int, all_of_them: int) -> str:
    return f"{few:,} test samples" if few == all_of_them else f"the first {few:,} test samples"
