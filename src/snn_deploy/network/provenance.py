"""provenance: what a network's file says of where it came from, checked as far as anything reads it.

Keys that nothing reads may hold anything; the others have the types that `run`, `report`, `energy`, `map` and `verify`
rely on.
"""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snn_deploy.network.field_check import MOST_STEPS, shown
from snn_deploy.network.value_errors import MOST_SMAPE
from snn_deploy.support.user_error import UserError

_Share = Annotated[float, Ge(0), Le(1)]
_Smape = Annotated[float, Ge(0), Le(MOST_SMAPE)]
_Count = Annotated[int, Ge(0)]
_ABSENT: Any = Field(default=None)  # a key may be left out; where it is there, null is no table


class _Table(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Data(_Table):
    name: str


class _Encoder(_Table):
    name: str


class _Quantization(_Table):
    epochs: _Count = 0
    weight_bits: _Count = 8
    per_channel: bool = False


class _Config(_Table):
    """The config of the training; not checked as one to train with, because plug-ins of others may have made it."""

    data: _Data = _ABSENT
    encoder: _Encoder = _ABSENT
    seed: int = 0
    steps: Annotated[int, Ge(1), Le(MOST_STEPS)] = 1
    coding: Literal["direct", "ttfs"] = "direct"
    quantization: _Quantization = _ABSENT


class _Export(_Table):
    chip: str = ""
    tool: str = ""
    weight_bits: _Count = 8
    shift: str = ""
    states: dict[str, Any] = _ABSENT


class _Values(_Table):
    """How values are read from the output's potentials; see network/value_reading.py."""

    offset: list[float]
    scale: list[float]
    every: Annotated[int, Ge(1), Le(MOST_STEPS)]


class _Provenance(_Table):
    config: _Config = _ABSENT
    export: _Export = _ABSENT
    compared: dict[str, Any] = _ABSENT
    values: _Values = _ABSENT
    float_smape: _Smape | None = None
    quantized_smape: _Smape | None = None
    validation_smape: _Smape | None = None
    float_accuracy: _Share | None = None
    quantized_accuracy: _Share | None = None
    validation_accuracy: _Share | None = None
    validation_samples: _Count = 0
    test_samples: _Count = 0


def checked_provenance(found: Any) -> dict[str, Any]:
    """Return the provenance that a file holds, as it is; a UserError names the first entry of another type."""
    try:
        _Provenance.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["provenance", *map(str, first["loc"])])
        raise UserError(f"{where}: {first['msg']}, got {shown(first['input'])}. Make the file again.") from error
    checked: dict[str, Any] = found
    return checked
