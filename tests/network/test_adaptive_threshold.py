"""Thresholds that rise with each spike: by hand, within their bits, in files, and from floats to integers."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.random_float_network import random_float_network, random_pixels, with_adaptation
from helpers.small_network import frames, one_neuron
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.backends import cpu, onnx, reference
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.export.chip.check_on_chip import check_on_chip
from snn_deploy.export.passes.even_thresholds import even_thresholds
from snn_deploy.export.proof.prove_bounds import prove_bounds
from snn_deploy.export.targets.loihi import content
from snn_deploy.export.to_integer_network import ExportOptions, fold, to_integer_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network import float_semantics, integer_network, integer_semantics
from snn_deploy.network.adaptive_threshold import LARGEST_KEEP, largest_rise
from snn_deploy.network.float_network import FloatPopulation, read_float_network, write_float_network
from snn_deploy.network.integer_network import read_integer_network, write_integer_network
from snn_deploy.network.state_units import LARGEST_STATE
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.array_file import read_array_file
from snn_deploy.support.user_error import UserError

BACKENDS = pytest.mark.parametrize("backend", [reference, cpu, onnx], ids=["reference", "cpu", "onnx"])
seeds = st.integers(0, 2**32 - 1)


def spikes(backend, network, values):
    found: Simulation = backend.run(network, frames(values), record=True)
    return found.spikes["out"].ravel().tolist()


@BACKENDS
def test_a_spike_raises_the_threshold_from_the_next_step_on_and_the_rise_sinks_back(backend):
    network = one_neuron(10, steps=7, threshold=5, voltage_keep=0, threshold_step=640, threshold_keep=2048)
    # The potential is 640 in each step, the threshold 320 and the rises before the steps 0, 640, 320 (at it: silent),
    # 160, 720, 360, 180.
    assert spikes(backend, network, [1] * 7) == [1, 0, 0, 1, 0, 0, 1]
    rises = [s["out"].rise.item() for s in integer_semantics.steps(network, frames([1] * 7))]
    assert rises == [640, 320, 160, 720, 360, 180, 730]


@BACKENDS
def test_a_soft_reset_takes_the_threshold_off_without_its_rise(backend):
    network = one_neuron(3, steps=5, threshold=2, reset="subtract", threshold_step=128, threshold_keep=0)
    # 192 fires, 256 does not with a rise of 128, 448 fires, 512 leaves 384: enough for another spike above 256.
    assert spikes(backend, network, [1, 1, 1, 1, 0]) == [1, 0, 1, 1, 1]


@given(keep=st.integers(0, LARGEST_KEEP))
@settings(max_examples=30)
def test_the_rise_of_a_neuron_that_always_fires_stays_within_what_is_proved(keep):
    step = LARGEST_STATE * (4096 - keep) // 4096  # the largest that is allowed
    most = int(largest_rise(np.array([step]), np.array([keep]))[0])
    rise = np.zeros(1, np.int64)
    for _ in range(300):
        rise = integer_semantics.kept(rise, np.array([keep])) + step
        assert rise <= most <= LARGEST_STATE


def test_a_rise_beyond_24_bits_is_refused_with_what_to_do():
    one_neuron(1, steps=1, threshold_step=2047, threshold_keep=LARGEST_KEEP)
    with pytest.raises(UserError, match=r"threshold_step 2048 .* raises the threshold by up to 8388608; allowed is"):
        one_neuron(1, steps=1, threshold_step=2048, threshold_keep=LARGEST_KEEP)
    with pytest.raises(UserError, match=r"threshold_keep 4096\.\.4096; allowed is 0\.\.4095"):
        one_neuron(1, steps=1, threshold_step=1, threshold_keep=4096)
    with pytest.raises(UserError, match=r"threshold_step 0\.1\.\.0\.1 with threshold_keep 1\.\.1"):
        FloatPopulation("out", (1,), 1.0, 0.5, 0.0, threshold_step=0.1, threshold_keep=1.0)


def test_what_has_no_effect_is_left_out_of_the_network_and_its_file():
    plain = one_neuron(1, steps=1)
    assert one_neuron(1, steps=1, threshold_keep=9).digest == plain.digest
    silent = one_neuron(1, steps=1, fires=False)
    assert one_neuron(1, steps=1, fires=False, threshold_step=9).digest == silent.digest
    assert one_neuron(1, steps=1, threshold_step=9).digest != plain.digest


def test_a_file_says_by_its_version_that_an_older_reader_would_leave_the_adaptation_out(tmp_path):
    network = one_neuron(1, steps=2, threshold_step=9, threshold_keep=3)
    path = tmp_path / "network.npz"
    write_integer_network(network, path)
    with pytest.raises(UserError, match="format version 3; this program reads version 2"):
        read_array_file(path, integer_network.KIND, integer_network.VERSION)
    assert read_integer_network(path).digest == network.digest
    write_integer_network(one_neuron(1, steps=2), path)
    read_array_file(path, integer_network.KIND, integer_network.VERSION)


def test_a_network_in_floats_survives_its_file_and_is_refused_by_an_older_reader(tmp_path):
    rng = np.random.default_rng(1)
    network, path = with_adaptation(random_float_network(rng), rng), tmp_path / "network.npz"
    write_float_network(network, path)
    for before, after in zip(network.populations, read_float_network(path).populations, strict=True):
        np.testing.assert_array_equal(before.threshold_step, after.threshold_step)
        np.testing.assert_array_equal(before.threshold_keep, after.threshold_keep)
    with pytest.raises(UserError, match="format version 3; this program reads version 2"):
        read_array_file(path, "snn-deploy FloatNetwork", 2)


def test_a_silent_potential_may_stand_as_high_as_the_highest_threshold():
    # 8 (512) fires above 1, then the threshold is 1 and a rise of 24: 16 is silent, 24 too, 32 would not be: at most
    # 25 is left, and 8 arrive.
    network = one_neuron(8, steps=9, threshold=1, threshold_step=24 * 64, threshold_keep=0)
    network = replace(network, input=replace(network.input, largest_value=1))
    assert prove_bounds(network)["out"].highest_potential.item() == (25 + 8) * 64
    potentials = integer_semantics.run(network, frames([1] * 9)).potentials["out"]
    assert potentials.max() == 16 * 64


@given(seed=seeds, bits=st.sampled_from([8, 4]), per_channel=st.booleans())
@settings(max_examples=20, deadline=None)
def test_integers_do_exactly_what_floats_with_the_same_numbers_do(seed, bits, per_channel):
    rng = np.random.default_rng(seed)
    # With three steps a potential of 1/64 units has no decay that rounds, and a rise of whole units none either.
    network = with_adaptation(replace(fold(random_float_network(rng)), steps=3), rng)
    export = to_integer_network(network, Limits(bits, per_channel))
    populations = tuple(
        replace(p, threshold_step=i.threshold_step / 64 * export.fits[p.name].units)
        for p, i in zip(network.populations, export.network.populations, strict=True)
    )
    connections = tuple(
        replace(c, weights=i.weights * units.reshape(-1, *[1] * (i.weights.ndim - 1)) * 2.0**i.exponent)
        for c, i in zip(network.connections, export.network.connections, strict=True)
        for units in [export.fits[c.target].units]
    )
    same = replace(network, populations=populations, connections=connections)
    shown = random_pixels(rng, network)
    floats, integers = float_semantics.run(same, shown), integer_semantics.run(export.network, shown)
    for p in network.populations:
        np.testing.assert_array_equal(integers.spikes[p.name], floats.spikes[p.name])
        found, unit = export.network.populations, export.fits[p.name].units / 64
        step = next(i.threshold_step for i in found if i.name == p.name)
        assert (np.abs(step * unit - p.threshold_step) <= unit / 2).all()


@pytest.mark.parametrize("seed", range(8))
def test_one_threshold_for_each_layer_changes_no_spike(seed):
    rng = np.random.default_rng(seed)
    network = with_adaptation(fold(random_float_network(rng, rich=True), "bias"), rng)
    frames_shown = random_pixels(rng, network, 2)
    before, after = (float_semantics.run(n, frames_shown) for n in (network, even_thresholds(network)))
    for p in network.populations:
        np.testing.assert_array_equal(after.spikes[p.name], before.spikes[p.name])


def test_a_keep_that_is_no_whole_number_of_4096ths_is_rounded_when_asked_and_never_up_to_all():
    rng = np.random.default_rng(2)
    network = random_float_network(rng)
    for keep, whole in ((0.3, 1229), (0.99999, LARGEST_KEEP)):
        populations = tuple(
            replace(p, threshold_step=0.1, threshold_keep=keep) if p.fires else p for p in network.populations
        )
        learned = replace(network, populations=populations)
        with pytest.raises(UserError, match=f"threshold_keep {keep} is .*Train with 0.*--round-decays"):
            to_integer_network(learned, Limits())
        export = to_integer_network(learned, Limits(), ExportOptions(may_round_decays=True))
        assert export.network.populations[0].threshold_keep.tolist() == [whole] * network.populations[0].shape[0]


def test_a_chip_without_programmable_neurons_and_lava_dls_file_refuse_it():
    network = one_neuron(1, steps=1, threshold_step=9)
    spiking = replace(network, input=replace(network.input, largest_value=1))
    assert check_on_chip(spiking, load_profile("loihi2")) == ()
    (sentence,) = check_on_chip(spiking, load_profile("loihi1"))
    assert "population 'out': a threshold that its spikes raise; loihi1 has constant ones alone." in sentence
    with pytest.raises(UserError, match=r"netx cannot hold population 'out' with a threshold .* --backend lava"):
        content(network)
