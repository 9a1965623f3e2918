"""fit: a trained network becomes smaller in rounds, with training between, until it fits; ends verified."""

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from snn_deploy.api.export import export
from snn_deploy.api.export_result import ExportResult
from snn_deploy.api.verify import VerifyResult, verify
from snn_deploy.deploy.mapping.cores.placement import Storage
from snn_deploy.deploy.mapping.fit_trade import FitTrade, TradeStage, write_trade
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.export.chip.input_beyond import input_beyond
from snn_deploy.fitting.accounting import Targets
from snn_deploy.fitting.rounds import fitted
from snn_deploy.fitting.settings import SETTINGS, Criterion, FitSettings, Pruned
from snn_deploy.fitting.stage import Stage
from snn_deploy.hardware_profiles.model_error import error_line
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.float_network import read_float_network
from snn_deploy.network.integer_network import IntegerInput
from snn_deploy.network.value_reading import require_classes
from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.one_writer import one_writer
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.stopped import kept_when_stopped
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch
from snn_deploy.train.run.inheritance import read_parent
from snn_deploy.train.run.loop import Watcher
from snn_deploy.train.run.run_folder import RunFolder

_BITS = 8  # where the run was trained in floats
_BACKENDS = ("reference", "cpu", "onnx")
_MICROSECOND = 1e-6
_NOT_ZERO, _BUSIEST = "weights not 0", "busiest core, us"  # columns that are left out where they say nothing
_DENSE = 0.8  # where synapses were pruned, fewer of the weights are not 0; rounding alone makes few of them 0
_DOTS_PER_INCH = 150


@dataclass(frozen=True, repr=False)
class FitResult(Result):
    """A network that was made to fit, and what it cost.

    folder: of the fit. targets: what was asked for. stages: the trade, the run that it began with first; the last one
    is what it ends with. exported, verified: its integers, and the comparison of their spikes. files: the trade as JSON
    and as a picture.
    """

    folder: Path
    chip: HardwareProfile
    targets: Targets
    stages: tuple[Stage, ...]
    exported: ExportResult
    verified: VerifyResult
    files: tuple[Path, ...]

    @property
    def fits(self) -> bool:
        """Whether it takes no more than was asked for."""
        return self.stages[-1].measures.excess(self.targets) == 0

    @property
    def is_identical(self) -> bool:
        """Whether every spike that was compared is the same on all backends."""
        return self.verified.is_identical

    def headline(self) -> str:
        """Return what it took before and takes now, and whether that is what was asked for."""
        first, last = self.stages[0].measures, self.stages[-1].measures
        reached = "" if self.fits else f"; asked for: {self.targets}, and nothing more that was tried comes nearer"
        return f"{last} of {self.chip.title}, before {first}{reached}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the trade, the accuracy in integers, the comparison and what to do next."""
        accuracy = self.exported.accuracy
        return (
            _table(self.stages, self.targets),
            self.headline(),
            f"  {error_line(self.chip, 'cores')}",
            *(
                ()
                if accuracy is None
                else (f"integer accuracy  {100 * accuracy:.2f} % of {self.exported.samples} test samples",)
            ),
            self.verified.headline(),
            *(f"wrote {path}" for path in (*self.exported.files, *self.files)),
            f"go on with: snn-deploy report {self.stages[-1].folder}",
        )

    def to_dict(self) -> dict[str, object]:
        """Return every stage, the accuracy in integers and what was compared."""
        return {
            "out": str(self.folder),
            "fits": self.fits,
            **asdict(_trade(self.chip, self.targets, self.stages)),
            "integer_accuracy": self.exported.accuracy,
            "samples": self.exported.samples,
            "network": str(self.exported.files[0]),
            "sha256": self.exported.network.digest,
            "identical": self.is_identical,
            "verification": self.verified.headline(),
        }


