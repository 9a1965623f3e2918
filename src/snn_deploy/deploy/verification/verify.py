"""verify: the same inputs on several backends, every spike of every population and every output compared.

There is no tolerance: one differing spike is a failure, and the first one in time is named, because it is nearest
to its cause, with the operands that made it (operands.py).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.deploy.running.backend import load_backend, make_ready
from snn_deploy.deploy.running.overflows import Overflow, overflow_line, overflows
from snn_deploy.deploy.running.simulation import Progress, Simulation
from snn_deploy.deploy.verification.operands import Operands, find_operands
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import gives_values
from snn_deploy.support.counted import counted
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class SpikeDifference:
    """The first spike that differs: earliest step, then population in network order, sample, neuron.

    index: of the neuron in its population, (channel, row, column) or (feature,). expected: of the first backend.
    """

    backend: str
    population: str
    step: int
    sample: int
    index: tuple[int, ...]
    expected: int
    found: int

    def __str__(self) -> str:
        where = f"population {self.population!r}, step {self.step}, sample {self.sample}, neuron {list(self.index)}"
        return f"{where}: {self.found} instead of {self.expected}"


@dataclass(frozen=True)
class OutputDifference:
    """The first output value that differs where all spikes are equal; population: the output's.

    step: of a network that gives values, from 0; None is the last one.
    """

    backend: str
    population: str
    sample: int
    class_index: int
    expected: int
    found: int
    step: int | None = None

    def __str__(self) -> str:
        of = f"class {self.class_index}" if self.step is None else f"value {self.class_index}, step {self.step}"
        where = f"all spikes are equal; output of {of}, sample {self.sample}"
        return f"{where}: {self.found} instead of {self.expected}"


Difference = SpikeDifference | OutputDifference


@dataclass(frozen=True)
class Verification:
    """What a comparison of backends found.

    backends: the first one is what the others were compared with. spikes: of all its populations in all samples.
    differences: the first one of each backend that differs; empty where all are identical. operands: of each
    difference, what the reference computed there, or None where it is one of the input itself or of spike counts.
    seconds: that each backend took, its start included, compiling not. silent: the populations that can fire and never
    did. overflows: of the first backend, see overflows.py; None where it cannot count them.
    """

    backends: tuple[str, ...]
    samples: int
    spikes: int
    differences: tuple[Difference, ...]
    operands: tuple[Operands | None, ...] = ()
    seconds: tuple[float, ...] = ()
    silent: tuple[str, ...] = ()
    overflows: tuple[Overflow, ...] | None = ()

    @property
    def is_identical(self) -> bool:
        """Whether every backend did exactly what the first one did."""
        return not self.differences

    def samples_per_second(self) -> dict[str, float]:
        """Return backend -> how many samples it ran in a second, its start included, compiling not."""
        return {name: self.samples / max(s, 1e-9) for name, s in zip(self.backends, self.seconds, strict=True)}

    def __str__(self) -> str:
        first = self.backends[0]
        lines = [identical(self.silent, self.samples, self.spikes, self.backends)] if self.is_identical else []
        for difference, operands in zip(self.differences, self.operands, strict=True):
            lines.append(f"{difference.backend} differs from {first}: {difference}")
            lines += [f"  {line}" for line in operands.lines()] if operands else []
        lines += overflow_line(self.overflows, counted(self.samples, "sample"))
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the verification as plain dictionaries and lists."""
        return {
            "identical": self.is_identical,
            "backends": list(self.backends),
            "samples": self.samples,
            "spikes": self.spikes,
            "seconds": dict(zip(self.backends, self.seconds, strict=bool(self.seconds))),
            "silent": list(self.silent),
            "overflows": None if self.overflows is None else [asdict(one) for one in self.overflows],
            "differences": [difference_as_json(d, o) for d, o in zip(self.differences, self.operands, strict=True)],
        }


