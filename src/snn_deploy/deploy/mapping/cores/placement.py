"""placement: which core of which chip holds which neurons. A value, and the file that keeps it.

The input is not placed: its spikes come from the host.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from snn_deploy.network.field_check import is_whole, shown
from snn_deploy.support.sealed_json import SealedJson
from snn_deploy.support.user_error import UserError

FILE = SealedJson(
    kind="snn-deploy Placement",
    version=2,
    content="placement",
    largest=2**28,  # a guess: a hundred times the largest placement that was made
    what="a placement",
    again="Map the network again: snn-deploy map NETWORK --out FILE.",
)
Storage = Literal["nengo-loihi", "margins", "sub-lists"]  # how kernels lie in memory: margins.py, sub_lists.py
STORAGES: tuple[Storage, ...] = get_args(Storage)


@dataclass(frozen=True)
class Slice:
    """A block of neurons of one population: start <= index < stop on each axis of the population's shape."""

    population: str
    start: tuple[int, ...]
    stop: tuple[int, ...]

    def __post_init__(self) -> None:
        where = f"slice of {shown(self.population)}"
        if not isinstance(self.population, str) or not self.population:
            raise UserError(f"{where}: allowed is the name of a population.")
        is_box = len(self.start) == len(self.stop) > 0 and all(
            is_whole(a, 0, 2**31) and is_whole(b, a + 1, 2**31) for a, b in zip(self.start, self.stop, strict=False)
        )
        if not is_box:
            raise UserError(
                f"{where}: from {shown(self.start)} to {shown(self.stop)}; allowed are whole numbers from 0, "
                "one for each axis, the first below the second."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """How many neurons along each axis."""
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    @property
    def neurons(self) -> int:
        """How many neurons."""
        return math.prod(self.shape)

    @property
    def index(self) -> tuple[slice, ...]:
        """What indexes an array of the population's shape."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))


@dataclass(frozen=True)
class PlacedCore:
    """A core that is used: tile is (x, y) on the chip's mesh, core the index within the tile."""

    chip: int
    tile: tuple[int, int]
    core: int
    slices: tuple[Slice, ...]

    def __post_init__(self) -> None:
        numbers = (self.chip, *self.tile, self.core)
        if len(self.tile) != 2 or not all(is_whole(n, 0, 2**31) for n in numbers) or not self.slices:
            raise UserError(
                f"core {shown(self.core)} at tile {shown(self.tile)} of chip {shown(self.chip)} with "
                f"{len(self.slices)} slices; allowed are whole numbers from 0, a tile (x, y) and at least one slice."
            )


@dataclass(frozen=True)
class Placement:
    """Where each neuron of a network is computed. Cores without neurons are not listed.

    network_digest: IntegerNetwork.digest of the network that was placed. profile: the name of the chip's profile.
    storage: how kernels are stored in synapse memory, where the profile counts its words.
    """

    network_digest: str
    profile: str
    cores: tuple[PlacedCore, ...]
    storage: Storage = "nengo-loihi"

    def __post_init__(self) -> None:
        require_storage(self.storage)
        sites = [(c.chip, c.tile, c.core) for c in self.cores]
        if len(set(sites)) < len(sites):
            twice = next(site for site in sites if sites.count(site) > 1)
            raise UserError(f"core {twice[2]} at tile {twice[1]} of chip {twice[0]} is listed twice; allowed is once.")

    @property
    def chips(self) -> int:
        """How many chips are used."""
        return len({core.chip for core in self.cores})

    def core_of(self, population: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return for each neuron of `population` the index into `cores` of the core that holds it; int64, `shape`.

        A neuron that no core holds, or several, is a UserError.
        """
        found = np.full(shape, -1, np.int64)
        for index, core in enumerate(self.cores):
            for part in core.slices:
                if part.population != population:
                    continue
                if len(part.stop) != len(shape) or any(b > n for b, n in zip(part.stop, shape, strict=True)):
                    raise UserError(
                        f"placement: a slice of {population!r} ends at {part.stop}; its shape is {shape}. "
                        "Map the network again."
                    )
                if (found[part.index] >= 0).any():
                    raise UserError(
                        f"placement: neurons {part.start}..{part.stop} of {population!r} are placed twice; allowed is "
                        "once. Map the network again."
                    )
                found[part.index] = index
        missing = int((found < 0).sum())
        if missing:
            raise UserError(
                f"placement: {missing} neurons of {population!r} are on no core; allowed is none. "
                "Map the network again."
            )
        return found


def require_storage(storage: str) -> None:
    """Raise UserError unless `storage` is a way to store kernels."""
    if storage not in STORAGES:
        raise UserError(f"storage {shown(storage)}: allowed are {', '.join(STORAGES)}.")


def write_placement(placement: Placement, path: Path) -> None:
    """Write `placement` to `path`: JSON with its version and the SHA-256 of its content, whole or not at all."""
    FILE.write(Path(path), asdict(placement))


def read_placement(path: Path) -> Placement:
    """Return the placement that `write_placement` wrote; a damaged or foreign file is a UserError."""
    content = FILE.read(Path(path))
    try:
        cores = tuple(_core(c) for c in content["cores"])
        digest, profile = content["network_digest"], content["profile"]
        if not (isinstance(digest, str) and isinstance(profile, str)):
            raise TypeError("the digest of its network or its profile is no text")
        return Placement(digest, profile, cores, content["storage"])
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{path}: no legal placement ({shown(error)}). {FILE.again}") from error


def _core(content: Mapping[str, Any]) -> PlacedCore:
    x, y = content["tile"]
    slices = tuple(Slice(s["population"], tuple(s["start"]), tuple(s["stop"])) for s in content["slices"])
    return PlacedCore(content["chip"], (x, y), content["core"], slices)
