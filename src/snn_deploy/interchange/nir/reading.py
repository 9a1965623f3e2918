"""reading: what a NIR graph does not say, and a user therefore states."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from snn_deploy.support.user_error import UserError

Discretization = Literal["euler", "exact"]
NirReset = Literal["value", "subtract", "subtract-later"]
DEFAULT_TIME_STEP = 1e-4  # of the NIR exporters of snnTorch (export_nir.py) and SpikingJelly (nir_exchange/to_nir.py)


@dataclass(frozen=True)
class NirReading:
    """How a NIR graph, which is continuous in time, becomes a network in steps.

    None is what the file says where snn-deploy wrote it; else what the framework that wrote it means by such files;
    else NIR's definition, here in parentheses.
    steps: time steps per sample (must be stated). largest_value: of the input's integers, 255 for pixels, 1 for spikes
    (must be stated). scale: what they are multiplied with before they enter (1 / largest_value). time_step: in the
    unit of the graph's time constants, seconds by NIR's convention (1e-4). discretization: "euler", v += dt * dv/dt
    (that), or "exact", the exponential with the input held over the step. reset: "value" sets the potential to v_reset
    (that); "subtract" takes the threshold off; "subtract-later" takes it off in the next step, after the decay.
    fires_at_threshold: at the threshold too, or only above it (False). written_by: the framework, a name in
    interchange/nir/written_by/; None looks for marks of one in the file.
    """

    steps: int | None = None
    largest_value: int | None = None
    scale: float | None = None
    time_step: float | None = None
    discretization: Discretization | None = None
    reset: NirReset | None = None
    fires_at_threshold: bool | None = None
    written_by: str | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and not (isinstance(self.steps, int) and self.steps >= 1):
            raise UserError(f"steps {self.steps!r}; allowed is a whole number from 1.")
        if self.time_step is not None and not (math.isfinite(self.time_step) and self.time_step > 0):
            raise UserError(f"time step {self.time_step}; allowed is a positive number of seconds.")
        for name, allowed in (("discretization", get_args(Discretization)), ("reset", get_args(NirReset))):
            if getattr(self, name) not in (None, *allowed):
                *others, last = map(repr, allowed)
                raise UserError(f"{name} {getattr(self, name)!r}; allowed are {', '.join(others)} and {last}.")
