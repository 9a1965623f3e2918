"""ChannelLIF: Lava's LIFReset with a threshold, decays and bias of its own for every neuron.

Lava's LIF declares them as one number for all. The arithmetic is inherited unchanged.
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
    """LIFReset whose vth, du, dv and bias_mant are arrays of `shape`; the bias has no exponent."""

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        vth: np.ndarray,
        du: np.ndarray,
        dv: np.ndarray,
        bias_mant: np.ndarray,
        reset_interval: int,
        reset_offset: int,
    ) -> None:
        super().__init__(shape=shape, reset_interval=reset_interval, reset_offset=reset_offset)
        self.vth = Var(shape=shape, init=vth)
        self.du = Var(shape=shape, init=du)
        self.dv = Var(shape=shape, init=dv)
        self.bias_mant = Var(shape=shape, init=bias_mant)


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

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.effective_vth: np.ndarray | int = 0
        self.reset_interval: int = proc_params["reset_interval"]
        self.reset_offset: int = proc_params["reset_offset"] % self.reset_interval

    def scale_threshold(self) -> None:
        """Align the thresholds with the potentials."""
        self.effective_vth = np.left_shift(self.vth, self.vth_shift)
        self.isthrscaled = True

    def spiking_activation(self) -> np.ndarray:
        """Return which potentials are above their thresholds."""
        return self.v > self.effective_vth

    def run_spk(self) -> None:
        """Reset where a sample begins, then do one step."""
        if self.time_step % self.reset_interval == self.reset_offset:
            self.u[:] = 0
            self.v[:] = 0
        super().run_spk()
