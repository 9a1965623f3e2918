"""reading: what a .net file leaves open."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetReading:
    """How a .net file is read.

    steps: time steps of a sample; None is what the file says, as simulation/tSample or as this package wrote it.
    largest_value: of the input, 1 for spikes; None is 1, or 255 where the file's input layer has neurons, which take
    whole numbers. input_neurons: whether such neurons, which turn a frame into spikes, are part of the network; else
    its input are their spikes.
    """

    steps: int | None = None
    largest_value: int | None = None
    input_neurons: bool = True
