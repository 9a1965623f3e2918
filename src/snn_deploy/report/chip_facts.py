"""chip_facts: whether and how a network fits on a chip, and what a sample costs there, from measured spikes."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.collections import QuadMesh
from scipy.sparse import csr_matrix

from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import measured_events
from snn_deploy.deploy.energy.exit_costs import chip_exit_costs
from snn_deploy.deploy.energy.latency import latency, times_with_errors
from snn_deploy.deploy.exits.exit_measures import ExitMeasures
from snn_deploy.deploy.mapping.checking.bottleneck import bottleneck
from snn_deploy.deploy.mapping.checking.fit import other_chips, suggestions
from snn_deploy.deploy.mapping.checking.lower_bound import lower_bound
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.deploy.mapping.cutting.partition import Partition, partition
from snn_deploy.deploy.mapping.memory.resources import limits, not_counted
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.mapping.placing.mesh_picture import mesh_picture
from snn_deploy.export.chip.check_on_chip import check_on_chip
from snn_deploy.hardware_profiles.model_error import error_item
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.report.charts import Chart, as_chart
from snn_deploy.report.findings import Fit, FullCores, OnChip
from snn_deploy.support.counted import counted

_SHAPES = 400  # cores that are drawn as shapes; more of them become one image, which is smaller


def chip_facts(
    network: IntegerNetwork,
    chip: HardwareProfile,
    spikes: Mapping[str, np.ndarray],
    inputs: np.ndarray,
    exits: ExitMeasures | None = None,
) -> Fit:
    """Return what `network` is like on `chip`. spikes: as mean_spikes gives them, of `inputs` (see
    simulation.as_frames). exits: where these samples stop early, or None.

    The placement is the one of snn-deploy map with these spikes and seed 0.
    """
    title = chip.title.split(";")[0]  # what follows are its reservations; the sources repeat them
    if refused := check_on_chip(network, chip):
        others = (
            f"{s.what} ({counted(s.cores, 'core')}, {counted(s.chips, 'chip')})"
            for s in other_chips(network, chip, None)
        )
        return Fit(chip.name, title, refused, tuple(others), (), None, ())
    found = partition(network, chip)
    if found.violations:
        tried = (
            f"{s.what} ({counted(s.cores, 'core')}, {counted(s.chips, 'chip')})"
            for s in suggestions(network, chip, found, None)
        )
        return Fit(
            chip.name,
            title,
            tuple(map(str, found.violations)),
            tuple(tried),
            not_counted(chip, found.storage),
            None,
            (),
        )
    placed = place(network, chip, spikes, parts=found)
    placement = placed.placement
    events = measured_events(network, placement, inputs, chip)
    times = latency(events, chip)
    costs = None
    if exits is not None:
        stopped = measured_events(network, placement, inputs, chip, exits=exits.steps)
        costs = chip_exit_costs(network, events, stopped, exits, chip)
    most = {name: (max(use[name] for use in found.uses), *limit) for name, limit in limits(chip).items()}
    on_chip = OnChip(
        cores=len(found.cores),
        chips=placement.chips,
        least_cores=lower_bound(network, chip).cores,
        blocks=dict(Counter(part.population for core in found.cores for part in core)),
        limits=most,
        abbreviations=chip.abbreviations(source for _, _, source in most.values()),
        full=_full(found, chip),
        energies=event_energy(network, events, chip),
        times=times,
        busiest=tuple(
            (_layers(placement.cores[core].slices), core, time, float(link))
            for core, time, link in zip(
                times.busiest_cores, times.their_times, events.busiest_links.mean(axis=0), strict=True
            )
        ),
        picture=_picture(network, placement, found, placed.traffic, chip),
        exits=costs,
    )
    held = ("cores", "dynamic_energy", "total_energy", *times_with_errors(chip))
    errors = tuple(error_item(chip, what) for what in held)
    return Fit(chip.name, title, (), (), not_counted(chip, found.storage), on_chip, errors)


def _full(found: Partition, chip: HardwareProfile) -> tuple[FullCores, ...]:
    """Return the cores in groups: those of the same layers that are full of the same resource."""
    groups: dict[tuple[str, str], list[float]] = {}
    for core, use in zip(found.cores, found.uses, strict=True):
        resource, share = bottleneck(use, chip)
        groups.setdefault((_layers(core), resource), []).append(share)
    return tuple(
        FullCores(layers, resource, len(shares), min(shares), max(shares))
        for (layers, resource), shares in groups.items()
    )


def _layers(slices: Iterable) -> str:
    return ", ".join(dict.fromkeys(part.population for part in slices))


def _picture(
    network: IntegerNetwork, placement: Placement, found: Partition, traffic: csr_matrix, chip: HardwareProfile
) -> Chart:
    loads = [bottleneck(use, chip)[1] for use in found.uses]
    figure = mesh_picture(placement, [p.name for p in network.populations], loads, traffic, chip, "")
    for axes in figure.axes:
        for artist in axes.collections:
            artist.set_rasterized(len(loads) > _SHAPES or isinstance(artist, QuadMesh))  # the mesh of a colour bar
    words = (
        "Coloured by load in the first picture, by layer in the second; the mean core is full to "
        f"{100 * np.mean(loads):.0f} % of what fills it most. Lines are links, coloured by the spikes that cross them."
    )
    return as_chart(f"Cores on the mesh of {chip.name}", words, figure)
