"""settings: what a search is asked: the deployments that it may try, what is to be best, and what must hold."""

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from snn_deploy.support.atomic_file import write_text
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.user_error import UserError

SETTINGS = "search.json"  # the name of the file in the folder of a search
# What a deployment is measured in -> (whether more is better, unit for people, that unit in the measured one)
MEASURES: dict[str, tuple[bool, str, float]] = {
    "accuracy": (True, "%", 0.01),
    "energy": (False, "uJ", 1e-6),
    "latency": (False, "us", 1e-6),
    "cores": (False, "", 1.0),
    "chips": (False, "", 1.0),
    "operations": (False, "", 1.0),
    "mean_steps": (False, "steps", 1.0),
}
PLACED_FOR = ("cores", "latency")
_UNITS = {
    "accuracy": {"%": 0.01},
    "energy": {"nJ": 1e-9, "uJ": 1e-6, "mJ": 1e-3, "J": 1.0},
    "latency": {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0},
}
_REQUIREMENT = re.compile(r"\s*(\w+)\s*(<=|>=)\s*([-+.\deE]+?)\s*([a-zA-Z%]*)\s*")


@dataclass(frozen=True)
class Requirement:
    """A limit that every deployment must keep. number: in the measure's own unit (share, joules, seconds, count)."""

    measure: str
    at_least: bool
    number: float
    text: str

    def holds(self, found: float) -> bool:
        """Return whether a measured value keeps it."""
        return found >= self.number if self.at_least else found <= self.number


@dataclass(frozen=True)
class Deployment:
    """One way to deploy. choices: of keys of the config, such as ("model.layers", "16C3-P2-10").

    allowed_loss: the share of the accuracy that stopping early may cost, or None where every sample takes every step.
    fitted_cores: the cores of the chip that its network is made to fit, or None where it stays as it was trained.
    placed_for: "cores", the fewest, or "latency", those of the mapping with the shortest step.
    """

    choices: tuple[tuple[str, str], ...]
    steps: int
    weight_bits: int
    thresholds: str
    profile: str
    allowed_loss: float | None = None
    fitted_cores: int | None = None
    placed_for: str = "cores"

    @property
    def key(self) -> str:
        """A short name that no other deployment of the search has."""
        return _digest(asdict(self))

    def without_export(self) -> tuple[tuple[tuple[str, str], ...], int]:
        """Return what its training depends on."""
        return self.choices, self.steps


@dataclass(frozen=True)
class SearchSettings:
    """A search, but for how long it goes on. config: the resolved table of the training config.

    choices: (key, values) of the config. inherited_epochs: of training that starts from a trained network.
    samples: validation samples that a deployment is measured on, and test samples that the front is. allowed_losses:
    that early exits may cost, each a share, and None for none. fitted_cores: that networks are made to fit, and None
    for networks as they were trained. placed_for: of PLACED_FOR.
    """

    config: Mapping[str, Any]
    choices: tuple[tuple[str, tuple[str, ...]], ...]
    steps: tuple[int, ...]
    weight_bits: tuple[int, ...]
    thresholds: tuple[str, ...]
    profiles: tuple[str, ...]
    objectives: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    inherited_epochs: int
    samples: int
    seed: int
    allowed_losses: tuple[float | None, ...] = (None,)
    fitted_cores: tuple[int | None, ...] = (None,)
    placed_for: tuple[str, ...] = ("cores",)

    @property
    def space(self) -> dict[str, tuple[Any, ...]]:
        """Name of a choice -> its values."""
        own: dict[str, tuple[Any, ...]] = {"steps": self.steps, "weight_bits": self.weight_bits}
        own["thresholds"] = self.thresholds
        own |= {"profile": self.profiles, "allowed_loss": self.allowed_losses, "fitted_cores": self.fitted_cores}
        own["placed_for"] = self.placed_for
        return own | dict(self.choices)

    @property
    def size(self) -> int:
        """The number of deployments in the space."""
        return math.prod(len(values) for values in self.space.values())

    def deployments(self) -> list[dict[str, Any]]:
        """Return all of the space, those with the most steps first, as `deployment` takes them."""
        ordered = {name: sorted(v, reverse=True) if name == "steps" else v for name, v in self.space.items()}
        return [dict(zip(ordered, values, strict=True)) for values in itertools.product(*ordered.values())]

    def deployment(self, chosen: Mapping[str, Any]) -> Deployment:
        """Return the deployment that takes `chosen`, one value for every name of the space."""
        choices = tuple((key, chosen[key]) for key, _ in self.choices)
        names = ("steps", "weight_bits", "thresholds", "profile", "allowed_loss", "fitted_cores", "placed_for")
        return Deployment(choices, *(chosen[name] for name in names))


