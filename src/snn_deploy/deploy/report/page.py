"""page: findings become one HTML file that needs nothing beside it."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from snn_deploy.deploy.report.findings import Findings


def page(findings: Findings) -> str:
    """Return the report as HTML; the same findings give the same text. Nothing in it asks a host for anything."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": _percent, "points": _points, "joules": _joules, "whole": _whole, "shape": _shape}
    template = files("snn_deploy.deploy.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    style = files("snn_deploy.deploy.report").joinpath("page.css").read_text(encoding="utf-8")
    return environment.from_string(template).render(f=findings, style=style)


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{100 * share:.2f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.2f} points"


def _joules(energy: float) -> str:
    """Return 1.5e-6 as '1.50 µJ'."""
    for unit, size in (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6), ("nJ", 1e-9)):
        if energy >= size:
            return f"{energy / size:.3g} {unit}"
    return f"{energy / 1e-12:.3g} pJ"


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
