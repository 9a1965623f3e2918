"""verify: the same inputs on several backends, every spike of every layer and every output compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snn_deploy.api.exits import Exits, policy_for
from snn_deploy.api.sources import Data, Network, choose, integer_network, network_file
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.running.backend import load_backend, make_ready, say_expected
from snn_deploy.deploy.running.memory import require_free, require_memory
from snn_deploy.deploy.verification.cut_network import first_layers
from snn_deploy.deploy.verification.input_sets import (
    RANDOM_SAMPLES,
    InputSet,
    check_inputs,
    generated_bytes,
    nasty_sets,
    random_sets,
)
from snn_deploy.deploy.verification.verify import Difference, Verification, identical
from snn_deploy.deploy.verification.verify import verify as compared
from snn_deploy.deploy.verification.verify_exits import ExitDifference, ExitVerification, verify_exits
from snn_deploy.deploy.verification.verify_layers import verify_layers
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.result import Block, Result
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_SAMPLES = 20  # test samples, where no inputs and no number are given
_EXPORTED = {"netx": "network.net", "onnx": "network.onnx"}  # backend -> the exported file that it runs


@dataclass(frozen=True)
class VerifiedInputs:
    """What one set of inputs showed. steps: of the network that was shown them; sample_names: of each of them.

    exits: the same samples up to their exits, or None where none were asked for or the network has other steps.
    """

    name: str
    steps: int
    sample_names: tuple[str, ...]
    verification: Verification
    exits: ExitVerification | None = None

    @property
    def is_identical(self) -> bool:
        """Whether every backend did exactly what the first one did, with exits too."""
        return not self.differences

    @property
    def differences(self) -> tuple[Difference | ExitDifference, ...]:
        """The first difference of each backend, of the whole run and up to the exits."""
        return (*self.verification.differences, *(self.exits.differences if self.exits else ()))


@dataclass(frozen=True, repr=False)
class VerifyResult(Result):
    """What a comparison of backends found. inputs: one for each set of inputs that was shown."""

    backends: tuple[str, ...]
    inputs: tuple[VerifiedInputs, ...]

    @property
    def is_identical(self) -> bool:
        """Whether every backend did exactly what the first one did."""
        return all(shown.is_identical for shown in self.inputs)

    @property
    def samples(self) -> int:
        """How many samples were compared."""
        return sum(shown.verification.samples for shown in self.inputs)

    @property
    def spikes(self) -> int:
        """How many spikes the first backend fired, in all populations and samples."""
        return sum(shown.verification.spikes for shown in self.inputs)

    @property
    def differences(self) -> tuple[Difference | ExitDifference, ...]:
        """The first difference of each backend that differs, of each set of inputs."""
        return tuple(d for shown in self.inputs for d in shown.differences)

    @property
    def samples_per_second(self) -> dict[str, float]:
        """Backend -> how many samples it ran in a second, its start included, compiling not."""
        seconds = [sum(times) for times in zip(*(shown.verification.seconds for shown in self.inputs), strict=True)]
        return {name: self.samples / max(s, 1e-9) for name, s in zip(self.backends, seconds, strict=True)}

    @property
    def silent(self) -> tuple[str, ...]:
        """The populations that can fire and never did, on any of the inputs."""
        of_sets = [shown.verification.silent for shown in self.inputs]
        return tuple(name for name in of_sets[0] if all(name in silent for silent in of_sets))

    def headline(self) -> str:
        """Return whether all is identical, and on how much."""
        if not self.is_identical:
            return f"{self.differences[0].backend} differs from {self.backends[0]}: {self.differences[0]}"
        return identical(self.silent, self.samples, self.spikes, self.backends)

    def blocks(self) -> tuple[Block, ...]:
        """Return what was compared, or the first difference and its operands, and how fast each backend was."""
        lines: list[Block] = []
        for shown in self.inputs:
            before = "" if len(self.inputs) == 1 else f"{shown.name}: "
            lines += f"{before}{shown.verification}".splitlines()
            lines += f"{before}{shown.exits}".splitlines() if shown.exits else []
        speeds = ", ".join(f"{name} {_rate(speed)}" for name, speed in self.samples_per_second.items())
        return (*lines, f"samples a second: {speeds}")

    def to_dict(self) -> dict[str, object]:
        """Return the outcome of each set of inputs, and of all together."""
        reports = [_report(shown) for shown in self.inputs]
        return {
            "identical": self.is_identical,
            "backends": list(self.backends),
            "samples": self.samples,
            "spikes": self.spikes,
            "silent": list(self.silent),
            "differences": [d for report in reports for d in report.pop("differences")],
            "inputs": reports,
        }


def verify(
    network: Network,
    inputs: Data = None,
    backends: Sequence[str] | None = None,
    *,
    samples: int | None = None,
    kinds: Sequence[str] = ("data",),
    layers: int | None = None,
    per_layer: bool = False,
    seed: int = 0,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> VerifyResult:
    """Return what `network` does on several backends, compared spike for spike, without any tolerance.

    Parameters
    ----------
    network
        An exported network, its file or its folder. Of a file, the backends netx and onnx run network.net and
        network.onnx beside it, as they were exported; else they make their own.
    inputs, samples
        See `run`; without inputs 20 test samples, where `samples` says nothing else. 0 is all.
    backends
        At least two; the first is what the others are compared with. None: reference, cpu and lava, and netx and onnx
        where the network has their files.
    kinds
        What is shown, any of "data" (`inputs`), "random" and "nasty": extremes of the input's range, single pixels,
        frames that alternate, potentials exactly at a threshold, one below and one above it, and more steps.
    layers
        Cut the network to so many first layers.
    per_layer
        Feed every layer with the first backend's spikes, so that a difference stays in its layer.
    seed
        Of the random inputs.
    exits
        Also stop each sample as this policy, or its file, says (see sd.exits): every spike up to its exit must be that
        of the whole run, and every backend must stop it in the same step with the same outputs.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a backend that does not work here, or inputs that the network does not take.
    """
    check_inputs(kinds)
    if seed < 0:
        raise UserError(f"--seed {seed}; allowed is a whole number from 0.")
    whole = integer_network(network)
    files = {} if isinstance(network, IntegerNetwork) else _exported_files(Path(network))
    policy = None if exits is None else policy_for(whole, exits)
    if policy is not None and (layers is not None or per_layer):
        raise UserError("--exits goes without --layers and --per-layer: exits are of the whole network's output.")
    names = tuple(backends or ["reference", "cpu", "lava", *(n for n, f in files.items() if f.is_file())])
    require_free(generated_bytes(whole, kinds), f"the inputs {', '.join(kinds)} for this network")
    require_memory(whole, _least_samples(kinds), names, record=True)
    sets: list[InputSet] = []
    if "data" in kinds:
        count = samples if samples is not None else (_SAMPLES if inputs is None or isinstance(inputs, str) else 0)
        chosen = choose(whole, inputs, count)
        require_memory(whole, chosen.count, names, record=True)
        sets.append(InputSet("data", whole, chosen.shown, tuple(f"test sample {i}" for i in range(chosen.count))))
    if "random" in kinds:
        sets += random_sets(whole, seed)
    if "nasty" in kinds:
        sets += nasty_sets(whole)
    if layers is not None:
        sets = [_cut(shown, layers) for shown in sets]
    usable = {} if layers is not None or per_layer else files
    for name in names:
        try:
            load_backend(name)
        except UserError as error:
            others = ",".join(n for n in names if n != name)
            raise UserError(f"{error} Or leave it out: --backends {others}.") from error
    exported = sets[0].network  # the first set never has other steps
    for name in names:
        make_ready(load_backend(name), exported, watch)
    return VerifyResult(
        names,
        tuple(
            VerifiedInputs(
                shown.name,
                shown.network.steps,
                shown.names,
                _compared(watch, shown, names, _usable(usable, exported, shown), per_layer=per_layer),
                _with_exits(watch, shown, names, policy) if policy and shown.network is exported else None,
            )
            for shown in sets
        ),
    )


def _least_samples(kinds: Sequence[str]) -> int:
    """Return how many samples the smallest of the sets has that `kinds` make, at the least."""
    return RANDOM_SAMPLES if "random" in kinds else 1


def _compared(
    watch: Watch, shown: InputSet, backends: Sequence[str], files: Mapping[str, Path], *, per_layer: bool
) -> Verification:
    runs = 1 + (len(backends) - 1) * (len(shown.network.populations) if per_layer else 1)
    for name in backends:
        say_expected(watch, name, shown.network, len(shown.names))
    with watch.progress(f"verify {', '.join(backends)}: {shown.name}", len(shown.names) * runs) as advance:
        if per_layer:
            return verify_layers(shown.network, shown.inputs, backends, progress=advance)
        return compared(shown.network, shown.inputs, backends, files=files, progress=advance)


def _with_exits(watch: Watch, shown: InputSet, backends: Sequence[str], policy: ExitPolicy) -> ExitVerification:
    samples = len(shown.names)
    with watch.progress(f"exits, {', '.join(backends)}: {shown.name}", samples * (1 + len(backends))) as advance:
        return verify_exits(shown.network, shown.inputs, policy, backends, advance)


def _exported_files(network: Path) -> dict[str, Path]:
    """Return backend -> the file beside `network` that it runs; netx's even where it is missing, and must be named."""
    files = {backend: network_file(network).with_name(name) for backend, name in _EXPORTED.items()}
    return {backend: file for backend, file in files.items() if backend == "netx" or file.is_file()}


def _cut(shown: InputSet, layers: int) -> InputSet:
    network, inputs = first_layers(shown.network, shown.inputs, layers)
    return replace(shown, network=network, inputs=inputs)


def _usable(files: Mapping[str, Path], exported: IntegerNetwork, shown: InputSet) -> dict[str, Path]:
    """Return the exported files that can run `shown`: none at other steps, and an ONNX model of images no frames."""
    if shown.network is not exported:
        return {}
    is_images = shown.inputs.shape[1:] == exported.input.shape
    return {backend: file for backend, file in files.items() if backend != "onnx" or is_images}


def _report(shown: VerifiedInputs) -> dict[str, Any]:
    report = {"name": shown.name, "steps": shown.steps, **shown.verification.as_json()}
    del report["backends"]
    if shown.exits is not None:
        of_exits = shown.exits.as_json()
        report["differences"] += of_exits.pop("differences")
        report["exits"] = of_exits
    for difference in report["differences"]:
        difference |= {"inputs": shown.name, "sample_name": shown.sample_names[difference["sample"]]}
    return report


def _rate(samples_per_second: float) -> str:
    return f"{samples_per_second:.3g}" if samples_per_second < 100 else f"{samples_per_second:.0f}"
