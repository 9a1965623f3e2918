"""health: what rounding did to each layer of an export, as a table, and the limits that a user sets on it."""

from collections.abc import Mapping
from dataclasses import asdict

from snn_deploy.export.health import Health, LayerHealth
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Table
from snn_deploy.support.user_error import UserError

# limit -> (whether more is better, what it limits); shares and rates in percent
LIMITS = {
    "accuracy_drop": (False, "points of accuracy lost against the float network"),
    "agreement": (True, "samples with the float network's class"),
    "spike_agreement": (True, "spikes that the float network fires too, of the worst layer"),
    "dead": (False, "dead channels, of the worst layer"),
    "saturated": (False, "saturated channels, of the worst layer"),
    "rate_drift": (False, "change of a channel's rate"),
    "margin_bits": (True, "bits between the largest state and the chip's"),
}


def check_limits(limits: Mapping[str, float]) -> None:
    """Raise UserError for a limit that the report does not have, or that is not finite."""
    for name, value in limits.items():
        if name not in LIMITS or not abs(value) < float("inf"):
            raise _wrong(f"{name}={value:g}")


def read_limits(text: str | None) -> dict[str, float]:
    """Return limit -> number of NAME=NUMBER,...; an unknown name, or no number, is a UserError."""
    limits: dict[str, float] = {}
    for part in text.split(",") if text else []:
        name, _, number = part.partition("=")
        try:
            value = float(number)
        except ValueError:
            raise _wrong(part) from None
        if name in limits or name not in LIMITS or not abs(value) < float("inf"):
            raise _wrong(part)
        limits[name] = value
    return limits


def _wrong(part: str) -> UserError:
    return UserError(f"--require {part}; allowed are NAME=NUMBER, each name once, of {', '.join(LIMITS)}.")


def health_blocks(health: Health) -> tuple[Block, ...]:
    """Return the report for people."""
    titles = (
        "population",
        "dead",
        "saturated",
        "rate",
        "float rate",
        "drift",
        "same spikes",
        "weight error",
        "bits lost",
        "margin",
        "threshold",
    )
    rounded = {x.population: x.decay_rounding for x in health.layers if x.decay_rounding}
    changes = ", ".join(f"{name} by up to {change:.3g}" for name, change in rounded.items())
    return (
        Table(titles, tuple(_row(layer) for layer in health.layers)),
        f"health on {counted(health.samples, 'test sample')}; dead and saturated: of all channels. drift: the largest "
        "change of a channel's rate. same spikes: of those that either network fires, how many both do. margin: bits "
        "below the largest state. threshold: the smallest, in weight steps.",
        f"decays of currents and potentials: {changes or 'the chip holds every one as it was trained, error 0'}",
        f"the float network's class: {_percent(health.agreement)} of them"
        if health.agreement is not None
        else f"values of the integers beside those of the float network: {health.values}",
    )


def health_as_dict(health: Health) -> dict[str, object]:
    """Return the report as plain dictionaries and lists; shares and rates are 0..1."""
    values = {} if health.values is None else {"values": health.values.to_dict()}
    layers = [asdict(x) for x in health.layers]
    return {"samples": health.samples, "agreement": health.agreement, **values, "layers": layers}


def broken_limits(limits: Mapping[str, float], health: Health, accuracy_drop: float | None) -> tuple[str, ...]:
    """Return one sentence for each of `limits` that does not hold. accuracy_drop: a share, None where not measured."""
    firing = [layer for layer in health.layers if layer.fires]
    found = {
        **({} if health.agreement is None else {"agreement": 100 * health.agreement}),
        "spike_agreement": 100 * min((x.spike_agreement for x in firing), default=1.0),
        "dead": 100 * max((x.dead / x.channels for x in firing), default=0.0),
        "saturated": 100 * max((x.saturated / x.channels for x in firing), default=0.0),
        "rate_drift": 100 * max((x.rate_drift for x in firing), default=0.0),
        "margin_bits": min(x.margin_bits for x in health.layers),
    }
    if health.agreement is None and (classes := {"agreement", "accuracy_drop"} & limits.keys()):
        raise UserError(f"--require {min(classes)}: the network gives values and no classes. Leave it out.")
    if "accuracy_drop" in limits:
        if accuracy_drop is None:
            raise UserError("--require accuracy_drop: the float or the integer accuracy is not known. Leave it out.")
        found["accuracy_drop"] = 100 * accuracy_drop
    return tuple(
        f"limit broken: {name} {found[name]:.2f}, {'at least' if more else 'at most'} {limit:g} was required ({what})"
        for name, limit in limits.items()
        for more, what in [LIMITS[name]]
        if (found[name] < limit if more else found[name] > limit)
    )


def _row(layer: LayerHealth) -> tuple[object, ...]:
    measured: tuple[object, ...] = ("-",) * 6
    if layer.fires:
        measured = (
            f"{layer.dead}/{layer.channels}",
            f"{layer.saturated}/{layer.channels}",
            *(_percent(value) for value in (layer.rate, layer.float_rate, layer.rate_drift, layer.spike_agreement)),
        )
    threshold = "-" if layer.threshold_steps is None else layer.threshold_steps
    return (
        layer.population,
        *measured,
        _percent(layer.weight_error),
        layer.bits_lost,
        f"{layer.margin_bits:.2f}",
        threshold,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
