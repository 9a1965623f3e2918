"""neuron_reset: what a spike does to the potential, for both network types."""

from typing import Literal, get_args

import numpy as np

from snn_deploy.network.field_check import shown
from snn_deploy.support.user_error import UserError

Reset = Literal["value", "subtract"]


def nothing() -> np.ndarray:
    """Return 0 for every channel: the default of a parameter that a population may leave out."""
    return np.zeros(())


def check_reset(where: str, reset: str, reset_value: np.ndarray) -> None:
    """Raise UserError unless `reset` is a Reset, without any reset_value, (channels,), beside "subtract"."""
    if reset not in get_args(Reset):
        raise UserError(f"{where}: reset {shown(reset)}; allowed are {' and '.join(map(repr, get_args(Reset)))}.")
    if reset == "subtract" and reset_value.any():
        raise UserError(
            f"{where}: reset_value {reset_value[reset_value != 0][0]} beside reset 'subtract'. A spike either sets the "
            "potential or takes the threshold off; leave the reset_value at 0, or write reset 'value'."
        )
