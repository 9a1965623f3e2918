"""energy_models: a network's energy by every model side by side, and the table that goes into a paper."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from snn_deploy.api.energy import chip_energy, energy
from snn_deploy.api.neurobench import VERSION, neurobench
from snn_deploy.api.sources import Data, Network, choose, integer_network
from snn_deploy.deploy.energy.energy_model import EnergyModel
from snn_deploy.deploy.energy.energy_table import error_text, nano, table_files
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate, energy_of_counts
from snn_deploy.deploy.energy.spikingjelly_estimates import spikingjelly_estimates
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.mean_spikes import recorded_spikes
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.hardware_profiles.model_error import model_error
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.atomic_file import write_files
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_OF_SPIKINGJELLY = 8  # samples: each of its models runs every one of them in Python
_EVENTS = {
    "loihi1": ("Loihi 1", "davies2018loihi", "sanafe"),
    "loihi2": ("Loihi 2", "davies2018loihi", "halapoint2024", "lavadl"),
}


@dataclass(frozen=True, repr=False)
class EnergyModels(Result):
    """Estimates of the energy of one sample by several models, in joules, means over samples.

    samples, steps: what was measured on. differing: share of the spikes that SpikingJelly's neurons make otherwise, as
    they do not round. digest: of the network. files: the table and its citations, where they were written.
    """

    models: tuple[EnergyModel, ...]
    samples: int
    steps: int
    differing: float | None
    digest: str
    files: tuple[Path, ...] = ()

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest estimate without static power, J a sample."""
        ends = [joules for m in self.models if m.dynamic is not None for joules in m.dynamic]
        return min(ends), max(ends)

    def headline(self) -> str:
        """Return the range, and how far its ends are apart."""
        least, most = self.range
        apart = f", {most / least:,.0f} times apart" if least > 0 else ""
        many = counted(sum(m.dynamic is not None for m in self.models), "model")
        return f"{nano(self.range)} nJ a sample by {many}{apart}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the range, then every model with its sources, then those that do not take this network and why."""
        estimated = [m for m in self.models if m.dynamic is not None]
        rows = tuple((m.name, nano(m.dynamic), nano(m.total), error_text(m.error)) for m in estimated)
        titles = ("model", "nJ a sample", "with static power", "error on silicon")
        return (
            f"energy: {self.headline()}",
            *(f"  {line}" for line in self._made_from()),
            Table(titles, rows),
            *(f"  {m.name}: {m.counted}{f' ({m.node})' if m.node else ''}" for m in estimated),
            *(f"{m.name}: not estimated. {m.why}" for m in self.models if m.dynamic is None),
            "None is a measurement. Error on silicon: of networks that others measured on that chip "
            "(snn-deploy help silicon).",
            *(f"wrote {file}" for file in self.files),
        )

    def _made_from(self) -> tuple[str, ...]:
        made = (
            f"mean of {counted(self.samples, 'sample')}, {counted(self.steps, 'step')} each; "
            f"network {self.digest[:12]}; snn-deploy {version('snn-deploy')}"
        )
        if self.differing is None:  # none of SpikingJelly's models ran
            return (made,)
        differing = f", {100 * self.differing:.2g} % of whose spikes differ" if self.differing else ""
        return made, f"SpikingJelly's models: mean of the first {min(self.samples, _OF_SPIKINGJELLY)}{differing}"

    def to_dict(self) -> dict[str, object]:
        """Return every model with its range, error and citations; energies in joules."""
        return {
            "samples": self.samples,
            "steps": self.steps,
            "unit": "J per sample",
            "range": list(self.range),
            "models": [m.to_dict() for m in self.models],
            "spikingjelly_spikes_that_differ": self.differing,
            "files": [str(file) for file in self.files],
        }

    def save(self, path: str | Path) -> "EnergyModels":
        """Return the result with its `files`, after writing a .tex or .csv table, and a .bib file beside it."""
        contents = table_files(self.models, Path(path), self._made_from())
        write_files(contents)
        return replace(self, files=tuple(contents))


