"""input_sets: what verify shows a network beside its data: random inputs, and inputs built to be nasty for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snn_deploy.deploy.verification.threshold_inputs import threshold_inputs
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

INPUTS = ("data", "random", "nasty")
RANDOM_SAMPLES = 8  # of each of the two forms
_DRAWN = 8  # bytes of a number while it is drawn
_DENSITIES = (0.02, 0.1, 0.3, 0.5, 0.8, 1.0)


@dataclass(frozen=True)
class InputSet:
    """Samples for one run of every backend.

    network: the one under test, or the same with more steps. inputs: as simulation.as_frames takes them.
    names: of each sample.
    """

    name: str
    network: IntegerNetwork
    inputs: np.ndarray
    names: tuple[str, ...]


def check_inputs(kinds: Sequence[str]) -> None:
    """Raise UserError unless `kinds` are different ones of INPUTS, at least one."""
    unknown = [kind for kind in kinds if kind not in INPUTS]
    if unknown or not kinds or len(set(kinds)) < len(kinds):
        raise UserError(f"inputs {','.join(kinds) or 'none'}; allowed are {', '.join(INPUTS)}, each once.")


def generated_bytes(network: IntegerNetwork, kinds: Sequence[str]) -> int:
    """Return how many bytes making the inputs of `kinds` takes at the least, those of data left out."""
    pixels = math.prod(network.input.shape)
    needed = {
        "random": 2 * _DRAWN * RANDOM_SAMPLES * network.steps * pixels,  # whole numbers, and what chooses among them
        "nasty": (len(network.input.shape) * _DRAWN + 3 * network.steps) * pixels,  # their places, and three sequences
    }
    return max((needed.get(kind, 0) for kind in kinds), default=0)


def random_sets(network: IntegerNetwork, seed: int, samples: int = RANDOM_SAMPLES) -> tuple[InputSet, ...]:
    """Return images, and frames that differ from step to step, of several densities; equal seeds give equal ones."""
    rng, largest = np.random.default_rng(seed), network.input.largest_value

    def drawn(*leading: int) -> np.ndarray:
        shape = (*leading, samples, *network.input.shape)
        values = rng.integers(0, largest, shape, endpoint=True)
        density = rng.choice(_DENSITIES, (samples, *[1] * len(network.input.shape)))
        return np.where(rng.random(shape) < density, values, 0).astype(np.uint8)

    names = tuple(f"random {i}, seed {seed}" for i in range(samples))
    return (
        InputSet("random images", network, drawn(), names),
        InputSet("random frames", network, drawn(network.steps), names),
    )


def nasty_sets(network: IntegerNetwork) -> tuple[InputSet, ...]:
    """Return the extremes of the input's range, single pixels, potentials at the threshold, and more steps."""
    named = {**_extremes(network), **_at_thresholds(network)}
    few = [name for name in named if "pixel" not in name and "threshold" not in name]
    few += [name for name in named if "at its threshold" in name][:2]
    longer = 2 * network.steps + 1
    return (
        InputSet("nasty images", network, np.stack(list(named.values())), tuple(named)),
        _alternating(network),
        InputSet(
            f"nasty images, {longer} steps",
            replace(network, steps=longer),
            np.stack([named[name] for name in few]),
            tuple(few),
        ),
    )


def _extremes(network: IntegerNetwork) -> dict[str, np.ndarray]:
    """Return name -> image (*input shape), uint8."""
    shape, largest = network.input.shape, network.input.largest_value

    def filled(value: int) -> np.ndarray:
        return np.full(shape, value, np.uint8)

    board = np.indices(shape).sum(axis=0) % 2
    named = {
        "all 0": filled(0),
        "all 1": filled(1),
        f"all {largest}": filled(largest),  # for an input of spikes it is "all 1"
        "checkerboard": (board * largest).astype(np.uint8),
        "the other checkerboard": ((1 - board) * largest).astype(np.uint8),
    }
    for place in ((0,) * len(shape), tuple(s // 2 for s in shape), tuple(s - 1 for s in shape)):
        image = filled(0)
        image[place] = largest
        named[f"one pixel {list(place)}"] = image
    return named


def _at_thresholds(network: IntegerNetwork) -> dict[str, np.ndarray]:
    words = {-1: "1 below its threshold", 0: "at its threshold", 1: "1 above its threshold"}
    return {f"{t.population} {list(t.index)} {words[t.offset]}": t.image for t in threshold_inputs(network)}


def _alternating(network: IntegerNetwork) -> InputSet:
    """Return frames that are as different from step to step as they can be: (steps, 3, *input shape)."""
    step = np.arange(network.steps)
    shown = {
        "largest in even steps": step % 2 == 0,
        "largest in odd steps": step % 2 == 1,
        "largest in the last step": step == network.steps - 1,
    }
    frames = np.stack(list(shown.values()), axis=1).astype(np.uint8) * network.input.largest_value
    frames = frames.reshape(*frames.shape, *[1] * len(network.input.shape))
    full = np.broadcast_to(frames, (*frames.shape[:2], *network.input.shape))
    return InputSet("nasty frames", network, np.ascontiguousarray(full), tuple(shown))
