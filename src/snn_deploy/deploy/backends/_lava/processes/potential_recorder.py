"""PotentialRecorder: writes the potentials of a population to a file, after every step or at each sample's end."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class PotentialRecorder(AbstractProcess):
    """Writes the variable that `state` is connected to, int32, after step  k * every + depth  for k = 1..rows."""

    def __init__(self, *, path: str, shape: tuple[int, ...], depth: int, every: int, rows: int) -> None:
        super().__init__(path=path, depth=depth, every=every, rows=rows)
        self.state = RefPort(shape)


@implements(proc=PotentialRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PotentialRecorderModel(PyLoihiProcessModel):
    """Reads the variable after the neurons' update of the step."""

    state: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.path: str = proc_params["path"]
        self.depth: int = proc_params["depth"]
        self.every: int = proc_params["every"]
        self.rows: int = proc_params["rows"]

    def post_guard(self) -> bool:
        """Whether the potentials after this step are read."""
        done = self.time_step - self.depth
        return done % self.every == 0 and 1 <= done // self.every <= self.rows

    def run_post_mgmt(self) -> None:
        """Write the potentials."""
        with open(self.path, "ab") as file:  # noqa: PTH123
            file.write(np.ascontiguousarray(self.state.read(), np.int32).tobytes())
