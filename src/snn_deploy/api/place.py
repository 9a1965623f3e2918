"""place: an exported network on the cores of a chip: whether it fits, what fills the cores, where each core lies."""

import io
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from snn_deploy.api.energy import chip_energy
from snn_deploy.api.energy_result import ChipEnergy
from snn_deploy.api.exits import Exits
from snn_deploy.api.run import RunResult
from snn_deploy.api.sources import Data, Network, chip_of, choose, integer_network
from snn_deploy.api.trade import Trade
from snn_deploy.deploy.energy.core_loads import core_loads
from snn_deploy.deploy.energy.latency import Latency
from snn_deploy.deploy.energy.neuron_times import neuron_times
from snn_deploy.deploy.mapping.checking.bottleneck import bottleneck
from snn_deploy.deploy.mapping.checking.fit import Suggestion, other_chips, suggestions
from snn_deploy.deploy.mapping.checking.layer_uses import layer_uses
from snn_deploy.deploy.mapping.checking.lower_bound import LowerBound, lower_bound
from snn_deploy.deploy.mapping.cores.placement import Placement, Storage, require_storage, write_placement
from snn_deploy.deploy.mapping.cutting.even_partitions import even_partitions
from snn_deploy.deploy.mapping.cutting.partition import Partition, Violation, partition
from snn_deploy.deploy.mapping.memory.resources import limits, not_counted
from snn_deploy.deploy.mapping.place import PlacedNetwork
from snn_deploy.deploy.mapping.place import place as placed_on_cores
from snn_deploy.deploy.mapping.placing.place_on_mesh import chips_needed
from snn_deploy.deploy.running.mean_spikes import mean_of_recorded, mean_spikes
from snn_deploy.deploy.running.memory import require_free
from snn_deploy.export.chip.check_on_chip import check_on_chip
from snn_deploy.hardware_profiles.model_error import error_line
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.core_loads import write_core_loads
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.counted import counted
from snn_deploy.support.picture_file import require_picture
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

Objective = Literal["cores", "latency"]
_DOTS_PER_INCH = 150
_INDEX = 8  # bytes of the index of a core


