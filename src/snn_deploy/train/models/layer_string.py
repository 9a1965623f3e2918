"""Model `layer_string`: a chain of layers in the papers' notation, such as "16C3-P2-32C3-P2-10".

nCk: convolution with n output channels and a k x k kernel, padded to keep the size (k odd), then spiking neurons.
Sm behind it ("16C3S2") is its stride. Pk: average pooling over k x k. For one dimension, height and width are written
apart: "16C1x5S1x2-P1x2" looks along the width, "16C5x1" along the height. n: dense layer of n spiking neurons;
the last one is the output, which accumulates and never fires; it must have one neuron per class.
R behind a convolution or a dense layer ("16C3R", "16C3S2R", "128R"): it feeds itself, every spike arriving one step
later; a convolution through a second kernel of its size, from its own map to its own map.
Notation: TB Sec. 5 ("15C5-P2-40C5-P2-300"), where the output layer is implied: leave it out or write it.
"""

import math
import re
from dataclasses import dataclass

from snn_deploy.network.connection_arithmetic import Pair, pooled_shape, target_shape
from snn_deploy.support.user_error import UserError
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedInput, PlannedPopulation

_SIZE = r"\d+(?:x\d+)?"
_CONVOLUTION = re.compile(rf"(\d+)C({_SIZE})(?:S({_SIZE}))?(R?)")
_POOLING = re.compile(rf"(M?)P({_SIZE})")
_DENSE = re.compile(r"(\d+)(R?)")


@dataclass(frozen=True)
class Model:
    """layers: the chain, such as "32C5-P2-64C5-P2-1024-10"; with an R, "16C3R" or "128R", a layer feeds itself."""

    layers: str

    def note(self, classes: int) -> str | None:
        """Return what became of the last number of `layers` where that is not the number of classes, else None."""
        last = self.layers.split("-")[-1]
        if last == str(classes) or not _DENSE.fullmatch(last):
            return None
        return (
            f"model.layers ends with {last}, and the data has {classes} classes: {last} is a hidden layer, and "
            f"{classes} outputs follow it."
        )

    def plan(self, input_shape: tuple[int, ...], classes: int) -> NetworkPlan:
        """Return the plan for inputs of `input_shape` (channels, height, width) and `classes` outputs."""
        words = self.layers.split("-")
        if words[-1] != str(classes):
            words.append(str(classes))
        source = PlannedInput("input", input_shape)
        populations: list[PlannedPopulation] = []
        connections: list[PlannedConnection] = []
        shape, name, pool = input_shape, source.name, (1, 1)
        for position, word in enumerate(words):
            if match := _POOLING.fullmatch(word):
                pool = self._pooled_further(word, match, shape, pool)
                continue
            is_output = position == len(words) - 1
            if (match := _CONVOLUTION.fullmatch(word)) and not is_output and len(shape) == 3:
                connection = self._convolution(word, match, name, f"conv{len(populations) + 1}", shape, pool)
                feeds_itself = bool(match[4])
            elif (match := _DENSE.fullmatch(word)) and int(match[1]) > 0 and not (is_output and match[2]):
                label = "output" if is_output else f"dense{len(populations) + 1}"
                fan_in, neurons = math.prod(pooled_shape(shape, pool)), int(match[1])
                connection = PlannedConnection(
                    f"{name}-{label}", name, label, (neurons, fan_in), pool=pool, has_norm=not is_output
                )
                feeds_itself = bool(match[2])
            else:
                raise self._error(
                    word,
                    "allowed are nCk (convolution), nCkSs (with a stride), Pk (average pooling), each k and s also as "
                    "HEIGHTxWIDTH, n (dense), and R behind a convolution or a dense layer that feeds itself; "
                    "a convolution stands before the dense layers",
                )
            shape = target_shape(
                shape, connection.weights_shape, connection.stride, connection.padding, connection.dilation, pool
            )
            name, pool = connection.target, (1, 1)
            populations.append(PlannedPopulation(name, shape, fires=not is_output))
            connections += [connection, _loop_of(connection)] if feeds_itself else [connection]
        return NetworkPlan(source, tuple(populations), tuple(connections))

    def _pooled_further(self, word: str, match: re.Match[str], shape: tuple[int, ...], pool: Pair) -> Pair:
        window = _pair(match[2])
        if match[1]:
            raise self._error(
                word,
                "max pooling. The largest of several spikes is no sum of synaptic currents, so no neurocore "
                f"computes it; write 'P{match[2]}' for average pooling",
            )
        pool = (pool[0] * window[0], pool[1] * window[1])
        if min(window) < 1 or len(shape) != 3 or min(pooled_shape(shape, pool)) < 1:
            raise self._error(word, f"pooling needs a map of at least that size, and here it is {shape}")
        return pool

    def _convolution(
        self, word: str, match: re.Match[str], source: str, target: str, shape: tuple[int, ...], pool: Pair
    ) -> PlannedConnection:
        out, kernel, stride = int(match[1]), _pair(match[2]), _pair(match[3] or "1")
        if any(side % 2 == 0 for side in kernel) or out < 1 or min(stride) < 1:
            raise self._error(word, "allowed are odd kernels, at least one channel and a stride from 1")
        return PlannedConnection(
            f"{source}-{target}",
            source,
            target,
            (out, shape[0], *kernel),
            stride=stride,
            padding=(kernel[0] // 2, kernel[1] // 2),
            pool=pool,
        )

    def _error(self, word: str, why: str) -> UserError:
        return UserError(f"model.layers = {self.layers!r}: at {word!r}: {why}.")


def _loop_of(connection: PlannedConnection) -> PlannedConnection:
    """Return what the target of `connection` feeds itself through: as many weights for each of its channels."""
    name, (channels, _, *kernel) = connection.target, connection.weights_shape
    return PlannedConnection(
        f"{name}-{name}",
        name,
        name,
        (channels, channels, *kernel),
        padding=connection.padding,
        delay=1,
        has_norm=False,
    )


def size_word(size: Pair) -> str:
    """Return a kernel, stride or window as `layers` has it: "3" of (3, 3), "1x5" of (1, 5)."""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def _pair(word: str) -> Pair:
    height, _, width = word.partition("x")
    return int(height), int(width or height)
