"""parts: what a network can give up, one population's channels or one connection's synapses, and what it gives up.

A part gives up its least important things first, in an order that is fixed, so a choice is one amount for each part.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

SHARES = (0.0, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95)  # of the weights that are 0


@dataclass(frozen=True)
class Pruning:
    """What goes. channels: population -> (channels,) booleans. shares: connection -> of its weights that become 0."""

    channels: Mapping[str, np.ndarray] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_nothing(self) -> bool:
        """Whether everything stays."""
        return not self.shares and not any(mask.any() for mask in self.channels.values())


class Part(ABC):
    """What may go of a network."""

    @property
    @abstractmethod
    def most(self) -> int:
        """The largest amount; 0 is nothing."""

    @abstractmethod
    def loss(self, amount: int) -> float:
        """Return what the amount is worth, in units of the loss."""

    @abstractmethod
    def mask(self, amount: int) -> np.ndarray:
        """Return booleans: what goes."""


@dataclass(frozen=True)
class Channels(Part):
    """The channels of one population, of which one stays. importances: (channels,), what each is worth."""

    importances: np.ndarray

    @property
    def most(self) -> int:
        """All but one."""
        return len(self.importances) - 1

    def loss(self, amount: int) -> float:
        """Return the sum of what they are worth."""
        return float(self.importances[self._order[:amount]].sum())

    def mask(self, amount: int) -> np.ndarray:
        """Return (channels,) booleans."""
        return np.isin(np.arange(len(self.importances)), self._order[:amount])

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.importances, kind="stable")


@dataclass(frozen=True)
class Synapses(Part):
    """The synapses of one connection; amounts are indices of SHARES.

    sizes: of the weights, of their shape. change: share -> what it is worth that so many of the smallest are 0, asked
    once for each.
    """

    sizes: np.ndarray
    change: Callable[[float], float]
    _known: dict[int, float] = field(init=False, repr=False, compare=False, default_factory=lambda: {0: 0.0})

    @property
    def most(self) -> int:
        """The index of the largest share."""
        return len(SHARES) - 1

    def loss(self, amount: int) -> float:
        """Return the largest change of this share and of those before it: measured changes need not rise."""
        for index in range(amount + 1):
            if index not in self._known:
                self._known[index] = max(self._known[index - 1], self.change(SHARES[index]))
        return self._known[amount]

    def mask(self, amount: int) -> np.ndarray:
        """Return booleans of the shape of the weights."""
        return smallest(self.sizes, SHARES[amount])


def smallest(sizes: np.ndarray, share: float) -> np.ndarray:
    """Return booleans, of the shape of `sizes`: the share of them that is smallest."""
    found = np.zeros(sizes.size, np.bool_)
    found[np.argsort(sizes, axis=None, kind="stable")[: round(share * sizes.size)]] = True
    return found.reshape(sizes.shape)


def masks(parts: Mapping[str, Part], amounts: Mapping[str, int]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return (population -> channels that go, connection -> synapses that go), booleans, as Accounting takes them."""
    channels = {n: p.mask(amounts[n]) for n, p in parts.items() if isinstance(p, Channels)}
    return channels, {n: p.mask(amounts[n]) for n, p in parts.items() if isinstance(p, Synapses) and amounts[n]}


def pruning(parts: Mapping[str, Part], amounts: Mapping[str, int]) -> Pruning:
    """Return what goes where `parts`, by the names of populations and connections, give up `amounts`."""
    channels, synapses = masks(parts, amounts)
    return Pruning(channels, {name: SHARES[amounts[name]] for name in synapses})
