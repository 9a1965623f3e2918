"""ChannelLIF: Lava's LIFReset with what its LIF lacks: parameters for every neuron, other resets, initial values.

Lava's LIF declares threshold and decays as one number for all, and knows only the reset to 0. The arithmetic is
inherited unchanged.
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


class ChannelLIF(LIFReset):
    """LIFReset whose vth, du, dv and bias_mant are arrays of `shape`; the bias has no exponent.

    subtracts: whether a spike takes the threshold off the potential, else sets it to v_reset. v_initial: the
    potential that a sample starts from.
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
        """Return which potentials are above their thresholds."""
        return self.v > self.effective_vth

    def reset_voltage(self, spike_vector: np.ndarray) -> None:
        """Take the threshold off the potentials that are above it, or set them to v_reset."""
        after = self.v - self.effective_vth if self.subtracts else self.v_reset
        self.v[:] = np.where(spike_vector, after, self.v)

    def run_spk(self) -> None:
        """Reset where a sample begins, then do one step."""
        if self.time_step % self.reset_interval == self.reset_offset:
            self.u[:] = 0
            self.v[:] = self.v_initial
        super().run_spk()
