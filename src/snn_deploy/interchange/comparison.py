"""comparison: a network beside the one that it came from, spike by spike.

Two sums of the same numbers in another order differ in their last bits. So a potential that lies closer to its
threshold than `tolerance`, as a share of the largest of both, may fall on either side: such a sample is compared up to
that step, and counted.
"""

from collections.abc import Mapping

import numpy as np

from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatNetwork, FloatPopulation
from snn_deploy.network.source_comparison import ComparedLayer, SourceComparison
from snn_deploy.support.user_error import UserError

DOUBLE, SINGLE = 2.0**-36, 2.0**-14  # of what ran in double precision, and in float32 over hundreds of steps


def compare_spikes(
    network: FloatNetwork,
    frames: np.ndarray,
    recorded: Mapping[str, np.ndarray],
    source: str,
    *,
    tolerance: float = DOUBLE,
    takes: str | None = None,
    random: bool = False,
) -> SourceComparison:
    """Run `network` on the inputs that its source ran on, and compare everything that was recorded of it.

    Parameters
    ----------
    frames
        (steps, samples, *input shape), whole numbers as the input takes them.
    recorded
        Population -> its source's spikes, (steps, samples, *shape) or with the neurons in a row; of one that never
        fires, its potentials in every step or, (samples, *shape), after the last.
    source
        What it is, for the result and for errors.

    Raises
    ------
    UserError
        Names the first step and neuron that differs, with both values.
    """
    trace = float_semantics.run(network, frames)
    steps, samples = frames.shape[:2]
    firing = [p for p in network.populations if p.fires and p.name in recorded]
    compared_steps = np.full(samples, steps)
    undecided = 0
    shown = {p.name: np.asarray(recorded[p.name]).reshape(steps, samples, *p.shape) != 0 for p in firing}
    for sample in range(samples):
        first = _first_difference(firing, trace.spikes, shown, sample)
        if first is None:
            continue
        step, population = first
        differs = (trace.spikes[population.name][step, sample] != 0) != shown[population.name][step, sample]
        potentials = trace.potentials[population.name][step, sample]
        threshold = population.threshold.reshape(-1, *[1] * (potentials.ndim - 1))
        largest = np.maximum(np.abs(potentials).max(), np.abs(threshold))
        near = np.abs(potentials - threshold) <= tolerance * largest
        if (differs & ~near).any():
            raise _difference(source, population, step, sample, potentials, differs & ~near)
        compared_steps[sample], undecided = step, undecided + 1
    layers = []
    for population in network.populations:
        if population.name not in recorded:
            continue
        if population.fires:
            fired = sum(int(shown[population.name][:until, s].sum()) for s, until in enumerate(compared_steps))
            count = int(compared_steps.sum()) * int(np.prod(population.shape))
        else:
            sure = compared_steps == steps
            potentials = trace.potentials[population.name]
            fired = count = _compare_potentials(source, population, potentials, recorded, sure, tolerance)
        layers.append(ComparedLayer(population.name, count, fired))
    return SourceComparison(source, samples, steps, tuple(layers), tolerance, undecided, takes, random)


def _first_difference(
    firing: list[FloatPopulation], ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], sample: int
) -> tuple[int, FloatPopulation] | None:
    """Return the first step, and the first population in it, that differs: what comes later may follow from it."""
    found = []
    for place, population in enumerate(firing):
        differs = (ours[population.name][:, sample] != 0) != theirs[population.name][:, sample]
        steps = np.flatnonzero(differs.reshape(len(differs), -1).any(axis=1))
        if len(steps):
            found.append((int(steps[0]), place))
    return (min(found)[0], firing[min(found)[1]]) if found else None


def _difference(
    source: str, population: FloatPopulation, step: int, sample: int, potentials: np.ndarray, differs: np.ndarray
) -> UserError:
    index = tuple(int(i) for i in np.argwhere(differs)[0])
    potential, threshold = potentials[index], population.threshold[index[0]]
    fired = potential >= threshold if population.fires_at_threshold else potential > threshold
    return UserError(
        f"{source}: the network that was read is not the one that ran. Population {population.name!r}, sample "
        f"{sample}, step {step}, neuron {list(index)}: the potential {potential:.9g} at a threshold of {threshold:.9g} "
        f"{'fires' if fired else 'does not fire'} here, and {'does not fire' if fired else 'fires'} there "
        f"({int(differs.sum())} neurons differ in this step)."
    )


def _compare_potentials(
    source: str,
    population: FloatPopulation,
    ours: np.ndarray,
    recorded: Mapping[str, np.ndarray],
    sure: np.ndarray,
    tolerance: float,
) -> int:
    """Compare the potentials of a population that never fires; return how many."""
    theirs = np.asarray(recorded[population.name], np.float64)
    mine = ours if theirs.size == ours.size and theirs.ndim == ours.ndim else ours[-1]
    theirs = theirs.reshape(mine.shape)
    axis = 1 if mine.ndim == ours.ndim else 0
    mine, theirs = np.compress(sure, mine, axis), np.compress(sure, theirs, axis)
    largest = max(float(np.abs(ours).max(initial=0)), 1e-300)
    wrong = np.argwhere(np.abs(mine - theirs) > 64 * tolerance * largest)
    if len(wrong):
        index = tuple(int(i) for i in wrong[0])
        raise UserError(
            f"{source}: the network that was read is not the one that ran. Population {population.name!r}, at "
            f"{list(index)}: the potential is {mine[index]:.9g} here and {theirs[index]:.9g} there."
        )
    return int(mine.size)
