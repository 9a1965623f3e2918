"""chain: a network as the layers that lava-dl's format holds, each of which hears the one before it and itself."""

from dataclasses import dataclass

from snn_deploy.export.targets._loihi.refusal import refused
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.net_format import LARGEST_DELAY


@dataclass(frozen=True)
class Link:
    """A population, the connections that it hears the layer before it through, and the one from itself.

    source_shape: of the layer before it.
    """

    population: IntegerPopulation
    source_shape: tuple[int, ...]
    forward: tuple[IntegerConnection, ...]
    loop: IntegerConnection | None


def chain(network: IntegerNetwork) -> tuple[Link, ...]:
    """Return the populations of `network` in order; what makes it more than a chain is a UserError that names it."""
    links, source = [], network.input.name
    for population in network.populations:
        arriving = network.connections_to(population.name)
        for c in arriving:
            if c.source not in (source, population.name):
                raise refused(
                    f"connection {c.name!r} from {c.source!r} to {c.target!r}, which makes it more than a chain",
                    "a layer of lava-dl hears the layer before it and itself, and its reader takes no other",
                )
        forward = tuple(c for c in arriving if c.source == source)
        loops = tuple(c for c in arriving if c.source == population.name)
        if not forward:
            raise refused(
                f"population {population.name!r}, which hears nothing from {source!r}",
                "a layer of lava-dl hears the layer before it",
            )
        _check_loops(loops, forward)
        _check_forward(forward)
        links.append(Link(population, network.shape_of(source), forward, loops[0] if loops else None))
        source = population.name
    return tuple(links)


def _check_loops(loops: tuple[IntegerConnection, ...], forward: tuple[IntegerConnection, ...]) -> None:
    if not loops:
        return
    loop = loops[-1]
    what = f"connection {loop.name!r} from {loop.source!r} to itself"
    if loop.weights.ndim == 4:
        raise refused(what, "lava-dl has recurrence of dense layers alone (dense_rec)")
    if loop.delay != 1:
        raise refused(
            f"{what} with a delay of {loop.delay} steps", "recurrent spikes of lava-dl's dense_rec take 1 step"
        )
    if len(loops) > 1:
        raise refused(f"{what} beside {loops[0].name!r}", "lava-dl's dense_rec has one matrix of recurrent weights")
    if any(c.delay for c in forward):
        raise refused(
            f"{what}, behind a connection with a delay",
            "lava-dl's reader delays the recurrent weights of such a layer too, and leaves their exponent out",
        )


def _check_forward(forward: tuple[IntegerConnection, ...]) -> None:
    for c in forward:
        what = f"connection {c.name!r}"
        if c.delay and c.weights.ndim == 4:
            raise refused(
                f"{what} with a delay of {c.delay} steps", "lava-dl's reader leaves the delays of convolutions out"
            )
        if c.delay > LARGEST_DELAY:
            raise refused(f"{what} with a delay of {c.delay} steps", f"lava-dl's reader takes 0 to {LARGEST_DELAY}")
    delays = [c.delay for c in forward]
    for i, c in enumerate(forward):
        if c.delay in delays[:i]:
            other = forward[delays.index(c.delay)].name
            raise refused(
                f"connection {c.name!r} beside {other!r}, of the same delay",
                "lava-dl's layers hear the layer before them through one kernel, or one matrix for each delay",
            )
