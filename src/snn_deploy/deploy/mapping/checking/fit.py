"""fit: what would make a network fit, each suggestion tried."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from snn_deploy.deploy.mapping.cores.mesh import cores_per_chip
from snn_deploy.deploy.mapping.cores.placement import Storage
from snn_deploy.deploy.mapping.cutting.partition import Partition, partition
from snn_deploy.deploy.mapping.memory.weight_bits import stored_widths
from snn_deploy.deploy.mapping.without_channels import without_channels
from snn_deploy.export.chip.check_on_chip import check_on_chip
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile, profile_names
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

_FEWEST_BITS = 2  # of weights that the exporter writes
_GROUPS = 8  # channels are taken out in so many groups
_MEMORY = ("input axons", "synapse words", "synapse bytes", "memory bytes")


@dataclass(frozen=True)
class Suggestion:
    """Something that was tried and fits. what: a sentence that says what to do; cores, chips: what it then takes."""

    what: str
    cores: int
    chips: int


def suggestions(
    network: IntegerNetwork, profile: HardwareProfile, found: Partition, chips: int | None
) -> Iterator[Suggestion]:
    """Yield what makes `network` fit, where `found`, its partition, does not or takes more than `chips`."""
    if chips is not None and found.cores:
        needed = -(-len(found.cores) // cores_per_chip(profile))
        yield Suggestion(f"allow more chips: --chips {needed}", len(found.cores), needed)
    if found.storage == "nengo-loihi" and profile.find("core.synapse_memory_words"):
        yield from _tried("margins around blocks: --storage margins", network, profile, chips, "margins")
    yield from _fewer_bits(network, profile, chips, found.storage)
    yield from _fewer_channels(network, profile, found, chips)
    yield from other_chips(network, profile, chips)


def other_chips(network: IntegerNetwork, profile: HardwareProfile, chips: int | None) -> Iterator[Suggestion]:
    """Yield the chips beside that of `profile` that can run `network` and hold it, on at most `chips` of them."""
    for name in profile_names():
        other = load_profile(name)
        if other.kind == "neurocore" and name != profile.name:
            yield from _tried(f"another chip: --profile {name}", network, other, chips)


def _tried(
    what: str,
    network: IntegerNetwork,
    profile: HardwareProfile,
    chips: int | None,
    storage: Storage = "nengo-loihi",
) -> Iterator[Suggestion]:
    if check_on_chip(network, profile):
        return
    found = partition(network, profile, storage)
    needed = -(-len(found.cores) // cores_per_chip(profile))
    if not found.violations and (chips is None or needed <= chips):
        yield Suggestion(what, len(found.cores), needed)


def _fewer_bits(
    network: IntegerNetwork, profile: HardwareProfile, chips: int | None, storage: Storage
) -> Iterator[Suggestion]:
    """Yield the most bits of weights that fit: from the most that the chip stores downwards, halving."""
    possible = [bits for bits in stored_widths(profile) if _FEWEST_BITS <= bits < _bits_of(network)]
    best: Suggestion | None = None
    low, high = 0, len(possible)
    while low < high:
        middle = (low + high) // 2
        bits = possible[middle]
        what = f"weights of {bits} bits: export again with --weight-bits {bits}"
        tried = next(_tried(what, _with_bits(network, bits), profile, chips, storage), None)
        best = tried or best
        low, high = (middle + 1, high) if tried else (low, middle)
    if best:
        yield best


def _bits_of(network: IntegerNetwork) -> int:
    """Return the fewest bits of signed weights that hold every weight."""
    largest = max(int(np.abs(c.weights.astype(np.int64)).max(initial=0)) for c in network.connections)
    return 1 + largest.bit_length()


def _with_bits(network: IntegerNetwork, bits: int) -> IntegerNetwork:
    """Return `network` with weights as wide as an export with so many bits makes them.

    Weights that such an export would round to 0 stay here, so it takes no more memory than this network.
    """
    most = 2 ** (bits - 1) - 1
    connections = []
    for c in network.connections:
        sizes = np.abs(c.weights.astype(np.int64))
        scaled = np.maximum(1, sizes * most // max(int(sizes.max(initial=0)), 1))
        connections.append(replace(c, weights=np.where(c.weights == 0, 0, np.sign(c.weights) * scaled)))
    return replace(network, connections=tuple(connections))


def _fewer_channels(
    network: IntegerNetwork, profile: HardwareProfile, found: Partition, chips: int | None
) -> Iterator[Suggestion]:
    """Yield the fewest groups of channels to take out of what the violating populations hear, where that helps."""
    short = {v.population for v in found.violations if v.resource in _MEMORY}
    heard = [
        p.name
        for p in network.populations
        if p.shape[0] >= _GROUPS and any(c.source == p.name and c.target in short for c in network.connections)
    ]
    if not heard:
        return
    best: Suggestion | None = None
    low, high = 1, _GROUPS
    while low < high:
        groups = (low + high) // 2
        removed = {name: _weakest(network, name, groups) for name in heard}
        parts = ", ".join(f"{removed[name].sum()} of {len(removed[name])} channels of {name!r}" for name in heard)
        try:
            smaller = without_channels(network, removed)
        except UserError:
            return  # a channel of a grouped convolution cannot go
        what = f"prune {parts}, those with the smallest weights, and train on"
        tried = next(_tried(what, smaller, profile, chips, found.storage), None)
        best = tried or best
        low, high = (low, groups) if tried else (groups + 1, high)
    if best:
        yield best


def _weakest(network: IntegerNetwork, name: str, groups: int) -> np.ndarray:
    """Return (channels,): whether a channel is in the `groups` groups of channels that send the smallest weights."""
    channels = network.shape_of(name)[0]
    sent = np.zeros(channels)
    for c in network.connections:
        if c.source == name:
            sizes = np.abs(c.weights.astype(np.int64)).sum(axis=(0, *range(2, c.weights.ndim)))
            sent += sizes.reshape(channels, -1).sum(axis=1) * 2**c.exponent if len(sizes) >= channels else 0
    chosen = np.zeros(channels, bool)
    chosen[np.argsort(sent, kind="stable")[: channels * groups // _GROUPS]] = True
    return chosen