def verify(
    network: IntegerNetwork,
    inputs: np.ndarray,
    backends: Sequence[str],
    *,
    files: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Return what running `inputs` (see simulation.as_frames) on every one of `backends` shows.

    files: backend -> the exported file that it runs ("netx", "onnx"); without, it makes one of its own.
    progress: called with the number of samples that a backend just finished.
    """
    check_backends(backends)
    loaded = {name: load_backend(name) for name in backends}  # all of them, before any long run
    expected: Simulation | None = None
    differences: list[Difference] = []
    seconds: list[float] = []
    for name, backend in loaded.items():
        make_ready(backend, network)
        start = time.monotonic()
        options: dict[str, Any] = {"file": files[name]} if files and name in files else {}
        found = backend.run(network, inputs, record=True, progress=progress, **options)
        seconds.append(time.monotonic() - start)
        if expected is None:
            require_complete(network, name, found, found)
            expected = found
            continue
        require_complete(network, name, found, expected)
        difference = first_difference(network, name, expected, found)
        if difference is not None:
            differences.append(difference)
    assert expected is not None
    spikes = sum(int(expected.spike_counts[p.name].sum()) for p in network.populations)
    operands = tuple(operands_of(network, inputs, difference) for difference in differences)
    return Verification(
        tuple(backends),
        len(expected.outputs),
        spikes,
        tuple(differences),
        operands,
        tuple(seconds),
        silent_populations(network, expected),
        overflows(network, expected),
    )


def identical(silent: Sequence[str], samples: int, spikes: int, backends: Sequence[str]) -> str:
    """Return one line about a comparison without a difference, and about populations that had nothing to compare."""
    but = f", but {' and '.join(silent)} never fired" if silent else ""
    fired = f"{spikes} spike{'' if spikes == 1 else 's'}"  # digit by digit, as docs and scripts have it
    return f"identical{but}: {counted(samples, 'sample')}, {fired}, on {', '.join(backends)}"


def silent_populations(network: IntegerNetwork, simulation: Simulation) -> tuple[str, ...]:
    """Return the populations that can fire and did not, in any of the samples."""
    return tuple(p.name for p in network.populations if p.fires and not simulation.spike_counts[p.name].any())


def check_backends(backends: Sequence[str]) -> None:
    """Raise UserError unless `backends` are at least two different names."""
    if len(backends) < 2 or len(set(backends)) < len(backends):
        raise UserError(f"verify: backends {', '.join(backends) or 'none'}; name at least two different ones.")


def first_difference(
    network: IntegerNetwork, backend: str, expected: Simulation, found: Simulation
) -> Difference | None:
    """Return where `found`, of `backend`, first differs from `expected`, or None; both with recorded spikes."""
    assert expected.spikes is not None and found.spikes is not None
    of_spikes = first_spike_difference(network, backend, expected.spikes, found.spikes)
    of_values = None if of_spikes else _first_value_difference(network, backend, expected, found)
    return of_spikes or of_values or first_output_difference(network, backend, expected.outputs, found.outputs)


def _first_value_difference(
    network: IntegerNetwork, backend: str, expected: Simulation, found: Simulation
) -> OutputDifference | None:
    """Return the first potential that differs in any step, of networks that give values."""
    if expected.outputs_by_step is None or found.outputs_by_step is None:
        return None
    differing = np.argwhere(expected.outputs_by_step != found.outputs_by_step)
    if not len(differing):
        return None
    step, sample, index = (int(i) for i in differing[0])
    here, there = (int(read[step, sample, index]) for read in (expected.outputs_by_step, found.outputs_by_step))
    return OutputDifference(backend, network.output.name, sample, index, here, there, step)


def first_spike_difference(
    network: IntegerNetwork, backend: str, expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]
) -> SpikeDifference | None:
    """Return where the spikes `found`, population and input -> (steps, samples, *shape), first differ, or None."""
    first: tuple[int, int, SpikeDifference] | None = None
    for order, name in enumerate((network.input.name, *(p.name for p in network.populations))):
        here, there = expected[name], found[name]
        differs = here != there
        steps = np.flatnonzero(differs.reshape(len(differs), -1).any(axis=1))
        if not len(steps) or (first is not None and first[:2] <= (int(steps[0]), order)):
            continue
        step = int(steps[0])
        sample, *index = (int(i) for i in np.argwhere(differs[step])[0])
        at = (step, sample, *index)
        first = (step, order, SpikeDifference(backend, name, step, sample, tuple(index), int(here[at]), int(there[at])))
    return None if first is None else first[2]


def first_output_difference(
    network: IntegerNetwork, backend: str, expected: np.ndarray, found: np.ndarray
) -> OutputDifference | None:
    """Return the first of the outputs `found`, (samples, classes), that differs, or None."""
    differing = np.argwhere(expected != found)
    if not len(differing):
        return None
    sample, class_index = (int(i) for i in differing[0])
    values = (int(outputs[sample, class_index]) for outputs in (expected, found))
    return OutputDifference(backend, network.output.name, sample, class_index, *values)


def operands_of(
    network: IntegerNetwork, inputs: np.ndarray, difference: Difference, last: int | None = None
) -> Operands | None:
    """Return what the reference computed where `difference` is; None for the input itself and for spike counts.

    last: the step, from 0, that outputs are from; None is the network's last.
    """
    if isinstance(difference, SpikeDifference):
        if difference.population == network.input.name:
            return None
        where = (difference.population, difference.step, difference.sample, difference.index)
        return find_operands(network, inputs, *where)
    output = network.output
    if output.fires:
        return None  # spike counts, and all spikes are equal
    index = tuple(int(i) for i in np.unravel_index(difference.class_index, output.shape))
    step = network.steps - 1 if last is None else last
    step = step if difference.step is None else difference.step
    return find_operands(network, inputs, output.name, step, difference.sample, index)


def require_complete(network: IntegerNetwork, backend: str, found: Simulation, expected: Simulation) -> None:
    """Raise UserError unless `found` holds every spike and output that `expected` holds."""
    leave = f"Leave {backend!r} out of the comparison, or correct it."
    if found.spikes is None:
        raise UserError(f"backend {backend!r} recorded no spikes, so they cannot be compared. {leave}")
    samples = len(expected.outputs)
    for name in (network.input.name, *(p.name for p in network.populations)):
        shape = (network.steps, samples, *network.shape_of(name))
        if name not in found.spikes or found.spikes[name].shape != shape:
            what = found.spikes[name].shape if name in found.spikes else "nothing"
            raise UserError(f"backend {backend!r} recorded {what} of {name!r} instead of spikes {shape}. {leave}")
    if found.outputs.shape != expected.outputs.shape:
        raise UserError(
            f"backend {backend!r} gave outputs {found.outputs.shape} instead of {expected.outputs.shape}. {leave}"
        )
    read = (network.steps, *expected.outputs.shape)
    if gives_values(network) and (found.outputs_by_step is None or found.outputs_by_step.shape != read):
        raise UserError(f"backend {backend!r} did not read the output's potentials in every step. {leave}")


def difference_as_json(difference: Difference, operands: Operands | None) -> dict[str, Any]:
    """Return a difference as plain dictionaries and lists."""
    kind = "spike" if isinstance(difference, SpikeDifference) else "output"
    return {"kind": kind, **_plain(asdict(difference)), "operands": operands.as_json() if operands else None}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
