"""metrics_lines: the lines of metrics.jsonl as what a training writes, whoever wrote them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from snn_deploy.support.array_file import refuse_constant
from snn_deploy.train.run.score import ACCURACY_KEY, MSE_KEY, SMAPE_KEY, score_of

_NEEDED = ("epoch", "sharpness")
_DRAWN = (
    "loss/",
    "spike_rate/",
    "measured/",
    "time_gradient/",
    "validation_accuracy",
    "validation_smape",
)  # over all epochs, where the last one has them
_AT_THE_END = [f"{split}_{key}" for split in ("test", "float_test") for key in (ACCURACY_KEY, SMAPE_KEY, MSE_KEY)]
AT_THE_END = (*_AT_THE_END, "kept_epoch")  # of a finished run, in its last line
_HISTOGRAM = "measured/membrane_histogram/"
_LARGEST_COUNT = 2**53  # beyond it a count is no float64
_LARGEST_NUMBER = 1e100  # a guess: far beyond every metric, and a picture's axis still holds it


def read_lines(text: Sequence[str], bins: int) -> list[dict[str, Any]]:
    """Return the metrics in `text`, one line each; ValueError for what no training writes.

    bins: of a histogram of potentials, with those below its first and above its last edge.
    """
    lines: list[dict[str, Any]] = []
    for number, line in enumerate(text, 1):
        metrics = json.loads(line, parse_constant=refuse_constant)
        if not isinstance(metrics, dict):
            raise ValueError(f"line {number} is {type(metrics).__name__}, no table of metrics")
        for name, value in metrics.items():
            if name.startswith(_HISTOGRAM):
                if not _is_histogram(value, bins):
                    raise ValueError(f"line {number}: {name[:80]!r} is no list of {bins} counts")
            elif not _is_number(value):
                raise ValueError(f"line {number}: {name[:80]!r} is no finite number")
        lines.append(metrics)
    if lines and lines[0].get("epoch") == 0:
        if len(lines) > 1 or lines[0].get("kept_epoch", 0) != 0:
            raise ValueError("an epoch 0, which a network has alone that was converted without training")
    elif lines:
        needed = [
            *_NEEDED,
            f"train_{score_of(lines[-1]).key}",
            *(name for name in lines[-1] if name.startswith(_DRAWN)),
        ]
        if not any(name.startswith("loss/") for name in lines[-1]):
            raise ValueError("its last line has no loss")
        needed += [f"measured/spike_rate/{n.removeprefix(_HISTOGRAM)}" for n in lines[-1] if n.startswith(_HISTOGRAM)]
        for number, metrics in enumerate(lines, 1):
            missing = next((name for name in needed if name not in metrics), None)
            if missing is not None:
                raise ValueError(f"line {number} has no {missing[:80]!r}")
        if lines[-1].get("kept_epoch", 1) not in range(1, len(lines) + 1):
            raise ValueError(f"its last line keeps epoch {lines[-1]['kept_epoch']} of {len(lines)}")
    return lines


def kept_line(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the metrics of the epoch whose network a finished run keeps, with those on the test samples."""
    last = lines[-1]
    kept = lines[int(last.get("kept_epoch", len(lines))) - 1]  # epoch 0 has the only line, which is the last too
    return {**kept, **{name: last[name] for name in AT_THE_END if name in last}}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER


def _is_histogram(value: object, bins: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == bins
        and all(
            isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _LARGEST_COUNT for count in value
        )
    )
