"""Other exports of the same network are tried as it was exported: for its chip, with its shift and its decays."""

import numpy as np

import snn_deploy
from snn_deploy.export.chip.check_on_chip import check_on_chip
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.report.run_facts import exported_otherwise


def floats(channels: int, keep: float = 1.0) -> FloatNetwork:
    rng = np.random.default_rng(2)
    neurons = FloatPopulation("out", (channels,), 0.5, keep, 0.0)
    weights = rng.normal(size=(channels, 6)) * rng.uniform(0.1, 3.0, (channels, 1))
    return FloatNetwork(FloatInput("in", (6,), 1, 1.0), (neurons,), (FloatConnection("w", "in", "out", weights),), 2)


def test_thresholds_are_as_few_as_a_core_holds():
    source = floats(40)
    for name, most in (("loihi1", 7), ("loihi2", 40)):
        tried = exported_otherwise(snn_deploy.export(source, chip=name).network, source)
        assert set(tried) == {f"weights of {bits} bits with a threshold for each channel" for bits in (8, 6, 4)}
        for network in tried.values():
            assert check_on_chip(network, load_profile(name)) == ()
            assert len(np.unique(network.populations[0].threshold)) <= most


def test_decays_are_rounded_only_where_they_were():
    source = floats(3, keep=0.3)
    rounded = snn_deploy.export(source, round_decays=True).network
    assert len(exported_otherwise(rounded, source)) == 3
    exact = snn_deploy.export(floats(3)).network
    assert exported_otherwise(exact, source) == {}  # these floats could not be exported as that one was
