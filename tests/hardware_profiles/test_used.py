"""The list of numbers that the program reads is what it reads, so that a reader knows which ones decide something."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.loops import slow_enough
from helpers.small_network import one_neuron

from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import measured_events
from snn_deploy.deploy.energy.latency import latency
from snn_deploy.deploy.energy.memory_estimates import integer_estimates
from snn_deploy.deploy.energy.paper_estimate import energy_of_counts, estimate_energy
from snn_deploy.deploy.energy.reading import READERS, can_read, reading_time
from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.mapping.checking.fit import suggestions
from snn_deploy.deploy.mapping.checking.lower_bound import lower_bound
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.export.chip.check_on_chip import check_on_chip
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.hardware_profiles.model_error import model_error
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile, profile_names
from snn_deploy.hardware_profiles.used import USED
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation


class Recorded(dict):
    """Quantities that remember which of them were asked for."""

    def __init__(self, quantities):
        super().__init__(quantities)
        self.asked = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


def recording(name: str) -> HardwareProfile:
    profile = load_profile(name)
    return replace(profile, quantities=Recorded(profile.quantities))


def large() -> IntegerNetwork:
    """Two layers on several chips, whatever the chip."""
    shape, one = (1, 900, 900), np.ones((1, 1, 1, 1), int)
    layers = tuple(IntegerPopulation(name, shape, *np.zeros((4, 1), int)) for name in ("first", "out"))
    connections = (IntegerConnection("a", "in", "first", one), IntegerConnection("b", "first", "out", one))
    return IntegerNetwork(IntegerInput("in", shape, 1), layers, connections, 1)


def use_chip(chip: HardwareProfile) -> None:
    """Do with `chip` everything that the program does with one."""
    limits_of(chip, 8)
    soft = one_neuron(steps=3, reset="subtract", loop=(1, 5))
    for network in (soft, *map(random_network, slow_enough(range(25))), large()):
        check_on_chip(network, chip)
        parts = partition(network, chip)
        lower_bound(network, chip)
        if parts.violations:
            continue
        if network.output.name == "out" and len(parts.cores) > 100:
            placement = place_on_mesh(network, parts, chip)
        else:
            placement = place(network, chip, parts=parts).placement
            check_placement(network, placement, chip)
        events = measured_events(network, placement, random_inputs(network, 1, 0), chip)
        event_energy(network, events, chip)
        for tiles in (1, 2, 3, 30):
            latency(replace(events, tiles=tiles), chip)
        event_energy(network, events, chip, alone=False)
        stopped = replace(events, exits=np.array([1]), reads=np.array([1]))
        for reader in READERS:
            if can_read(reader, chip):
                event_energy(network, stopped, chip, reader=reader)
                latency(stopped, chip, reading_time(reader, 1, chip))
        for quantity in ("cores", "dynamic_energy", "total_energy"):
            model_error(chip, quantity)
    list(suggestions(one_neuron(steps=1), chip, partition(one_neuron(steps=1), chip), None))


def use_costs(costs: HardwareProfile) -> None:
    network = random_network(3)
    found = load_backend("cpu").run(network, random_inputs(network, 1, 0))
    graded = replace(network, input=replace(network.input, largest_value=255))
    for net in (network, graded):
        estimate_energy(net, found.synaptic_operations, costs)
        integer_estimates(net, found.synaptic_operations, found.spike_counts, costs)
    energy_of_counts(1, 1, costs)


@pytest.mark.parametrize("name", profile_names())
def test_what_is_listed_as_used_is_what_the_program_asks_for(name):
    profile = recording(name)
    if profile.kind == "neurocore":
        use_chip(profile)
    else:
        use_costs(profile)
    assert isinstance(profile.quantities, Recorded)
    asked = profile.quantities.asked & set(profile.quantities)
    assert asked == USED[profile.kind] & set(profile.quantities)


def test_every_used_number_is_one_that_a_profile_can_hold():
    for kind, names in USED.items():
        known = {
            n for profile in map(load_profile, profile_names()) if profile.kind == kind for n in profile.quantities
        }
        assert names <= known
