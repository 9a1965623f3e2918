"""margins: compartments left free at the edges of a block, so that every axon can use the list of the inner ones.

A position at the edge of a block meets only a part of the kernel. Where the block is numbered as if it were larger by
what the kernel reaches over its edges, the rest of the kernel meets compartments that hold no neuron and send nothing.
So each kernel is stored once (for each set of elements that a stride tells apart), whole, and each axon has the pointer
and the length that nengo-loihi would give it. The free compartments are updated like neurons and count as such.

Confidence: likely. It needs nothing that nengo-loihi does not use; that a free compartment disturbs nothing was not
shown on a chip.
"""

from snn_deploy.deploy.mapping.memory.sub_lists import Numbering
from snn_deploy.deploy.mapping.memory.synapse_lists import AxisLists

Shape = tuple[int, int]  # of a block: neurons along the lines' axis, and across


def with_margins(
    lines: AxisLists, across: AxisLists, shape: Shape, stride: Shape, dilation: Shape, channels: int, together: int
) -> Numbering:
    """Return a numbering with margins on all four sides, of lists that `sub_lists.joined` made whole."""
    above, length = _extent(lines, shape[0], stride[0], dilation[0])
    left, width = _extent(across, shape[1], stride[1], dilation[1])
    blocks = _groups(channels, together)
    return Numbering(
        together, blocks, width, length * width, shape[0] * shape[1] * channels, 0, (above * width + left) * together
    )


def with_margins_across(
    lines: AxisLists, across: AxisLists, shape: Shape, stride: Shape, dilation: Shape, channels: int, together: int
) -> Numbering:
    """Return a numbering with margins at both ends of each line, and room in front for lists that begin later."""
    above, _ = _extent(lines, shape[0], stride[0], dilation[0])
    left, width = _extent(across, shape[1], stride[1], dilation[1])
    front = above * width * together
    return Numbering(
        together,
        _groups(channels, together),
        width,
        shape[0] * width,
        shape[0] * shape[1] * channels,
        front,
        front + left * together,
    )


def without_margins(lines: AxisLists, shape: Shape, channels: int, together: int) -> Numbering:
    """Return a numbering of the block's neurons alone, with room in front for lists that begin later."""
    front = max(0, -min((first for _, first in lines), default=0)) * shape[1] * together
    positions = shape[0] * shape[1]
    return Numbering(together, _groups(channels, together), shape[1], positions, positions * channels, front, front)


def _extent(lists: AxisLists, length: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return how far whole lists reach over the beginning of an axis, and its length with both margins."""
    before = max(0, -min((first for _, first in lists), default=0))
    end = max((first + (k[-1] - k[0]) * dilation // stride + 1 for k, first in lists), default=0)
    return before, before + max(length, end)


def _groups(channels: int, together: int) -> tuple[int, ...]:
    return tuple(min(together, channels - first) for first in range(0, channels, together))
