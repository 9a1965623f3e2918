"""Cores and spike-hops of snn-deploy's mapping, of a greedy one, and of nengo-loihi's, on the same networks.

    uv run python benchmarks/mapping.py [--networks S B V ...] [--nengo FOLDER] [--profile loihi1] [--storage ...]

FOLDER holds nengo_S.json and so on, which benchmarks/nengo_loihi_split.py wrote in an environment of its own. Every
neuron counts as firing once, and the chips lie in a row. greedy: each layer is cut into the fewest blocks that fit,
from the last to the first, each block on a core of its own. All but ours lie in boustrophedon order on the mesh, in the
order of the layers; nengo's round robin deals its blocks to the chips in turn. Where the chip counts words of synapse
memory, ours comes with nengo-loihi's way to store kernels and with sub-lists; the others store them like nengo-loihi.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mapping_networks import PLANS, network
from scipy.sparse import coo_matrix, csr_matrix

from snn_deploy.deploy.mapping.checking.lower_bound import lower_bound
from snn_deploy.deploy.mapping.cores.mesh import core_sites, cores_per_chip, position
from snn_deploy.deploy.mapping.cores.placement import STORAGES, Slice, Storage
from snn_deploy.deploy.mapping.cutting.cuts import cuts
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.memory.out_axons import Listeners, listeners
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.deploy.mapping.placing.core_traffic import core_traffic
from snn_deploy.deploy.mapping.placing.place_by_traffic import place_by_traffic, spike_hops
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.integer_network import IntegerNetwork

Row = tuple[str, object, object, object, str]


def main() -> None:
    """Map and print one table for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(PLANS), choices=list(PLANS))
    parser.add_argument("--nengo", type=Path, help="the folder with what nengo_loihi_split.py wrote")
    parser.add_argument("--profile", default="loihi1")
    parser.add_argument("--storage", nargs="+", default=list(STORAGES), choices=list(STORAGES))
    chosen = parser.parse_args()
    chip = load_profile(chosen.profile)
    storages = chosen.storage if chip.find("core.synapse_memory_words") else chosen.storage[:1]
    print(
        f"| network on {chip.name} | mapping | cores | chips | spike-hops | seconds | |\n|---|---|---|---|---|---|---|"
    )
    for name in chosen.networks:
        rows = _nengo(chosen.nengo / f"nengo_{name}.json", chip) if chosen.nengo else []
        whole = network(name)
        rows += [greedy(whole, chip), *(row for storage in storages for row in _ours(whole, chip, storage))]
        bound = lower_bound(whole, chip)
        rows.append(("lower bound", bound.cores, "", "", f"{bound.alone} where populations share no core"))
        for mapping, cores, hops, seconds, remark in rows:
            chips = -(-cores // cores_per_chip(chip)) if isinstance(cores, int) else ""
            print(f"| {name} | {mapping} | {cores} | {chips} | {hops} | {seconds} | {remark} |", flush=True)


def _nengo(path: Path, chip: HardwareProfile) -> list[Row]:
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    cores = found["blocks"]
    here, there, spikes = np.array(found["traffic"]).T
    traffic = coo_matrix((spikes, (here, there)), (cores, cores)).tocsr()
    chips = -(-cores // cores_per_chip(chip))
    sites = core_sites(chip, chips)
    in_turn = [sites[i % chips * cores_per_chip(chip) + i // chips] for i in range(cores)]
    remark = ", ".join(f"{used} {what}" for what, used in found["over"].items())
    remark = f"breaks limits: {remark}" if remark else ""
    rows: list[Row] = [("nengo-loihi, greedy", cores, _hops(sites[:cores], traffic, chip), found["seconds"], remark)]
    if chips > 1:
        rows.append(("nengo-loihi, round robin", cores, _hops(in_turn, traffic, chip), "", remark))
    return rows


def _hops(taken: Sequence[tuple[int, tuple[int, int], int]], traffic: csr_matrix, chip: HardwareProfile) -> int:
    places = np.array([position(chip, number, tile) for number, tile, _ in taken])
    pairs = traffic.tocoo()
    return int(pairs.data @ np.abs(places[pairs.row] - places[pairs.col]).sum(axis=1))


def greedy(whole: IntegerNetwork, chip: HardwareProfile) -> Row:
    """Return the row of a mapping that gives each layer its fewest blocks, and each block a core of its own."""
    begin = time.perf_counter()
    several = sum(int(np.prod(p.shape)) for p in whole.populations) > cores_per_chip(chip) * chip.whole(
        "core.max_neurons"
    )
    blocks = _fewest_blocks(Model(whole, chip, between_chips=several))
    if blocks is None:
        return "greedy", "-", "-", f"{time.perf_counter() - begin:.1f}", "does not fit"
    cores = tuple((block,) for block in blocks)
    if len(cores) > cores_per_chip(chip) and not several:
        blocks = _fewest_blocks(Model(whole, chip, between_chips=True))
        assert blocks is not None
        cores = tuple((block,) for block in blocks)
    seconds = time.perf_counter() - begin
    sites = core_sites(chip, -(-len(cores) // cores_per_chip(chip)))
    hops = _hops(sites[: len(cores)], core_traffic(whole, cores), chip)
    return "greedy", len(cores), hops, f"{seconds:.1f}", ""


def _fewest_blocks(model: Model) -> list[Slice] | None:
    """Return the blocks of the cuts with the fewest, each population after those that hear it."""
    blocks: dict[str, list[Slice]] = {}
    for p in reversed(model.network.populations):
        heard = [listeners(model, c, blocks[c.target]) for c in model.network.connections if c.source == p.name]
        fitting = (cut.parts() for cut in sorted(cuts(model, p, 1), key=lambda cut: cut.blocks))
        found = next((parts for parts in fitting if all(_fits(model, block, heard) for block in parts)), None)
        if found is None:
            return None
        blocks[p.name] = found
    return [block for p in model.network.populations for block in blocks[p.name]]


def _fits(model: Model, block: Slice, heard: Sequence[Listeners]) -> bool:
    return not model.over(model.joined([model.need(block)], sum(h.slots(block) for h in heard)))


def _ours(whole: IntegerNetwork, chip: HardwareProfile, storage: Storage) -> list[Row]:
    begin = time.perf_counter()
    found = partition(whole, chip, storage)
    if found.violations:
        reasons = "; ".join(f"{v.population}: {v.needed} {v.resource}, allowed {v.allowed}" for v in found.violations)
        return [(f"ours, {storage}", "-", "-", f"{time.perf_counter() - begin:.1f}", reasons)]
    in_order = place_on_mesh(whole, found, chip)
    traffic = core_traffic(whole, found.cores)
    cut = time.perf_counter() - begin
    placed = place_by_traffic(in_order, traffic, chip)
    seconds = time.perf_counter() - begin
    hops = [int(spike_hops(placement, traffic, chip)) for placement in (in_order, placed)]
    return [
        (f"ours, {storage}, in the order of the layers", len(found.cores), hops[0], f"{cut:.1f}", ""),
        (f"ours, {storage}", len(found.cores), hops[1], f"{seconds:.1f}", ""),
    ]


if __name__ == "__main__":
    main()
