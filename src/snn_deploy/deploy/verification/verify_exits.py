"""verify_exits: samples that stop early, on several backends, against the whole run of the first one.

Every spike up to a sample's exit must be the one of the whole run (no spike depends on a later step), and every backend
must stop each sample in the same step as the first one, with the same outputs. The runs to the exits are runs with
fewer steps, made anew: the backends netx and onnx write files of their own for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.exits.run_with_exits import ExitedSamples, run_with_exits
from snn_deploy.deploy.exits.up_to import up_to
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.simulation import Progress
from snn_deploy.deploy.verification.operands import Operands
from snn_deploy.deploy.verification.verify import (
    Difference,
    check_backends,
    difference_as_json,
    first_output_difference,
    first_spike_difference,
    operands_of,
    require_complete,
)
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.counted import counted


@dataclass(frozen=True)
class ExitDifference:
    """The first sample that stops in another step, from 1, although all spikes up to the earlier one are equal."""

    backend: str
    sample: int
    expected: int
    found: int

    def __str__(self) -> str:
        return f"sample {self.sample} stops in step {self.found} instead of {self.expected}"


@dataclass(frozen=True)
class ExitVerification:
    """What a comparison of samples that stop early found.

    backends: the first one is what the others are compared with, and its own exits with its whole run. steps:
    (samples,), its exits, from 1. spikes: its spikes up to them. differences: the first one of each backend. operands:
    of each, what the reference computed there, or None.
    """

    backends: tuple[str, ...]
    steps: np.ndarray
    spikes: int
    differences: tuple[Difference | ExitDifference, ...]
    operands: tuple[Operands | None, ...]

    @property
    def is_identical(self) -> bool:
        """Whether every backend did up to the exits what the first one did in its whole run."""
        return not self.differences

    def __str__(self) -> str:
        names = ", ".join(self.backends)
        if self.is_identical:
            return (
                f"identical up to the exits: {counted(len(self.steps), 'sample')}, "
                f"{self.steps.mean():.2f} steps on average, {self.spikes} spikes, on {names}"
            )
        lines = []
        for difference, operands in zip(self.differences, self.operands, strict=True):
            lines.append(f"{difference.backend}, with exits, differs from {self.backends[0]}: {difference}")
            lines += [f"  {line}" for line in operands.lines()] if operands else []
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the verification as plain dictionaries and lists."""
        return {
            "identical": self.is_identical,
            "steps": self.steps.tolist(),
            "spikes": self.spikes,
            "differences": [
                {"kind": "exit", **asdict(d), "operands": None}
                if isinstance(d, ExitDifference)
                else difference_as_json(d, operands)
                for d, operands in zip(self.differences, self.operands, strict=True)
            ],
        }


def verify_exits(
    network: IntegerNetwork,
    inputs: np.ndarray,
    policy: ExitPolicy,
    backends: Sequence[str],
    progress: Progress | None = None,
) -> ExitVerification:
    """Return what running `inputs` (see simulation.as_frames) up to their exits on every one of `backends` shows."""
    check_backends(backends)
    loaded = {name: load_backend(name) for name in backends}
    whole = loaded[backends[0]].run(network, inputs, record=True, progress=progress)
    require_complete(network, backends[0], whole, whole)
    assert whole.spikes is not None
    first: ExitedSamples | None = None
    differences: list[Difference | ExitDifference] = []
    operands: list[Operands | None] = []
    for name, backend in loaded.items():
        found = run_with_exits(network, inputs, policy, backend, progress, record=True)
        first = first or found
        require_complete(network, name, found.simulation, whole)
        difference = _first_difference(network, name, whole.spikes, first, found)
        if difference is not None:
            differences.append(difference)
            operands.append(
                None
                if isinstance(difference, ExitDifference)
                else operands_of(network, inputs, difference, int(first.steps[difference.sample]) - 1)
            )
    assert first is not None
    spikes = sum(int(first.simulation.spike_counts[p.name].sum()) for p in network.populations)
    return ExitVerification(tuple(backends), first.steps, spikes, tuple(differences), tuple(operands))


def _first_difference(
    network: IntegerNetwork, name: str, whole: Mapping[str, np.ndarray], first: ExitedSamples, found: ExitedSamples
) -> Difference | ExitDifference | None:
    """Return the first difference that has no other as its cause: of spikes, of exits, of outputs."""
    assert found.simulation.spikes is not None
    shared = np.minimum(first.steps, found.steps)
    expected, there = (
        {key: up_to(values, shared) for key, values in spikes.items()} for spikes in (whole, found.simulation.spikes)
    )
    if (of_spikes := first_spike_difference(network, name, expected, there)) is not None:
        return of_spikes
    if len(others := np.flatnonzero(first.steps != found.steps)):
        sample = int(others[0])
        return ExitDifference(name, sample, int(first.steps[sample]), int(found.steps[sample]))
    return first_output_difference(network, name, first.simulation.outputs, found.simulation.outputs)
