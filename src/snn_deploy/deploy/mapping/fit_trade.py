"""fit_trade: what a network took of a chip and how well it classified, stage by stage, as it was made to fit.

FIT/trade.json, which the fit writes and a report of one of its stages reads.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from snn_deploy.network.field_check import is_whole, shown
from snn_deploy.support.npz_file import reason
from snn_deploy.support.sealed_json import SealedJson
from snn_deploy.support.user_error import UserError

FILE = SealedJson("snn-deploy fit trade", 2, "trade", 2**20, "the trade of a fit", "Call snn-deploy fit --resume.")
_MOST = 2**31


@dataclass(frozen=True)
class TradeStage:
    """A stage. number: 0 is the run that the fit began with. run: its folder, that of a later stage within the fit's.

    cores, chips: 0 where the network does not fit at all. busiest: seconds of a step that the busiest core works, where
    it was asked for. validation_accuracy: a share, None where there are no validation samples. density: the share of
    its integer weights that is not 0.
    """

    number: int
    run: str
    layers: str
    epochs: int
    validation_accuracy: float | None
    cores: int
    chips: int
    busiest: float | None
    density: float


@dataclass(frozen=True)
class FitTrade:
    """A fit. chip: the profile's name. asked: what for, in words."""

    chip: str
    asked: str
    stages: tuple[TradeStage, ...]

    def until(self, run: str) -> "FitTrade | None":
        """Return the trade up to the stage in the folder named `run`; None where there is none."""
        names = [Path(stage.run).name for stage in self.stages]
        if run not in names[1:]:
            return None
        return FitTrade(self.chip, self.asked, self.stages[: names.index(run, 1) + 1])


def write_trade(path: Path, trade: FitTrade) -> None:
    """Write `trade` to `path`, whole or not at all."""
    FILE.write(path, asdict(trade))


def read_trade(path: Path) -> FitTrade:
    """Return what `write_trade` wrote; anything else is a UserError."""
    plain = FILE.read(path)
    try:
        stages = tuple(_stage(one) for one in plain["stages"])
        if not (stages and isinstance(plain["chip"], str) and isinstance(plain["asked"], str)):
            raise TypeError("its chip, what was asked for or its stages are missing")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: not the trade of a fit ({reason(error)}). {FILE.again}") from error
    return FitTrade(plain["chip"], plain["asked"], stages)


def _stage(plain: Mapping[str, Any]) -> TradeStage:
    stage = TradeStage(**{field.name: plain[field.name] for field in fields(TradeStage)})
    counts = (stage.number, stage.epochs, stage.cores, stage.chips)
    numbers = [n for n in (stage.validation_accuracy, stage.busiest) if n is not None] + [stage.density]
    if not all(is_whole(n, 0, _MOST) for n in counts) or not all(isinstance(t, str) for t in (stage.run, stage.layers)):
        raise TypeError(f"stage {shown(stage.number)} has fields of another type")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number) or number < 0:
            raise TypeError(f"stage {shown(stage.number)} has {shown(number)} where a number is")
    return stage