@dataclass(frozen=True, repr=False)
class PlaceResult(Result):
    """A network on the cores of a chip, or why it does not fit.

    refused: what the chip cannot do at all, one sentence each; then nothing was cut into parts.
    partition: the parts on each core and what they need. placed: where each core lies, or None where it does not fit.
    bound: how many cores any mapping needs, or None. chips_allowed: the most chips there are, or None. suggestions:
    what was tried and would make it fit, where it does not. assumed: which spikes the placement is made for. trade: the
    mapping with the fewest cores beside those with short steps, where that was asked for.
    """

    network: IntegerNetwork
    chip: HardwareProfile
    refused: tuple[str, ...]
    partition: Partition
    placed: PlacedNetwork | None
    bound: LowerBound | None
    chips_allowed: int | None
    suggestions: tuple[Suggestion, ...]
    assumed: str
    trade: Trade | None = None

    @property
    def fits(self) -> bool:
        """Whether the network lies on the cores within the limits of the profile."""
        return self.placed is not None

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The limits that no way of cutting the network keeps."""
        return self.partition.violations

    @property
    def cores(self) -> int:
        """How many cores the network needs; 0 where a limit is broken."""
        return len(self.partition.cores)

    @property
    def chips(self) -> int:
        """How many chips these cores are on."""
        return chips_needed(self.partition, self.chip)

    @property
    def placement(self) -> Placement:
        """Where each core lies; a UserError where the network does not fit."""
        if self.placed is None:
            raise UserError(f"placement: {self.headline()}. Look at .violations and .suggestions.")
        return self.placed.placement

    def energy(
        self, inputs: Data | RunResult = None, *, samples: int = 0, exits: Exits = None, watch: Watch = SILENT
    ) -> ChipEnergy:
        """Return the energy and the time of a sample on these cores; inputs, samples, exits: as of `energy`."""
        return chip_energy(self.network, inputs, self.chip, self.placement, samples=samples, exits=exits, watch=watch)

    def latency(
        self, inputs: Data | RunResult = None, *, samples: int = 0, exits: Exits = None, watch: Watch = SILENT
    ) -> Latency:
        """Return how long a sample takes on these cores; inputs, samples, exits: as of `energy`."""
        return self.energy(inputs, samples=samples, exits=exits, watch=watch).latency

    def save(self, path: str | Path) -> Path:
        """Write the placement to `path` as JSON and return the path."""
        write_placement(self.placement, Path(path))
        return Path(path)

    def save_loads(self, path: str | Path, inputs: Data = None, *, samples: int = 0, watch: Watch = SILENT) -> Path:
        """Write what each neuron's spikes cost the cores to `path`, for the loss `busiest_core`; return the path.

        inputs, samples: whose input is counted, as of `run`. A UserError where the network does not fit.
        """
        placement = self.placement
        mean, _ = _mean_spikes(self.network, None, inputs, samples, watch)
        assert mean is not None  # samples is a number
        write_core_loads(core_loads(self.network, placement, self.chip, mean), Path(path))
        return Path(path)

    def draw(self, path: str | Path) -> Path:
        """Draw the chips to `path`, a .png or .svg, and return the path."""
        from snn_deploy.deploy.mapping.placing.mesh_picture import mesh_picture  # noqa: PLC0415 - matplotlib is slow

        path = Path(path)
        require_picture(path)
        placement = self.placement
        assert self.placed is not None
        loads = [bottleneck(use, self.chip)[1] for use in self.partition.uses]
        title = f"{counted(self.cores, 'core')} on {counted(self.chips, 'chip')}: {self.chip.title}"
        names = [p.name for p in self.network.populations]
        figure = mesh_picture(placement, names, loads, self.placed.traffic, self.chip, title)
        content = io.BytesIO()
        figure.savefig(content, dpi=_DOTS_PER_INCH, format=path.suffix[1:], bbox_inches="tight")
        write_bytes(path, content.getvalue())
        return path

    def headline(self) -> str:
        """Return cores and chips, or that it does not fit."""
        cores, chips = counted(self.cores, "core"), counted(self.chips, "chip")
        if self.fits:
            return f"{cores} on {chips} of {self.chip.title}"
        if self.refused:
            return f"{self.chip.name} cannot run it: {self.refused[0]}"
        if self.violations:
            return f"does not fit: {self.violations[0]}"
        return f"does not fit: {cores} need {chips} of {self.chip.title}; allowed are {self.chips_allowed}"

    def blocks(self) -> tuple[Block, ...]:
        """Return each population's parts, what fills the cores, and the bound; or violations and suggestions."""
        if self.placed is None or self.bound is None:
            return self._blocks_of_no_fit()
        columns = ("population", "neurons", "parts", "at least", "limited by", "its cores are full of")
        keys = ("population", "neurons", "blocks", "at_least", "binds_at_least", "fullest")
        layers = layer_uses(self.network, self.partition, self.bound, self.chip)
        rows = tuple(tuple(_with_commas(asdict(layer)[key]) for key in keys) for layer in layers)
        most, allowed = self._most(), limits(self.chip)
        return (
            Table(columns, rows),
            Table(
                ("resource", "most on a core", "allowed", "source"),
                tuple((name, *map(_with_commas, (most[name], *limit))) for name, limit in allowed.items()),
            ),
            *(f"  {meaning}" for meaning in self.chip.abbreviations(source for _, source in allowed.values())),
            self.headline(),
            f"  {error_line(self.chip, 'cores')}",
            f"  no mapping needs fewer than {self.bound.cores}; with each population in cores of its own, "
            f"{self.bound.alone}",
            f"  spike-hops a sample: {self.placed.hops:.0f}; in the order of the layers "
            f"{self.placed.hops_in_layer_order:.0f} ({self.assumed})",
            *(self.trade.blocks() if self.trade else ()),
            f"  not counted, so a fit is not proved: {'; '.join(not_counted(self.chip, self.partition.storage))}",
        )

    def _blocks_of_no_fit(self) -> tuple[Block, ...]:
        broken = [f"{self.chip.name} cannot run it: {what}" for what in self.refused]
        broken += [f"does not fit: {violation}" for violation in self.violations]
        tried = [
            f"  fits, with {counted(s.cores, 'core')} on {counted(s.chips, 'chip')}: {s.what}" for s in self.suggestions
        ]
        what_else = "other chips" if self.refused else "fewer bits, fewer channels, other chips"
        return (
            *(broken or [self.headline()]),
            *(() if self.refused else ("every grid of rows, columns and channels was tried; what would make it fit:",)),
            *(tried or [f"  nothing that was tried fits: {what_else}"]),
        )

    def _most(self) -> dict[str, int]:
        return {name: max(use[name] for use in self.partition.uses) for name in limits(self.chip)}

    def to_dict(self) -> dict[str, object]:
        """Return cores, chips, bounds and what binds; or violations and suggestions."""
        if self.placed is None or self.bound is None:
            violations = [asdict(v) for v in self.violations]
            facts: dict[str, object] = {"fits": False, "refused": list(self.refused), "violations": violations}
            if not self.violations and not self.refused:
                facts |= {"cores": self.cores, "chips": self.chips, "allowed": self.chips_allowed}
            return facts | {"suggestions": [asdict(s) for s in self.suggestions]}
        bound = self.bound
        layers = [asdict(layer) for layer in layer_uses(self.network, self.partition, bound, self.chip)]
        return {
            "fits": True,
            "cores": self.cores,
            "chips": self.chips,
            "model_error": error_line(self.chip, "cores"),
            "lower_bound": {
                "cores": bound.cores,
                "each_population_alone": bound.alone,
                "by_resource": bound.by_resource,
            },
            "populations": layers,
            "blocks": {str(row["population"]): row["blocks"] for row in layers},
            "most": self._most(),
            "bottlenecks": [
                dict(zip(("resource", "share"), bottleneck(use, self.chip), strict=True)) for use in self.partition.uses
            ],
            "storage": self.partition.storage,
            "not_counted": list(not_counted(self.chip, self.partition.storage)),
            "spike_hops": {"placed": self.placed.hops, "in_layer_order": self.placed.hops_in_layer_order},
            "spikes": self.assumed,
            **({"trade": self.trade.to_dict()} if self.trade else {}),
        }


