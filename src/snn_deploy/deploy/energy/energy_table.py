"""energy_table: estimates side by side as a LaTeX or CSV table for a paper, with the citations of what was used."""

import csv
import io
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from snn_deploy.deploy.energy.energy_model import EnergyModel, Range
from snn_deploy.support.user_error import UserError

KINDS = (".tex", ".csv")
_NANO = 1e-9
_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def table_files(models: Sequence[EnergyModel], path: Path, made_from: Sequence[str]) -> dict[Path, bytes]:
    """Return the files of a table: `path`, a .tex or .csv file, and the citations in a .bib file of the same name.

    made_from: lines that say what was measured, on what; comments of the LaTeX table.
    """
    if path.suffix not in KINDS:
        raise UserError(f"--table {path}: writes LaTeX or CSV; give a name that ends in .tex or .csv.")
    bibliography = path.with_suffix(".bib")
    text = _latex(models, made_from, bibliography.name) if path.suffix == ".tex" else _csv(models)
    keys = list(dict.fromkeys(key for model in models if model.dynamic is not None for key in model.citations))
    entries = references()
    return {path: text.encode(), bibliography: "\n".join(entries[key] for key in keys).encode()}


def references() -> dict[str, str]:
    """Return the entries of references.bib by their keys."""
    text = (files(__package__) / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{(\w+),.*?^\}\n", text, flags=re.DOTALL | re.MULTILINE)
    bodies = [match[0] for match in re.finditer(r"^@\w+\{\w+,.*?^\}\n", text, flags=re.DOTALL | re.MULTILINE)]
    return dict(zip(entries, bodies, strict=True))


def nano(pair: Range | None) -> str:
    """Return joules as nanojoules, "LEAST to MOST" or one number where both agree, for people; "-" for none."""
    if pair is None:
        return "-"
    return " to ".join(dict.fromkeys(_number(joules / _NANO) for joules in pair))


def error_text(pair: Range | None) -> str:
    """Return how far a model was off, such as "-60 % to +23 %"; "-" where it was held against nothing."""
    return "-" if pair is None else " to ".join(dict.fromkeys(f"{100 * end:+.0f} %" for end in pair))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _latex(models: Sequence[EnergyModel], made_from: Sequence[str], bibliography: str) -> str:
    titles = ("Model", "What it counts", "Node", "Dynamic, nJ", "Total, nJ", "Error on silicon", "Source")
    rows = [
        (
            *(_escaped(text) for text in (m.name, m.counted, m.node or "-")),
            *(_escaped(nano(pair)).replace(" to ", "--") for pair in (m.dynamic, m.total)),
            "-" if m.error is None else " to ".join(f"${100 * end:+.0f}$\\,\\%" for end in m.error),
            f"\\cite{{{','.join(m.citations)}}}",
        )
        for m in models
        if m.dynamic is not None
    ]
    notes = [f"% {m.name}: not estimated. {m.why}" for m in models if m.dynamic is None]
    return "\n".join(
        [
            "% Made by snn-deploy energy --table. Needs the packages booktabs and tabularx.",
            f"% The citations are in {bibliography}.",
            *(f"% {line}" for line in made_from),
            "% Estimates of one sample; none is a measurement. Dynamic: without static power. Error on silicon: how",
            "% far the model was off on networks that others measured on that chip.",
            *(" ".join(note.split()) for note in notes),
            r"\begin{tabularx}{\linewidth}{lXlrrrl}",
            r"\toprule",
            f"{' & '.join(titles)} \\\\",
            r"\midrule",
            *(f"{' & '.join(row)} \\\\" for row in rows),
            r"\bottomrule",
            r"\end{tabularx}",
            "",
        ]
    )


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def _csv(models: Sequence[EnergyModel]) -> str:
    """Return the table in joules, one column for each end of a range."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    ends = [f"{name}_{end}" for name in ("dynamic_J", "total_J", "error") for end in ("least", "most")]
    rows.writerow(["model", "counted", "node", *ends, "citations", "why_not"])
    for m in models:
        pairs = [value for pair in (m.dynamic, m.total, m.error) for value in (pair or ("", ""))]
        rows.writerow([m.name, m.counted, m.node, *pairs, " ".join(m.citations), m.why])
    return written.getvalue()
