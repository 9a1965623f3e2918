"""plot: pictures of a run: accuracy and losses, rates, potentials against the threshold, the surrogate; of several."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from matplotlib.figure import Figure

from snn_deploy.support.atomic_file import write_files
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.train.run.drawing import ERROR, MARKERS, RATE, Line, layers_of
from snn_deploy.train.run.plots import draw
from snn_deploy.train.run.plots_beside import draw_beside
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import config_of_run

_DOTS_PER_INCH = 150


@dataclass(frozen=True, repr=False)
class PlotResult(Result):
    """The pictures that were written. beside: run -> layer -> (spike rate, q(u)), of runs drawn side by side."""

    files: tuple[Path, ...]
    beside: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)

    def headline(self) -> str:
        """Return how many there are, and where."""
        return f"{len(self.files)} pictures in {self.files[0].parent}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the layers of runs side by side, the files, and what is missing."""
        missing = "no membranes.png: training.measured_samples was 0, so no potentials were measured."
        has_membranes = any("membranes" in path.stem for path in self.files)
        table = (self._table(),) if self.beside else ()
        return (*table, *(f"wrote {path}" for path in self.files), *(() if has_membranes else (missing,)))

    def to_dict(self) -> dict[str, object]:
        """Return the files, and "beside": {run: {layer: {"spike_rate", "quantization_error"}}}."""
        beside = {
            run: {layer: {"spike_rate": rate, "quantization_error": error} for layer, (rate, error) in layers.items()}
            for run, layers in self.beside.items()
        }
        return {"files": [str(path) for path in self.files], **({"beside": beside} if beside else {})}

    def _table(self) -> Table:
        titles = ("layer", *(f"{title}, {run}" for run in self.beside for title in ("spike rate", "q(u)")))
        rows = []
        for layer in next(iter(self.beside.values())):
            numbers = (n for layers in self.beside.values() for n in layers[layer])
            rows.append((layer, *(f"{n:.4f}" for n in numbers)))
        return Table(titles, tuple(rows))


def plot(run: str | Path, out: str | Path | None = None, *, beside: Sequence[str | Path] = ()) -> PlotResult:
    """Return the pictures of `run` after writing them to `out`, by default RUN/plots.

    run: the folder of a run, finished or not, whose first epoch is done; another one is a UserError. beside: more
    runs with the same layers; then two pictures show all of them, as IM-Loss Fig. 2 and RMP-Loss Fig. 2 do.
    """
    folder = Path(run)
    place = Path(out) if out is not None else folder / "plots"
    if not beside:
        return PlotResult(_written(place, draw(config_of_run(folder), _lines(folder))))
    runs = _side_by_side([folder, *map(Path, beside)])
    found = {
        name: {layer: (lines[-1][RATE + layer], lines[-1][ERROR + layer]) for layer in layers_of(lines)}
        for name, lines in runs.items()
    }
    return PlotResult(_written(place, draw_beside(runs)), found)


def _lines(folder: Path) -> list[Line]:
    config_of_run(folder)  # refuses what is no run
    lines: list[Line] = [*RunFolder(folder).read_metrics()]
    if not lines:
        raise UserError(f"{folder}: no epoch is finished yet. Plot it after its first epoch.")
    if lines[-1]["epoch"] == 0:
        raise UserError(f"{folder}: converted without a spiking epoch, so there is no curve. Train it for some epochs.")
    return lines


def _side_by_side(folders: Sequence[Path]) -> dict[str, Sequence[Line]]:
    """Return name -> lines of runs with the same measured layers; the names are as short as tells them apart."""
    if len(folders) > len(MARKERS):
        raise UserError(f"--beside: {len(folders)} runs; at most {len(MARKERS)} can be told apart in a picture.")
    names = _names([folder.resolve() for folder in folders])
    if len(set(names)) < len(names):
        raise UserError(f"--beside: {', '.join(map(str, folders))}; each run may be named once.")
    runs: dict[str, Sequence[Line]] = dict(zip(names, map(_lines, folders), strict=True))
    expected = layers_of(next(iter(runs.values())))
    for folder, lines in zip(folders, runs.values(), strict=True):
        layers = layers_of(lines)
        if not layers:
            raise UserError(f"{folder}: has no measured layers. Train it with training.measured_samples above 0.")
        if layers != expected:
            raise UserError(
                f"{folder}: has the layers {', '.join(layers)}, and {folders[0]} {', '.join(expected)}. Side by side "
                "are runs of one architecture."
            )
    return runs


def _names(folders: Sequence[Path]) -> list[str]:
    """Return what tells `folders` apart: their paths without the parts at both ends that all of them share."""
    parts = [folder.parts for folder in folders]
    shared = _shared(parts)
    after = _shared([part[shared:][::-1] for part in parts])
    return [str(Path(*part[shared : len(part) - after])) for part in parts]


def _shared(parts: Sequence[tuple[str, ...]]) -> int:
    """Return with how many equal parts all paths begin."""
    return sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*parts, strict=False)))


def _written(place: Path, figures: Mapping[str, Figure]) -> tuple[Path, ...]:
    pictures = {}
    for name, figure in figures.items():
        content = io.BytesIO()
        figure.savefig(content, dpi=_DOTS_PER_INCH, format="png")
        pictures[place / f"{name}.png"] = content.getvalue()
    write_files(pictures)
    return tuple(pictures)
