"""conversion: what is said of a spiking network before its first training batch, and the file that keeps it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from snn_deploy.support.array_file import refuse_constant
from snn_deploy.support.atomic_file import write_text
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class LayerConversion:
    """One hidden layer. scale: the activation, in thresholds, that a spike in every step stands for.

    spike_rate: per neuron and step. error: the mean of |rate * scale - activation| over neurons and samples, divided by
    the mean activation; correlation: Pearson's, of rates and activations. None where they are all 0, or all equal.
    """

    layer: str
    scale: float
    spike_rate: float
    error: float | None
    correlation: float | None


@dataclass(frozen=True, repr=False)
class Conversion(Result):
    """A spiking network against the ReLU network whose weights it starts with.

    samples: how many were compared layer by layer, of `split`. relu_accuracy, accuracy: of the ReLU network and of the
    spiking one on all validation samples; None where there are none.
    """

    steps: int
    split: str
    samples: int
    relu_accuracy: float | None
    accuracy: float | None
    layers: tuple[LayerConversion, ...]

    def headline(self) -> str:
        """Return the accuracies, or how many layers were compared."""
        if self.relu_accuracy is None or self.accuracy is None:
            return f"{counted(len(self.layers), 'layer')} in {counted(self.steps, 'step')}"
        relu, spiking = 100 * self.relu_accuracy, 100 * self.accuracy
        return f"validation: ReLU network {relu:.2f} %, converted to {counted(self.steps, 'step')} {spiking:.2f} %"

    def blocks(self) -> tuple[Block, ...]:
        """Return the headline, and a row for each layer."""
        rows = tuple(
            (c.layer, f"{c.scale:.3f}", f"{c.spike_rate:.4f}", _shown(c.error), _shown(c.correlation))
            for c in self.layers
        )
        return (
            f"conversion, before any spiking epoch: {self.headline()}",
            Table(("layer", "scale", "spike rate", "error", "correlation"), rows),
            f"error: mean |rate * scale - activation| / mean activation, on {self.samples} {self.split} samples",
        )

    def to_dict(self) -> dict[str, object]:
        """Return every field; a layer is a dictionary of its own."""
        return {**asdict(self), "layers": [asdict(layer) for layer in self.layers]}


def write_conversion(path: Path, conversion: Conversion) -> None:
    """Write `conversion` as JSON."""
    write_text(path, json.dumps(conversion.to_dict(), indent=1) + "\n")


def read_conversion(path: Path) -> Conversion:
    """Return what write_conversion wrote; another file is a UserError."""
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text, parse_constant=refuse_constant)
        found = TypeAdapter(Conversion).validate_json(text, strict=True)
        if found.to_dict() != table:
            raise ValueError("it has keys or numbers that no conversion writes")
    except (OSError, ValueError, RecursionError) as error:  # pydantic's is a ValueError
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise UserError(f"{path}: not what a conversion left ({reason}). Train again with --force.") from error
    return found


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