def place(
    network: Network,
    *,
    chip: str | None = None,
    chips: int | None = None,
    spikes: RunResult | None = None,
    inputs: Data = None,
    samples: int | None = None,
    storage: Storage = "nengo-loihi",
    objective: Objective = "cores",
    seed: int = 0,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> PlaceResult:
    """Return `network` on the cores of `chip`, within the limits of its profile.

    Parameters
    ----------
    network
        An exported network, its file or its folder.
    chip
        A hardware profile of a chip: a name, or a TOML file. None is the chip that the network was exported for.
    chips
        The most chips there are; None is as many as needed.
    spikes
        A run with record=True, whose spikes decide where the cores lie; without it and without `samples`
        every neuron is assumed to fire once.
    inputs, samples
        Measure the spikes on so many of these inputs instead (see `run`).
    storage
        How kernels are stored in synapse memory, where the profile counts its words (Loihi 1): "nengo-loihi", each
        list whole; "margins", where compartments left free at the edges of a block let all axons use one list; or
        "sub-lists", where also the lists at the edges are parts of the inner ones. These take fewer cores, and rest on
        assumptions that no chip has shown, the last on the most (`snn-deploy help mapping`).
    objective
        "cores" takes few cores; "latency" more of those on the chips that these need, or that `chips` allows, so that
        the busiest core has little to do in a step, and takes the mapping whose step is measured to be the shortest.
        That needs spikes that were measured: `spikes`, or `samples`.
    seed
        Of the search for core sites.
    exits
        With objective "latency": time and energy of the mappings are of samples that stop as this policy, or its file,
        says (see sd.exits).
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a profile without cores, or a run without recorded spikes. A network that does not fit is a result, not an
        error.
    """
    whole = integer_network(network)
    profile = chip_of(whole, chip)
    require_storage(storage)
    if exits is not None and objective != "latency":
        raise UserError("--exits: only a placement for latency is timed. Give --for latency, or see snn-deploy energy.")
    neurons = sum(math.prod(p.shape) for p in whole.populations)
    require_free(_INDEX * neurons, f"the places of {neurons} neurons")
    if refused := check_on_chip(whole, profile):
        nothing = Partition((), (), ())
        tried = tuple(other_chips(whole, profile, chips))
        return PlaceResult(whole, profile, refused, nothing, None, None, chips, tried, "")
    found = partition(whole, profile, storage)
    if found.violations or (chips is not None and chips_needed(found, profile) > chips):
        watch.say("does not fit; trying what would make it fit")
        tried = tuple(suggestions(whole, profile, found, chips))
        return PlaceResult(whole, profile, (), found, None, None, chips, tried, "")
    mean, assumed = _mean_spikes(whole, spikes, inputs, samples, watch)
    placed = placed_on_cores(whole, profile, mean, parts=found, seed=seed)
    trade = None
    if objective == "latency":
        if mean is None:
            raise UserError(
                "placing for latency: no spikes were measured. Give samples (--samples N) or a recorded run."
            )
        times, source = neuron_times(whole, mean, profile), inputs if spikes is None else spikes
        even = even_partitions(whole, profile, mean, times, found, chips)
        placed_even = [placed_on_cores(whole, profile, mean, parts=parts, seed=seed) for parts in even]
        fewest, *others = (
            chip_energy(whole, source, profile, these.placement, samples=samples or 0, exits=exits, watch=watch)
            for these in (placed, *placed_even)
        )
        trade = Trade(fewest, tuple(others))
        if trade.quickest is not None:
            found, placed = even[trade.quickest], placed_even[trade.quickest]
    return PlaceResult(whole, profile, (), found, placed, lower_bound(whole, profile), chips, (), assumed, trade)


def _mean_spikes(
    network: IntegerNetwork, spikes: RunResult | None, inputs: Data, samples: int | None, watch: Watch
) -> tuple[dict[str, np.ndarray] | None, str]:
    """Return the spikes of each neuron in each step, and where they are from."""
    if spikes is not None:
        return mean_of_recorded(spikes.simulation), f"measured on {counted(len(spikes.outputs), 'sample')}"
    if samples is None and inputs is None:
        return None, "assumed: each neuron fires once"
    chosen = choose(network, inputs, samples or 0)
    with watch.progress("spikes", chosen.count) as advance:
        return mean_spikes(network, chosen.shown, advance), f"measured on {counted(chosen.count, 'sample')}"


def _with_commas(value: object) -> object:
    return f"{value:,}" if isinstance(value, int) else value