def energy_models(
    network: Network,
    inputs: Data = None,
    *,
    samples: int = 0,
    chips: Sequence[str] = tuple(_EVENTS),
    watch: Watch = SILENT,
) -> EnergyModels:
    """Return the energy of one sample of `network` by every model: of papers, of other tools, of events on chips.

    Parameters
    ----------
    network
        An exported network, its file or its folder.
    inputs, samples
        As of `run`.
    chips
        Whose events are estimated: names of hardware profiles.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For inputs that the network does not take, or a chip without a profile. A model that does not take the network
        is no error: its row says why.
    """
    whole = integer_network(network)
    chosen = choose(whole, inputs, samples)
    found = [*_arithmetic(whole, chosen.shown, watch), _of_neurobench(whole, chosen.shown, watch)]
    jelly, differing = _of_spikingjelly(whole, chosen.first(_OF_SPIKINGJELLY).shown, watch)
    found += [*jelly, *(_of_chip(whole, chosen.shown, chip, watch) for chip in chips)]
    return EnergyModels(tuple(found), chosen.count, whole.steps, differing, whole.digest)


def _arithmetic(network: IntegerNetwork, shown: np.ndarray, watch: Watch) -> list[EnergyModel]:
    """Return the papers' convention, integers, and integers with memory."""
    paper, integers, memory, _ = energy(network, shown, watch=watch).estimates

    def row(name: str, counted_: str, estimate: EnergyEstimate, *more: str) -> EnergyModel:
        return EnergyModel(
            name, counted_, "45 nm", (estimate.total, estimate.total), None, None, ("horowitz2014", *more)
        )

    return [
        row(
            "papers' convention",
            "additions 0.9 pJ; every pixel multiplied in every step, 4.6 pJ",
            paper,
            "li2021dspike",
        ),
        row("8-bit integers", "the same operations in 8 bits: 0.1 and 0.3 pJ", integers),
        row("integers and memory", "the same, weights, states and tables read from SRAM", memory, "dampfhoffer2023"),
    ]


def _of_neurobench(network: IntegerNetwork, shown: np.ndarray, watch: Watch) -> EnergyModel:
    """Return NeuroBench's effective operations times the costs of the papers' convention."""
    found, costs = neurobench(network, shown, watch=watch), load_profile("cmos45")
    ends = sorted(
        energy_of_counts(o.acs, o.macs, costs) for o in (found.synaptic_operations, found.deployed_operations)
    )
    what = "effective ACs 0.9 pJ, MACs 4.6 pJ" + (": each spike by itself, or pooled ones" if found.is_pooled else "")
    keys = ("yik2025neurobench", "horowitz2014")
    return EnergyModel(f"NeuroBench {VERSION} counts", what, "45 nm", (ends[0], ends[-1]), None, None, keys)


def _of_spikingjelly(
    network: IntegerNetwork, shown: np.ndarray, watch: Watch
) -> tuple[list[EnergyModel], float | None]:
    """Return the models of SpikingJelly, and the share of the spikes that its neurons make otherwise."""
    spikes, frames = recorded_spikes(load_backend("cpu").run(network, shown, record=True)), as_frames(network, shown)
    try:
        with watch.progress("SpikingJelly's models", frames.shape[1]) as advance:
            found, differing = spikingjelly_estimates(network, frames, spikes, advance)
    except UserError as error:
        source = ("fang2023spikingjelly",)
        return [EnergyModel("SpikingJelly's models", "", "", None, None, None, source, str(error))], None
    rows = []
    for e in found:
        energy_of_it = None if e.energy is None else (e.energy, e.energy)
        keys = ("fang2023spikingjelly", e.key)
        name, node = f"SpikingJelly, {e.name}", f"{e.technology} nm"
        rows.append(EnergyModel(name, e.counted, node, energy_of_it, None, None, keys, e.why))
    return rows, differing


def _of_chip(network: IntegerNetwork, shown: np.ndarray, chip: str, watch: Watch) -> EnergyModel:
    """Return the events on a chip's cores and links."""
    profile = load_profile(chip)
    name, *keys = _EVENTS.get(chip, (profile.title,))
    what = "synaptic operations, updates, spikes and hops"
    error = model_error(profile, "dynamic_energy")
    try:
        found = chip_energy(network, shown, profile, watch=watch)
    except UserError as refused:
        return EnergyModel(f"events, {name}", what, "", None, None, error, tuple(keys), str(refused))
    return EnergyModel(f"events, {name}", what, "", found.range, found.range_with_static_power, error, tuple(keys))