def fit(
    run: str | Path,
    *,
    chip: str = "loihi2",
    cores: int | None = None,
    chips: int | None = None,
    busiest_us: float | None = None,
    rounds: int = 3,
    epochs: int = 1,
    quantized_epochs: int = 1,
    criterion: Criterion = "taylor",
    samples: int = 500,
    weight_bits: int | None = None,
    changes: Sequence[str] = (),
    prune: Pruned = "both",
    storage: Storage = "nengo-loihi",
    verify_samples: int = 5,
    backends: Sequence[str] = _BACKENDS,
    out: str | Path | None = None,
    resume: bool = False,
    watcher: Watcher | None = None,
    watch: Watch = SILENT,
) -> FitResult:
    """Return the network of `run` without the channels and synapses that cost most of the chip for what they are worth.

    Every stage is an ordinary run in the folder of the fit; the last one is exported for the chip and verified.

    Parameters
    ----------
    run
        A finished run of a network whose layers lie in a row.
    chip
        A hardware profile: a name, or a TOML file.
    cores, chips, busiest_us
        What it may take: cores, chips, and microseconds of a step in which the busiest core works (the mapping with the
        fewest cores, spikes measured on training samples). None of them: it is to fit at all.
    rounds, epochs, quantized_epochs
        Channels go in so many rounds, with `epochs` of training after each, and `quantized_epochs` with rounded weights
        after those of the last.
    criterion
        "taylor": the layer, and the number of channels, that save most on the chip for the loss that they cost, to
        first order. "magnitude": the same share of every layer, the channels with the smallest weights.
    prune
        What may go. "both": channels, and on chips that store only the synapses that there are (loihi1) the smallest
        weights of a connection, where that saves more for its loss. Weights that went stay 0.
    samples
        Training samples on which the loss of a channel is estimated.
    weight_bits
        Of a signed weight; None is as the run was trained, else 8.
    changes
        Assignments such as "optimizer.learning_rate=0.01" to the config of every stage.
    storage
        How kernels are stored in synapse memory (see `place`).
    verify_samples, backends
        What the last stage is compared on.
    out
        The folder; None is runs/fit-RUN. `resume` goes on with the fit in it.
    watcher, watch
        Called after every batch and epoch of a stage; hears of every stage.

    Raises
    ------
    UserError
        For a run that is not finished or no chain of layers, a chip that cannot run it at all, a folder that holds
        another fit or that another process writes to. What comes near and does not fit is a result.
    """
    parent, profile = read_parent(Path(run)), load_profile(chip)
    targets = Targets(cores, chips, None if busiest_us is None else busiest_us * _MICROSECOND)
    for name in backends:
        load_backend(name)
    network = read_float_network(RunFolder(parent.folder).float_network)
    require_classes(network, "fit")
    entry = IntegerInput(network.input.name, network.input.shape, network.input.largest_value)
    if beyond := next(input_beyond(entry, profile), None):
        raise UserError(beyond)
    trained = parent.config.quantization
    settings = FitSettings(
        parent.digest,
        chip,
        targets,
        storage,
        criterion,
        rounds,
        epochs,
        quantized_epochs,
        samples,
        weight_bits or (trained.weight_bits if trained.epochs else _BITS),
        trained.per_channel if trained.epochs else False,
        tuple(changes),
        prune,
    )
    folder = Path(out) if out is not None else Path("runs") / f"fit-{parent.folder.resolve().name}"
    go_on = f"{folder} holds the stages that are done. Go on with the same command and --resume."
    with kept_when_stopped(lambda: go_on if (folder / SETTINGS).exists() else None), one_writer(folder):
        heard = watcher or Watcher()
        stages = fitted(parent, settings, folder, heard, lambda stage: watch.say(_line(stage)), resume=resume)
        exported = _exported(stages[-1], settings, folder, watch)
        compared = verify(exported.network, samples=verify_samples, backends=list(backends), watch=watch)
        files = _write_trade(folder, profile, targets, stages)
    return FitResult(folder, profile, targets, stages, exported, compared, files)


