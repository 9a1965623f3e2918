"""report: everything that is known about a deployment, as findings and as one HTML file that opens offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from snn_deploy.api.exits import FILE as EXITS_FILE
from snn_deploy.api.exits import Exits, policy_for
from snn_deploy.api.forecast import forecast
from snn_deploy.api.signal_sources import has_series
from snn_deploy.api.sources import Data, chip_of, choose, integer_network, network_file
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.mapping.memory.resources import limits
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import gives_values
from snn_deploy.report.findings import Beside, Continuation, Findings, Fit
from snn_deploy.report.gather import Shown, Subject, gather, installed_backends
from snn_deploy.report.page import page
from snn_deploy.support.atomic_file import write_text
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

SAMPLES = 1000  # test samples, where no number is given


@dataclass(frozen=True, repr=False)
class ReportResult(Result):
    """A report. findings: everything that it says, as plain data; file: where `save` wrote it, or None."""

    findings: Findings
    default_path: Path
    file: Path | None = None

    @property
    def html(self) -> str:
        """The page, which needs nothing beside it."""
        return page(self.findings)

    @property
    def differences(self) -> tuple[str, ...]:
        """One line for each backend that differs, of the network beside it too."""
        beside = self.findings.beside
        of_other = () if beside is None else beside.there.compared.differences
        return (*self.findings.compared.differences, *(f"beside: {line}" for line in of_other))

    def save(self, path: str | Path | None = None) -> "ReportResult":
        """Return this report with the file that it was written to; None is report.html beside the network."""
        written = Path(path) if path is not None else self.default_path
        write_text(written, self.html)
        return ReportResult(self.findings, self.default_path, written)

    def headline(self) -> str:
        """Return the accuracy of the integers, or how far their values are from those wanted."""
        values = self.findings.values
        if values is not None:
            loop = "" if values.continued is None else f"; closed loop {values.continued.errors}"
            return f"values in integers: {values.errors} of {counted(self.findings.samples, 'test sample')}{loop}"
        accuracy = self.findings.accuracy
        low, high = (100 * bound for bound in accuracy.interval)
        return (
            f"accuracy in integers {100 * accuracy.value:.2f} % of {accuracy.of} test samples "
            f"(95 % interval {low:.2f} to {high:.2f} %)"
        )

    def blocks(self) -> tuple[Block, ...]:
        """Return accuracy, whether it fits on each chip, differences, and the file."""
        fits = (f"{fit.title}: {_where(fit)}" for fit in self.findings.fits)
        written = () if self.file is None else (f"wrote {self.file}",)
        early = () if self.findings.exits is None else self.findings.exits.lines()
        beside = () if self.findings.beside is None else (_beside(self.findings.beside),)
        return (self.headline(), *beside, *early, *fits, *self.differences, *written)

    def _score(self) -> dict[str, object]:
        """Return the accuracy and its interval, or the errors of the values."""
        values = self.findings.values
        if values is None:
            accuracy = self.findings.accuracy
            return {"accuracy": accuracy.value, "accuracy_interval": list(accuracy.interval)}
        loop = None if values.continued is None else values.continued.errors.to_dict()
        return {"errors": values.errors.to_dict(), "closed_loop": loop}

    def to_dict(self) -> dict[str, object]:
        """Return the file and the main findings."""
        beside = self.findings.beside
        return {
            "file": None if self.file is None else str(self.file),
            **self._score(),
            "beside": None if beside is None else _beside_to_dict(beside),
            "samples": self.findings.samples,
            "differences": list(self.differences),
            "fits": {fit.profile: fit.on_chip is not None for fit in self.findings.fits},
            "improvements": [t.change for t in self.findings.better],
            "exits": {profile: costs.to_dict() for profile, costs in self.findings.exit_costs},
        }


def report(
    source: str | Path | IntegerNetwork,
    inputs: Data = None,
    *,
    labels: np.ndarray | None = None,
    chips: Sequence[str] | None = None,
    samples: int | None = None,
    compared: int = 10,
    beside: str | Path | None = None,
    backends: Sequence[str] | None = None,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> ReportResult:
    """Return a report of accuracy, identical spikes, layers, fit, energy, training and provenance.

    Parameters
    ----------
    source
        The folder of a run with an exported network in RUN/loihi or RUN/onnx; such a network's file or folder; or the
        network itself.
    chips
        Hardware profiles: names, or TOML files. None is the chip that the network was exported for.
    inputs, labels, samples
        What is measured on, as of `run`, with labels, and how many of them; 0 is all, None at most 1000.
    compared
        How many of them every backend runs.
    beside
        Another run or network that takes the same inputs; all is measured of it, too, on the same samples.
    backends
        Compared; None is reference, cpu, and onnx and lava where they are installed.
    exits
        Also say what it does to let samples stop as this policy, or its file, says (see sd.exits). None is the file
        exits.json beside the network, where there is one.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a source that is not exported, data that the network does not take, a profile without cores.
    """
    if compared < 1:
        raise UserError(f"--compared {compared}; allowed is a whole number from 1.")
    subject, folder = _subject(source)
    network = subject.network
    chosen = choose(network, inputs, samples or 0, labels).first(SAMPLES if samples is None else samples)
    if chosen.labels is None:
        raise UserError("report: inputs without labels. Give labels, one for each sample.")
    profiles = [chip_of(network, name) for name in chips or (None,)]
    for chip in profiles:
        limits(chip)  # refuses one without cores, before anything is run
    other = None
    if beside is not None:
        other, _ = _subject(beside)
        as_frames(other.network, chosen.first(1).shown)  # refuses what it does not take
    if gives_values(network) and beside is not None:
        raise UserError("report --beside: compares accuracies, and this network gives values. Leave it out.")
    policy = _policy(network, exits, None if isinstance(source, IntegerNetwork) else folder / EXITS_FILE)
    names = tuple(backends or installed_backends())
    commands: tuple[str, ...] = ()
    if isinstance(source, str | PathLike) and isinstance(inputs, str | None):
        commands = _commands(Path(source), chips or (), inputs, chosen.count, compared, beside, names, exits)
    shown = Shown(chosen.shown, chosen.labels, chosen.is_sequence, inputs is None and labels is None)
    findings = gather(
        subject,
        shown,
        profiles,
        backends=names,
        compared=compared,
        beside=other,
        policy=policy,
        commands=commands,
        continued=_continued(network, inputs, watch) if gives_values(network) else None,
        watch=watch,
    )
    return ReportResult(findings, folder / "report.html")


def _continued(network: IntegerNetwork, data: Data, watch: Watch) -> Continuation | None:
    """Return how `network` continues the series that it was trained on; None where its data have none."""
    if not isinstance(data, str | None) or not has_series(network.provenance, data):
        return None
    found = forecast(network, data=data, watch=watch)
    return Continuation(found.truth, found.predicted, found.one_ahead, found.published)


def _beside(found: Beside) -> str:
    """Return one line about the accuracy of the other network against this one's."""
    low, high = (100 * bound for bound in found.possible)
    change = 100 * (found.there.accuracy.value - found.here.accuracy.value)
    chance = ", may be chance" if low < 0 < high else ""
    return (
        f"beside: {found.there.title} {100 * found.there.accuracy.value:.2f} % of the same samples "
        f"({change:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}{chance})"
    )


