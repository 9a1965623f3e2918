import numpy as np
import pytest

from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.fitting.accounting import Accounting, Measures, Targets
from snn_deploy.fitting.planned_network import planned_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.train.models import layer_string

CHIP = load_profile("loihi2")


def network(layers, shape=(1, 28, 28)):
    return planned_network(layer_string.Model(layers).plan(shape, 10), 4)


def test_a_network_without_channels_takes_what_the_smaller_one_takes():
    removed = {"conv1": np.arange(16) >= 7, "conv2": np.arange(32) % 2 == 0}
    found = Accounting(network("16C3-P2-32C3-P2-10"), CHIP).measures(removed)
    assert found == Accounting(network("7C3-P2-16C3-P2-10"), CHIP).measures()


def test_cores_are_those_of_the_mapping_and_their_busiest_is_its_busiest():
    whole, rng = network("8C3-P2-10"), np.random.default_rng(0)
    spikes = {
        name: rng.random((4, *shape))
        for name, shape in (("input", (1, 28, 28)), *((p.name, p.shape) for p in whole.populations))
    }
    found = Accounting(whole, CHIP, spikes=spikes).measures()
    cores = partition(whole, CHIP).cores
    assert (found.cores, found.chips) == (len(cores), 1)
    assert found.busiest is not None
    quiet = {name: 0 * counts for name, counts in spikes.items()}
    idle = Accounting(whole, CHIP, spikes=quiet).measures().busiest
    most = max(sum(part.neurons for part in core) for core in cores)
    assert idle == pytest.approx(most * CHIP.number("latency.neuron_update_inactive"), rel=1e-3)
    assert found.busiest > idle


@pytest.mark.parametrize(
    ("measures", "excess"),
    [
        (Measures(6, 1, 4e-6), 0),
        (Measures(9, 1, 4e-6), 0.5),
        (Measures(9, 3, 6e-6), 0.5 + 0.5 + 0.5),
        (Measures(1, 1), 0),
    ],
)
def test_the_excess_is_a_share_of_every_limit(measures, excess):
    assert measures.excess(Targets(6, 2, 4e-6)) == pytest.approx(excess)


def test_what_does_not_fit_at_all_is_further_away_than_everything_else():
    found = Accounting(network("20000-10"), CHIP).measures()
    assert found.violations
    assert found.excess(Targets()) > Measures(900, 900).excess(Targets(1, 1))
