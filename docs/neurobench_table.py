"""neurobench_table: NeuroBench's harness and snn-deploy on the same networks, metric by metric: docs/neurobench.md.

    python docs/neurobench_table.py            writes the tables into the page between their marks
    python docs/neurobench_table.py --check    exit code 1 where the page shows something else

The networks have random weights and get random inputs, but for the published figures that need neither. It needs the
dependency groups `neurobench` and `frameworks`.
"""

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from page_tables import write_or_check
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import snn_deploy as sd

PAGE = Path(__file__).with_name("neurobench.md")
_KEPT_BY_SNNTORCH = 12  # bytes of graded_spikes_factor and reset_mechanism_val, in each layer of neurons


def harness(module: nn.Module, frames: np.ndarray, labels: np.ndarray, batch: int = 0) -> dict[str, Any]:
    """Return what the harness of NeuroBench finds on a module of snnTorch that takes one step in a call.

    frames: (steps, samples, *shape), floats as the module takes them. labels: (samples,). batch: samples at a time; 0
    is all. What it could not compute is an AssertionError here: it prints that in a line, and goes on with 0 or None.
    """
    from neurobench.benchmarks import Benchmark  # noqa: PLC0415 - slow to import
    from neurobench.metrics import static, workload  # noqa: PLC0415
    from neurobench.models import SNNTorchModel  # noqa: PLC0415
    from neurobench.processors.postprocessors import ChooseMaxCount  # noqa: PLC0415

    samples = TensorDataset(torch.as_tensor(frames, dtype=torch.float32).transpose(0, 1), torch.as_tensor(labels))
    said = io.StringIO()
    benchmark = Benchmark(
        SNNTorchModel(module),
        DataLoader(samples, batch_size=batch or len(labels)),
        [],
        [ChooseMaxCount()],
        [
            [static.Footprint, static.ParameterCount, static.ConnectionSparsity],
            [
                workload.ClassificationAccuracy,
                workload.ActivationSparsity,
                workload.ActivationSparsityByLayer,
                workload.MembraneUpdates,
                workload.SynapticOperations,
            ],
        ],
    )
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        found: dict[str, Any] = benchmark.run()
    assert "Error" not in said.getvalue(), said.getvalue()
    return found


@dataclass(frozen=True)
class Case:
    """A network of snnTorch, with the shape, steps and range of its input."""

    name: str
    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    steps: int
    largest_value: int
    samples: int = 4


def _leaky(**options: Any) -> nn.Module:
    import snntorch  # noqa: PLC0415 - slow to import

    found: nn.Module = snntorch.Leaky(
        0.5, threshold=0.5, init_hidden=True, reset_mechanism="zero", reset_delay=False, **options
    )
    return found


def dense(*sizes: int, bias: bool = True) -> nn.Module:
    """Return a chain of dense layers with neurons after each."""
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(inputs, outputs, bias=bias), _leaky(output=i == len(sizes) - 2)]
    return rounded(nn.Sequential(*layers))


def convolutions() -> nn.Module:
    """Return two convolutions with pooling between them, a third of their weights 0, and a dense layer."""
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), _leaky(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, stride=2, padding=1),
        _leaky(), nn.Flatten(), nn.Linear(64, 10), _leaky(output=True),
    )  # fmt: skip
    return rounded(module, zeros=1 / 3)


def rounded(module: nn.Module, zeros: float = 0.0) -> nn.Module:
    """Return `module` with larger weights in steps of 1/64, which float32 adds exactly; a share of them is 0."""
    with torch.no_grad():
        for value in module.parameters():
            value.copy_((value * 4 * 64).round() / 64)
            if value.ndim > 1:
                value[torch.rand_like(value) < zeros] = 0.0
    return module


CASES = (
    Case("convolutions, pixels", convolutions, (1, 8, 8), 4, 255),
    Case("convolutions, 0/1 inputs", convolutions, (1, 8, 8), 4, 1),
    Case("README's 20-256-256-256-35, 200 steps", lambda: dense(20, 256, 256, 256, 35), (20,), 200, 1, 2),
    Case("motor prediction, SNN 96-50-2", lambda: dense(96, 50, 2, bias=False), (96,), 1, 1),
    Case("motor prediction, SNN 192-50-2", lambda: dense(192, 50, 2, bias=False), (192,), 1, 1),
)


def both(case: Case) -> tuple[dict[str, Any], Any]:
    """Return what the harness finds on the module, and `sd.neurobench` on the network that it becomes."""
    torch.manual_seed(0)
    module, rng = case.make(), np.random.default_rng(0)
    frames = rng.integers(0, case.largest_value + 1, (case.steps, case.samples, *case.shape))
    frames[rng.random(frames.shape) < 0.5] = 0
    labels = rng.integers(0, 2, case.samples)
    # Pixels as whole numbers: 1/255 is no sum of halves, and the neurons of both should meet the same potentials.
    network = sd.from_torch(module, case.shape, case.steps, largest_value=case.largest_value, scale=1.0, check=1)
    return harness(module, frames, labels), sd.neurobench(network, frames, labels=labels)


def rows(case: Case) -> list[tuple[str, str, str, str]]:
    """Return (network, metric, harness, snn-deploy) for every metric of `case`."""
    theirs, ours = both(case)
    found = ours.to_dict()
    neurons = len(found["ActivationSparsityByLayer"])
    assert theirs["Footprint"] - found["Footprint"] == _KEPT_BY_SNNTORCH * neurons
    shown = [
        ("footprint, bytes", theirs["Footprint"], found["Footprint"]),
        ("parameters", theirs["ParameterCount"], found["ParameterCount"]),
        ("connection sparsity", theirs["ConnectionSparsity"], found["ConnectionSparsity"]),
        ("activation sparsity", theirs["ActivationSparsity"], found["ActivationSparsity"]),
        ("membrane updates", theirs["MembraneUpdates"], found["MembraneUpdates"]),
        *(
            (words, theirs["SynapticOperations"][name], found["SynapticOperations"][name])
            for words, name in (
                ("effective MACs", "Effective_MACs"), ("effective ACs", "Effective_ACs"), ("dense", "Dense"),
            )
        ),
    ]  # fmt: skip
    return [(case.name if i == 0 else "", metric, _text(a), _text(b)) for i, (metric, a, b) in enumerate(shown)]


def tables() -> str:
    """Return the table, found now."""
    titles = ("network", "metric", "harness, on the module", "`sd.neurobench`")
    lines = [titles, ("---",) * len(titles), *(row for case in CASES for row in rows(case))]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


def _text(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def main() -> None:
    """Write the page's tables, or check them."""
    warnings.simplefilter("ignore")
    write_or_check(PAGE, "docs/neurobench_table.py", tables())


if __name__ == "__main__":
    main()