def _exported(stage: Stage, settings: FitSettings, folder: Path, watch: Watch) -> ExportResult:
    """Return the last stage's integers, measured on the test samples, after writing them into its run folder.

    A run that fits as it is stays as it is: its integers are written into the folder of the fit.
    """
    found = export(
        stage.folder,
        chip=settings.chip,
        weight_bits=settings.weight_bits,
        per_channel=settings.per_channel,
        measure=True,
        watch=watch,
    )
    return found.save((folder if stage.number == 0 else stage.folder) / "loihi")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _line(stage: Stage) -> str:
    name = f"stage {stage.number}" if stage.number else "before"
    accuracy = "" if stage.validation_accuracy is None else f", validation {100 * stage.validation_accuracy:.2f} %"
    weights = "" if stage.density > _DENSE else f", {_percent(stage.density)} of the weights not 0"
    return f"{name}: {stage.layers}{weights}, {stage.measures}{accuracy}"


def _table(stages: Sequence[Stage], targets: Targets) -> Table:
    titles = [
        "stage",
        "network",
        _NOT_ZERO,
        "cores",
        "chips",
        _BUSIEST,
        "validation",
        "points",
        "epochs",
        "run",
    ]
    begun = stages[0].validation_accuracy
    rows = []
    for s in stages:
        accuracy, time = s.validation_accuracy, s.measures.busiest
        rows.append(
            (
                s.number,
                s.layers,
                _percent(s.density),
                s.measures.cores or "does not fit",
                s.measures.chips or "",
                "" if time is None else f"{time / _MICROSECOND:.4g}",
                "" if accuracy is None else f"{100 * accuracy:.2f} %",
                "" if accuracy is None or begun is None else f"{100 * (accuracy - begun):+.2f}",
                s.epochs,
                s.folder,
            )
        )
    left_out = {_BUSIEST} if targets.busiest is None else set()
    if min(s.density for s in stages) > _DENSE:
        left_out.add(_NOT_ZERO)
    shown = [i for i, title in enumerate(titles) if title not in left_out]
    return Table(tuple(titles[i] for i in shown), tuple(tuple(row[i] for i in shown) for row in rows))


def _write_trade(folder: Path, chip: HardwareProfile, targets: Targets, stages: Sequence[Stage]) -> tuple[Path, ...]:
    """Write trade.json and, where there are validation samples, trade.png; return their paths."""
    written, picture = [folder / "trade.json"], folder / "trade.png"
    write_trade(written[0], _trade(chip, targets, stages))
    if all(s.validation_accuracy is not None for s in stages):
        write_bytes(picture, _picture(chip, targets, stages))
        written.append(picture)
    return tuple(written)


def _trade(chip: HardwareProfile, targets: Targets, stages: Sequence[Stage]) -> FitTrade:
    rows = (
        TradeStage(
            s.number,
            s.folder.name if s.number else str(s.folder),
            s.layers,
            s.epochs,
            s.validation_accuracy,
            s.measures.cores,
            s.measures.chips,
            s.measures.busiest,
            s.density,
        )
        for s in stages
    )
    return FitTrade(chip.name, str(targets), tuple(rows))


def _picture(chip: HardwareProfile, targets: Targets, stages: Sequence[Stage]) -> bytes:
    """Return accuracy against cores, stage by stage, as a PNG file."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    fitting = [s for s in stages if s.measures.cores]
    cores = [s.measures.cores for s in fitting]
    accuracies = [100 * (s.validation_accuracy or 0.0) for s in fitting]
    axes.plot(cores, accuracies, marker="o", color="#0072B2")
    for s, x, y in zip(fitting, cores, accuracies, strict=True):
        axes.annotate(s.layers, (x, y), (4, -12), textcoords="offset points", fontsize=7)
    if targets.cores is not None:
        axes.axvline(targets.cores, color="#D55E00", linestyle="--", label=f"asked for: {targets.cores} cores")
        axes.legend(loc="lower right")
    axes.set(xlabel=f"cores of {chip.name}", ylabel="validation accuracy, %", title="Stages of the fit")
    axes.grid(alpha=0.3)
    content = io.BytesIO()
    figure.savefig(content, dpi=_DOTS_PER_INCH, format="png", metadata={"Software": None})
    return content.getvalue()
