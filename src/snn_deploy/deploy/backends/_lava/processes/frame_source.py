"""FrameSource: sends the frames of successive samples from a file, one per step."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess, LogConfig
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class FrameSource(AbstractProcess):
    """Sends frame t of sample k at time step  k * steps + t + 1, and zeros after the last.

    path: .npy, (samples, *shape), each shown for `steps` steps, or (steps, samples, *shape), channels first.
    shape: what is sent, (width, height, channels) or (features,); with is_flat, the features of a map.
    """

    def __init__(self, *, path: str, shape: tuple[int, ...], steps: int, is_static: bool, log_config: LogConfig):
        super().__init__(path=path, shape=shape, steps=steps, is_static=is_static, log_config=log_config)
        self.s_out = OutPort(shape=shape)


@implements(proc=FrameSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FrameSourceModel(PyLoihiProcessModel):
    """Reads frames as they are needed."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.frames = np.load(proc_params["path"], mmap_mode="r")
        self.steps: int = proc_params["steps"]
        self.is_static: bool = proc_params["is_static"]
        self.shape: tuple[int, ...] = proc_params["shape"]

    def run_spk(self) -> None:
        """Send the frame of this step."""
        sample, step = divmod(self.time_step - 1, self.steps)
        samples = self.frames.shape[0 if self.is_static else 1]
        if sample >= samples:
            self.s_out.send(np.zeros(self.shape, np.int32))
            return
        frame = self.frames[sample] if self.is_static else self.frames[step, sample]
        if len(self.shape) > 1:
            frame = frame.transpose()
        self.s_out.send(frame.reshape(self.shape).astype(np.int32))