def read_requirement(text: str) -> Requirement:
    """Return the limit that `text` such as "energy<=5uJ", "accuracy>=98" or "chips<=1" names; else a UserError."""
    match = _REQUIREMENT.fullmatch(text)
    units = _UNITS.get(match[1], {}) if match else {}
    try:
        number = float(match[3]) if match else math.nan
    except ValueError:
        number = math.nan
    if match is None or match[1] not in MEASURES or not math.isfinite(number) or (match[4] and match[4] not in units):
        hint = did_you_mean(match[1], MEASURES) if match and match[1] not in MEASURES else ""
        raise UserError(
            f"--require {text}.{hint} Allowed are MEASURE<=NUMBER and MEASURE>=NUMBER of {', '.join(MEASURES)}, such "
            "as 'accuracy>=98' (percent), 'energy<=5uJ' (nJ, uJ, mJ), 'latency<=1ms' (ns, us, ms), 'chips<=1'."
        )
    scale = units.get(match[4], MEASURES[match[1]][2])
    return Requirement(match[1], match[2] == ">=", number * scale, text.strip())


def begin(folder: Path, settings: SearchSettings, *, resume: bool) -> None:
    """Write `settings` into the search's folder, or check that the one in it is the same."""
    path = folder / SETTINGS
    plain = json.loads(json.dumps(asdict(settings)))
    if path.exists():
        if not resume:
            raise UserError(f"{folder}: holds a search. Go on with it with --resume, or choose another --out.")
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(before, dict):
                raise TypeError("it is no table")
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise UserError(f"{path}: not the settings of a search ({error}). Choose another --out.") from error
        differing = sorted(k for k in plain.keys() | before.keys() if plain.get(k) != before.get(k))
        if differing:
            raise UserError(
                f"{folder}: cannot be resumed with other {', '.join(differing)}. Leave those options as they were "
                f"({path} has them), or choose another --out."
            )
        return
    write_text(path, json.dumps(plain, indent=1) + "\n")


def of_training(settings: SearchSettings, deployment: Deployment) -> str:
    """Return a short name of what the training of `deployment` depends on, but for its steps."""
    return _digest([settings.config, deployment.choices, settings.inherited_epochs])


def of_fit(deployment: Deployment) -> str:
    """Return a short name of what the network of `deployment` is made to fit."""
    return f"{_digest(deployment.profile)[:6]}-{deployment.fitted_cores}-cores"


def longer(settings: SearchSettings, deployment: Deployment) -> Deployment | None:
    """Return the deployment whose network this one's training starts from: the next larger number of steps."""
    more = [steps for steps in settings.steps if steps > deployment.steps]
    return replace(deployment, steps=min(more), fitted_cores=None) if more else None


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def shown(measure: str, value: float) -> str:
    """Return a measured value for people, with its unit."""
    _, unit, scale = MEASURES[measure]
    number = value / scale
    text = f"{number:.2f}" if unit == "%" else f"{number:,.4g}" if unit else f"{number:,.0f}"
    return f"{text} {unit[:-1] if unit == 'steps' and text == '1' else unit}".strip()


def require_distinct(option: str, values: Sequence[Any]) -> None:
    """Raise a UserError where a choice has no value, or one twice."""
    if not values or len(set(values)) != len(values):
        raise UserError(f"{option} {','.join(map(str, values))}; allowed are one or more different values.")
