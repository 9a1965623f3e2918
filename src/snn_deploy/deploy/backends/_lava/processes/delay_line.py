"""DelayLine: hands spikes on some steps later, and drops those that would arrive after their sample's end.

Lava streams samples without a pause, so what a slow or recurrent connection carries at the end of one sample
would otherwise arrive in the next.
"""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class DelayLine(AbstractProcess):
    """Sends what came in `wait` steps before; 0 is the same step.

    What the source, at depth `depth`, sends in a sample's last `delay` steps is dropped.
    """

    def __init__(self, *, shape: tuple[int, ...], wait: int, delay: int, depth: int, steps: int) -> None:
        super().__init__(shape=shape, wait=wait, delay=delay, depth=depth, steps=steps)
        self.s_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)


@implements(proc=DelayLine, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class DelayLineModel(PyLoihiProcessModel):
    """Keeps the values that wait; graded values pass as they are."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.depth: int = proc_params["depth"]
        self.steps: int = proc_params["steps"]
        self.passing_steps: int = self.steps - proc_params["delay"]
        self.waiting = [np.zeros(proc_params["shape"], np.int32) for _ in range(proc_params["wait"])]

    def run_spk(self) -> None:
        """Send the oldest value and keep the new one."""
        if self.waiting:
            # Sending first keeps a loop of processes from waiting for itself.
            self.s_out.send(self.waiting.pop(0))
            self.waiting.append(self._let_pass(self.s_in.recv()))
        else:
            self.s_out.send(self._let_pass(self.s_in.recv()))

    def _let_pass(self, values: np.ndarray) -> np.ndarray:
        step = (self.time_step - 1 - self.depth) % self.steps
        return values if step < self.passing_steps else np.zeros_like(values)
