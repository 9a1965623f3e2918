"""SpikeRecorder: writes a population's spikes to a file, because reading them from a Lava variable is slow."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class SpikeRecorder(AbstractProcess):
    """Writes one row of packed bits per step, from time step depth + 1 on, `rows` in all."""

    def __init__(self, *, path: str, shape: tuple[int, ...], depth: int, steps: int, rows: int) -> None:
        super().__init__(path=path, shape=shape, depth=depth, steps=steps, rows=rows)
        self.a_in = InPort(shape=shape)


@implements(proc=SpikeRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SpikeRecorderModel(PyLoihiProcessModel):
    """Puts rows on disk at each sample's end."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.path: str = proc_params["path"]
        self.depth: int = proc_params["depth"]
        self.steps: int = proc_params["steps"]
        self.rows: int = proc_params["rows"]
        self.waiting: list[bytes] = []

    def run_spk(self) -> None:
        """Take this step's spikes."""
        spikes = self.a_in.recv()
        row = self.time_step - 1 - self.depth
        if not 0 <= row < self.rows:
            return
        self.waiting.append(np.packbits(spikes != 0).tobytes())
        if (row + 1) % self.steps == 0:
            with open(self.path, "ab") as file:  # noqa: PTH123
                file.write(b"".join(self.waiting))
            self.waiting.clear()
