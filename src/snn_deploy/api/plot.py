"""plot: pictures of a run: accuracy and losses, rates, potentials against the threshold, the surrogate."""

import io
from dataclasses import dataclass
from pathlib import Path

from snn_deploy.support.atomic_file import write_files
from snn_deploy.support.result import Block, Result
from snn_deploy.support.user_error import UserError
from snn_deploy.train.run.plots import draw
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import config_of_run

_DOTS_PER_INCH = 150


@dataclass(frozen=True, repr=False)
class PlotResult(Result):
    """The pictures that were written."""

    files: tuple[Path, ...]

    def headline(self) -> str:
        """Return how many there are, and where."""
        return f"{len(self.files)} pictures in {self.files[0].parent}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the files, and what is missing."""
        missing = "no membranes.png: training.measured_samples was 0, so no potentials were measured."
        has_membranes = "membranes" in {path.stem for path in self.files}
        return (*(f"wrote {path}" for path in self.files), *(() if has_membranes else (missing,)))

    def to_dict(self) -> dict[str, object]:
        """Return the files."""
        return {"files": [str(path) for path in self.files]}


def plot(run: str | Path, out: str | Path | None = None) -> PlotResult:
    """Return the pictures of `run` after writing them to `out`, by default RUN/plots.

    run: the folder of a run, finished or not, whose first epoch is done; another one is a UserError.
    """
    folder = Path(run)
    config = config_of_run(folder)
    lines = RunFolder(folder).read_metrics()
    if not lines:
        raise UserError(f"{folder}: no epoch is finished yet. Plot it after its first epoch.")
    place, pictures = Path(out) if out is not None else folder / "plots", {}
    for name, figure in draw(config, lines).items():
        content = io.BytesIO()
        figure.savefig(content, dpi=_DOTS_PER_INCH, format="png")
        pictures[place / f"{name}.png"] = content.getvalue()
    write_files(pictures)
    return PlotResult(tuple(pictures))