def _beside_to_dict(found: Beside) -> dict[str, object]:
    return {
        "title": found.there.title,
        "accuracy": found.there.accuracy.value,
        "accuracy_interval": list(found.there.accuracy.interval),
        "change_interval": list(found.possible),
        "only_here": found.only_here.count,
        "only_there": found.only_there.count,
        "fits": {fit.profile: fit.on_chip is not None for fit in found.there.fits},
    }


def _policy(network: IntegerNetwork, exits: Exits, beside: Path | None) -> ExitPolicy | None:
    """Return the policy `exits`; without one, that of the file `beside` the network, where there is one."""
    if exits is not None:
        return policy_for(network, exits)
    if beside is None or not beside.exists():
        return None
    try:
        return policy_for(network, beside)
    except UserError as error:
        raise UserError(f"{error} Or remove it: a report takes the exits beside its network.") from error


def _where(fit: Fit) -> str:
    if fit.on_chip is None:
        return "does not fit"
    return f"fits, {counted(fit.on_chip.cores, 'core')}, {counted(fit.on_chip.chips, 'chip')}"


def _subject(source: str | Path | IntegerNetwork) -> tuple[Subject, Path]:
    """Return what `source` is, and the folder of the network's file."""
    if not isinstance(source, str | PathLike):
        network = integer_network(source)
        return Subject(network, _title(network), None), Path()
    file, run = _places(Path(source))
    return Subject(integer_network(file), (run or file.parent).resolve().name, run), file.parent


def _title(network: IntegerNetwork) -> str:
    """Return what a network without a file is called: the class of the module that it came from."""
    module = network.provenance.get("torch")
    return module if isinstance(module, str) and module else "network"


def _places(source: Path) -> tuple[Path, Path | None]:
    """Return (the network's file, the run's folder or None)."""
    if source.is_dir() and not network_file(source).exists():
        exported = [source / target / "network.npz" for target in ("loihi", "onnx")]
        if not (source / "float_network.npz").exists():
            raise UserError(f"{source}: neither a run nor an exported network. Give the folder of one of them.")
        found = next((path for path in exported if path.exists()), None)
        if found is None:
            raise UserError(f"{source}: is not exported yet. Call snn-deploy export {source}.")
        return found, source
    file = network_file(source)
    run = file.parent.parent
    return file, run if (run / "float_network.npz").exists() else None


def _commands(
    source: str | Path,
    chips: Sequence[str],
    data: Data,
    samples: int,
    compared: int,
    beside: str | Path | None,
    backends: Sequence[str],
    exits: Exits,
) -> tuple[str, ...]:
    options = [f"--profile {name}" for name in chips] + ([f"--data {data}"] if isinstance(data, str) else [])
    options += [f"--beside {beside}"] if beside else []
    options += [f"--exits {exits}"] if isinstance(exits, str | Path) else []
    options += [f"--samples {samples}", f"--compared {compared}", f"--backends {','.join(backends)}"]
    verified = f"snn-deploy verify {source} --backends {','.join(backends)} --samples {compared}"
    return (f"snn-deploy report {source} {' '.join(options)}", verified)
