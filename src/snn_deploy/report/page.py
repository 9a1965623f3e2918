"""page: findings become one HTML file that needs nothing beside it."""

from collections.abc import Iterable
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from snn_deploy.deploy.energy.exit_costs import times_less
from snn_deploy.report.findings import Findings
from snn_deploy.support.require_file import as_utf8

_PREFIXES = (("", 1.0), ("m", 1e-3), ("µ", 1e-6), ("n", 1e-9), ("p", 1e-12))


def page(findings: Findings) -> str:
    """Return the report as HTML; the same findings give the same text. Nothing in it asks a host for anything."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "percent": _percent,
        "span_percent": _span_percent,
        "points": _points,
        "span_points": _span_points,
        "joules": _joules,
        "span_joules": _span_joules,
        "span_seconds": _span_seconds,
        "factor": times_less,
        "whole": _whole,
        "span_whole": _span_whole,
        "shape": _shape,
        "unbroken": _unbroken,
        "model_name": _model_name,
    }
    template = files("snn_deploy.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    style = files("snn_deploy.report").joinpath("page.css").read_text(encoding="utf-8")
    return as_utf8(environment.from_string(template).render(f=findings, style=style))


def _model_name(title: str) -> str:
    """Return the title of an estimate without its first words, which say what the heading above it says."""
    name = title.removeprefix("Energy estimate: ").removeprefix("Event model: ")
    return name if name == title else name[0].upper() + name[1:]


def _unbroken(text: str) -> str:
    """Return `text` so that no line ends between a number and its percent sign."""
    return text.replace(" %", "\u00a0%")


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{100 * share:.2f} %"


def _span_percent(shares: tuple[float, float]) -> str:
    """Return 0.915 and 0.99 as '91.5–99.0 %'."""
    return f"{100 * shares[0]:.1f}–{100 * shares[1]:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.2f} points"


def _span_points(changes: tuple[float, float]) -> str:
    return f"{100 * changes[0]:+.1f} to {100 * changes[1]:+.1f} points"


def _joules(energy: float) -> str:
    """Return 1.5e-6 as '1.5 µJ'."""
    return _span(energy, energy, "J")


def _span_joules(energies: Iterable[float]) -> str:
    """Return 1.5e-6 and 2e-6 as '1.5–2 µJ'."""
    found = list(energies)
    return _span(min(found), max(found), "J")


def _span_seconds(times: Iterable[float]) -> str:
    found = list(times)
    return _span(min(found), max(found), "s")


def _span(least: float, most: float, unit: str) -> str:
    prefix, size = next(((p, s) for p, s in _PREFIXES if most >= s), _PREFIXES[-1])
    low, high = (_three_digits(value / size) for value in (least, most))
    return f"{low if low == high else f'{low}–{high}'} {prefix}{unit}"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _span_whole(numbers: Iterable[float]) -> str:
    return "–".join(dict.fromkeys(_whole(number) for number in numbers))


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
