"""count_margins: what a block's synapses take where free compartments at its edges let axons share lists, slowly.

For count_sub_lists, from single synapses, with a number for each weight. Weights that some position meets together
belong to one list, each at its own distance from the list's first target. A position takes the whole list; what it does
not meet must not be a neuron of the block, so that a free compartment has to lie there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snn_deploy.deploy.mapping.cores.placement import Slice

Place = tuple[int, int]  # a line of the block, and a neuron across
Target = tuple[Place, int, int, int]  # with its channel, the atom of its source and the number of its weight


@dataclass(frozen=True)
class SharedList:
    """A list that positions share.

    items: (line, across, channel, atom, number of the weight), counted from the first line and neuron. shifts: where
    its first line and neuron lie in the block for each position; below 0 before it.
    """

    items: tuple[tuple[int, int, int, int, int], ...]
    shifts: frozenset[Place]


def shared_lists(met: Mapping[Place, Sequence[Target]], part: Slice, axis: int) -> list[SharedList]:
    """Return the lists; an AssertionError where one would reach a neuron that a position does not meet.

    met: what each position meets. axis: that of the lines.
    """
    where: dict[int, tuple[int, Place]] = {}  # number of a weight -> its list, and its place there
    items: dict[int, dict[int, tuple[Place, int, int]]] = defaultdict(dict)
    places: dict[Place, tuple[int, Place]] = {}
    waiting = sorted(met, key=lambda position: -len(met[position]))
    for position in waiting:  # those that meet most first, so that the others find their lists
        known = [(where[n], target) for target, _, _, n in met[position] if n in where]
        if known:
            (which, place), target = known[0]
            shift = (target[0] - place[0], target[1] - place[1])
        else:
            which, shift = len(items), min(target for target, _, _, _ in met[position])
        for (these, _), _ in known:
            if these != which:
                return []  # two lists that turn out to be one: no way to share is looked for
        for target, channel, atom, number in met[position]:
            place = (target[0] - shift[0], target[1] - shift[1])
            assert where.setdefault(number, (which, place)) == (which, place)
            items[which][number] = (place, channel, atom)
        places[position] = (which, shift)
    found = []
    for which, of_list in items.items():
        low = tuple(min(place[i] for place, _, _ in of_list.values()) for i in (0, 1))
        shifts = {(s[0] + low[0], s[1] + low[1]) for these, s in places.values() if these == which}
        listed = tuple(
            (place[0] - low[0], place[1] - low[1], channel, atom, number)
            for number, (place, channel, atom) in sorted(of_list.items())
        )
        found.append(SharedList(listed, frozenset(shifts)))
    _require_free(met, places, items, part, axis)
    return found


def _require_free(
    met: Mapping[Place, Sequence[Target]],
    places: Mapping[Place, tuple[int, Place]],
    items: Mapping[int, Mapping[int, tuple[Place, int, int]]],
    part: Slice,
    axis: int,
) -> None:
    for position, (which, shift) in places.items():
        here = {number for _, _, _, number in met[position]}
        for number, (place, _, _) in items[which].items():
            line, across = place[0] + shift[0], place[1] + shift[1]
            is_neuron = 0 <= line < part.shape[axis] and 0 <= across < part.shape[3 - axis]
            assert is_neuron == (number in here)
