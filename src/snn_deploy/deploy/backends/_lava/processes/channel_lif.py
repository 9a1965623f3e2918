"""ChannelLIF: Lava's LIFReset with what its LIF lacks.

Lava's LIF declares threshold and decays as one number for all, knows only the reset to 0 and no threshold that adapts.
Its arithmetic is inherited unchanged; what is added are parameters for every neuron, other resets, initial values, and
the rise of a threshold with each spike. Lava's ATRLIF is another neuron (docs/lava.md).
"""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.models import AbstractPyLifModelFixed
from lava.proc.lif.process import LIFReset

from snn_deploy.network.state_units import DECAY_UNITY


class ChannelLIF(LIFReset):
    """LIFReset whose vth, du, dv and bias_mant are arrays of `shape`; the bias has no exponent.

    subtracts: whether a spike takes the threshold off the potential, else sets it to v_reset. v_initial: the
    potential that a sample starts from. threshold_step: what each spike adds to its neuron's threshold, in the units of
    the potential. threshold_keep: what a step leaves of that, in 1/4096.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        vth: np.ndarray,
        du: np.ndarray,
        dv: np.ndarray,
        bias_mant: np.ndarray,
        v_reset: np.ndarray,
        v_initial: np.ndarray,
        subtracts: bool,
        threshold_step: np.ndarray,
        threshold_keep: np.ndarray,
        reset_interval: int,
        reset_offset: int,
    ) -> None:
        super().__init__(shape=shape, reset_interval=reset_interval, reset_offset=reset_offset)
        self.proc_params["subtracts"] = subtracts
        self.vth = Var(shape=shape, init=vth)
        self.du = Var(shape=shape, init=du)
        self.dv = Var(shape=shape, init=dv)
        self.bias_mant = Var(shape=shape, init=bias_mant)
        self.v_reset = Var(shape=shape, init=v_reset)
        self.v_initial = Var(shape=shape, init=v_initial)
        self.threshold_step = Var(shape=shape, init=threshold_step)
        self.threshold_keep = Var(shape=shape, init=threshold_keep)
        self.rise = Var(shape=shape, init=0)


@implements(proc=ChannelLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class ChannelLIFModel(AbstractPyLifModelFixed):
    """PyLifResetModelBitAcc with arrays for numbers; a subclass of that one cannot implement another Process."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int32)
    du: np.ndarray = LavaPyType(np.ndarray, np.int32)
    dv: np.ndarray = LavaPyType(np.ndarray, np.int32)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, np.int32)
    v_reset: np.ndarray = LavaPyType(np.ndarray, np.int32)
    v_initial: np.ndarray = LavaPyType(np.ndarray, np.int32)
    threshold_step: np.ndarray = LavaPyType(np.ndarray, np.int32)
    threshold_keep: np.ndarray = LavaPyType(np.ndarray, np.int32)
    rise: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.effective_vth: np.ndarray | int = 0
        self.subtracts: bool = proc_params["subtracts"]
        self.reset_interval: int = proc_params["reset_interval"]
        self.reset_offset: int = proc_params["reset_offset"] % self.reset_interval

    def scale_threshold(self) -> None:
        """Align the thresholds with the potentials."""
        self.effective_vth = np.left_shift(self.vth, self.vth_shift)
        self.isthrscaled = True

    def spiking_activation(self) -> np.ndarray:
        """Return which potentials are above their thresholds, and raise these where they are."""
        fired = self.v > self.effective_vth + self.rise
        kept = self.rise.astype(np.int64) * self.threshold_keep // DECAY_UNITY  # never negative
        self.rise[:] = kept + self.threshold_step * fired
        return fired

    def reset_voltage(self, spike_vector: np.ndarray) -> None:
        """Take the threshold off the potentials that are above it, or set them to v_reset."""
        after = self.v - self.effective_vth if self.subtracts else self.v_reset
        self.v[:] = np.where(spike_vector, after, self.v)

    def run_spk(self) -> None:
        """Reset where a sample begins, then do one step."""
        if self.time_step % self.reset_interval == self.reset_offset:
            self.u[:] = 0
            self.v[:] = self.v_initial
            self.rise[:] = 0
        super().run_spk()
