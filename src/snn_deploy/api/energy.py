"""energy: estimates of a sample's energy from measured spikes: arithmetic as papers count it, or a chip's events."""

import math
from pathlib import Path

import numpy as np

from snn_deploy.api.energy_result import ArithmeticEnergy, ChipEnergy, Energy
from snn_deploy.api.exits import Exits, policy_for, stopped
from snn_deploy.api.run import RunResult
from snn_deploy.api.sources import Chosen, Data, Network, chip_of, choose, integer_network
from snn_deploy.deploy.energy.arithmetic_estimates import arithmetic_estimates
from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import core_events, measured_events
from snn_deploy.deploy.energy.exit_costs import ExitCosts, arithmetic_exit_costs, chip_exit_costs
from snn_deploy.deploy.energy.latency import Latency
from snn_deploy.deploy.energy.latency import latency as latency_of
from snn_deploy.deploy.energy.paper_estimate import require_op_energy
from snn_deploy.deploy.energy.reading import reading_time
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.exits.run_with_exits import run_with_exits
from snn_deploy.deploy.mapping.cores.placement import Placement, read_placement
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.mean_spikes import mean_of_recorded, mean_spikes, recorded_spikes
from snn_deploy.export.chip.check_on_chip import require_on_chip
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch


def energy(
    network: Network,
    inputs: Data | RunResult = None,
    *,
    profile: str = "cmos45",
    samples: int = 0,
    placement: Placement | str | Path | None = None,
    seconds: float | None = None,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> Energy:
    """Return estimates of the energy of one sample of `network`: an ArithmeticEnergy, or a ChipEnergy of a chip.

    Parameters
    ----------
    network
        An exported network, its file or its folder.
    inputs, samples
        What spikes are measured on, as of `run`; or the result of a run (for a chip, one with record=True).
    profile
        "cmos45": arithmetic as the papers count it, in 8-bit integers, and with memory, beside the equal ANN. A chip,
        such as "loihi2": events on its cores and links, and the time of a sample. A name, or a TOML file.
    placement
        Where the chip's cores lie; None is the placement that `place` makes for these spikes.
    seconds
        How long the input of a sample lasts: gives the energy of a second of input as well.
    exits
        Let each sample stop as this policy, or its file, says (see sd.exits): everything is up to the exits, with what
        reading the output in every step takes, beside the same samples in all their steps.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a network that does not fit the chip, a placement of another network, inputs that it does not take.

    Notes
    -----
    Every term is a count times a unit cost, in joules, with the source of the cost. No estimate is a measurement.
    """
    whole, found = integer_network(network), load_profile(profile)
    if found.kind == "neurocore":
        return chip_energy(whole, inputs, found, placement, samples=samples, seconds=seconds, exits=exits, watch=watch)
    if placement is not None:
        raise UserError(f"--placement {placement}; allowed with the profile of a chip, such as --profile loihi2.")
    require_op_energy(found)
    policy = _policy(whole, inputs, exits)
    if isinstance(inputs, RunResult):
        steps = inputs.exit_steps
        estimates = arithmetic_estimates(whole, inputs.simulation, found, steps)
        taken = None if steps is None else ExitCosts(whole.steps, steps)
        return ArithmeticEnergy(found, estimates, len(inputs.outputs), whole.steps, seconds, taken)
    chosen = choose(whole, inputs, samples)
    with watch.progress("spikes", chosen.count) as advance:
        simulation = load_backend("cpu").run(whole, chosen.shown, progress=advance)
    estimates = arithmetic_estimates(whole, simulation, found)
    if policy is None:
        return ArithmeticEnergy(found, estimates, chosen.count, whole.steps, seconds, None)
    _, measures = stopped(whole, chosen, policy, watch)
    with watch.progress("spikes up to the exits", chosen.count) as advance:
        early = run_with_exits(whole, chosen.shown, policy, load_backend("cpu"), advance)
    up_to_exits = arithmetic_estimates(whole, early.simulation, found, early.steps)
    costs = arithmetic_exit_costs(whole, early.steps, estimates, up_to_exits, measures)
    return ArithmeticEnergy(found, up_to_exits, chosen.count, whole.steps, seconds, costs)


def latency(
    network: Network,
    inputs: Data | RunResult = None,
    *,
    chip: str | None = None,
    samples: int = 0,
    placement: Placement | str | Path | None = None,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> Latency:
    """Return how long one sample of `network` takes on `chip`, in seconds; see `energy` for the parameters.

    With exits, up to them, and with an embedded processor that reads the output in every step.

    chip: a hardware profile; None is the one that the network was exported for.
    """
    whole = integer_network(network)
    found = chip_energy(whole, inputs, chip_of(whole, chip), placement, samples=samples, exits=exits, watch=watch)
    return found.latency


def chip_energy(
    network: IntegerNetwork,
    inputs: Data | RunResult,
    chip: HardwareProfile,
    placement: Placement | str | Path | None = None,
    *,
    samples: int = 0,
    seconds: float | None = None,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> ChipEnergy:
    """Return what a sample costs on `chip`; see `energy` for the parameters."""
    policy = _policy(network, inputs, exits)
    chosen = None if isinstance(inputs, RunResult) else choose(network, inputs, samples)
    if placement is not None:
        found = _of_this(network, chip, placement)
    else:
        found = _placed(network, chip, _mean_spikes(network, inputs, chosen, watch))
    costs, reading = None, 0.0
    if isinstance(inputs, RunResult):
        count, events = len(inputs.outputs), core_events(network, found, [recorded_spikes(inputs.simulation)], chip)
    else:
        assert chosen is not None
        count = chosen.count
        with watch.progress("events", count) as advance:
            events = measured_events(network, found, chosen.shown, chip, advance)
        if policy is not None:
            steps, measures = stopped(network, chosen, policy, watch)
            with watch.progress("events up to the exits", count) as advance:
                early = measured_events(network, found, chosen.shown, chip, advance, steps)
            costs = chip_exit_costs(network, events, early, measures, chip)
            events, reading = early, reading_time("embedded processor", math.prod(network.output.shape), chip)
    return ChipEnergy(
        chip,
        event_energy(network, events, chip),
        count,
        network.steps,
        seconds,
        costs,
        found,
        events,
        latency_of(events, chip, reading),
        network.input.largest_value,
    )


def _policy(network: IntegerNetwork, inputs: Data | RunResult, exits: Exits) -> ExitPolicy | None:
    """Return the policy `exits` for `network`; one for a run that is done is a UserError."""
    if exits is None:
        return None
    if isinstance(inputs, RunResult):
        raise UserError("exits: go with inputs, not with a run that is done. Give the inputs, or a run with exits.")
    return policy_for(network, exits)


def _mean_spikes(
    network: IntegerNetwork, inputs: Data | RunResult, chosen: Chosen | None, watch: Watch
) -> dict[str, np.ndarray]:
    if isinstance(inputs, RunResult):
        return mean_of_recorded(inputs.simulation)
    assert chosen is not None
    with watch.progress("spikes", chosen.count) as advance:
        return mean_spikes(network, chosen.shown, advance)


def _placed(network: IntegerNetwork, chip: HardwareProfile, spikes: dict[str, np.ndarray]) -> Placement:
    """Return the placement that `place` makes for these spikes."""
    require_on_chip(network, chip)
    parts = partition(network, chip)
    if parts.violations:
        raise UserError(
            f"energy on {chip.name}: the network does not fit ({parts.violations[0]}). "
            f"Call snn-deploy map --profile {chip.name} for all of it and for what would fit."
        )
    return place(network, chip, spikes, parts=parts).placement


def _of_this(network: IntegerNetwork, chip: HardwareProfile, placement: Placement | str | Path) -> Placement:
    found = placement if isinstance(placement, Placement) else read_placement(Path(placement))
    if found.network_digest != network.digest or found.profile != chip.name:
        where = "placement" if isinstance(placement, Placement) else placement
        raise UserError(
            f"{where}: is for another network or chip ({found.profile}). Make one with snn-deploy map --out, "
            f"--profile {chip.name}, from this network."
        )
    return found
