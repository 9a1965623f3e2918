"""Energy and time up to the exits: in the Python API and on the command line, of arithmetic and of chips."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.cli_help import snn_deploy

import snn_deploy as sd
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.network.integer_network import read_integer_network

SAMPLES = 40


@pytest.fixture(scope="module")
def network(exported):
    return read_integer_network(exported / "network.npz")


@pytest.fixture(scope="module")
def file(exported, tmp_path_factory):
    return sd.exits(exported, allowed_loss=0.03).save(tmp_path_factory.mktemp("exits") / "exits.json").file


@pytest.fixture(scope="module")
def mixed(network):
    """A policy by which about half of the samples stop in the first step, and the others in the last."""
    margins = []
    for image in range(SAMPLES):
        outputs = np.sort(sd.run(replace(network, steps=1), samples=image + 1).outputs[image])
        margins.append(int(outputs[-1] - outputs[-2]))
    return ExitPolicy(network.digest, "margin", (int(np.median(margins)), None))


def test_arithmetic_is_counted_up_to_the_exits(network, mixed):
    ran = sd.run(network, samples=SAMPLES, exits=mixed)
    assert set(ran.exit_steps) == {1, 3}
    found, whole = sd.energy(network, samples=SAMPLES, exits=mixed), sd.energy(network, samples=SAMPLES)
    (compared,) = found.exits.compared
    np.testing.assert_array_equal(found.exits.steps, ran.exit_steps)
    assert found.exits.measures.accuracy == ran.accuracy
    for estimate, full in zip(found.estimates, whole.estimates, strict=True):
        assert estimate.total < full.total
        assert estimate.of_samples.shape == full.of_samples.shape == (SAMPLES,)
        late = ran.exit_steps == network.steps
        np.testing.assert_allclose(estimate.of_samples[late], full.of_samples[late])
        assert (estimate.of_samples[~late] < full.of_samples[~late]).all()
    assert compared.whole.energy[0] == pytest.approx(whole.range)
    assert compared.stopped.energy[0] == pytest.approx(found.range)
    assert compared.whole.time is None
    # The dense first layer multiplies every pixel in every step that is taken.
    first = found.paper.spiking[0], whole.paper.spiking[0]
    assert first[0].count == pytest.approx(first[1].count * ran.steps / network.steps)


def test_a_run_that_stopped_early_is_charged_for_the_steps_that_it_took(network, mixed):
    ran = sd.run(network, samples=SAMPLES, exits=mixed)
    found = sd.energy(network, ran)
    assert found.range == pytest.approx(sd.energy(network, samples=SAMPLES, exits=mixed).range)
    assert f"{ran.steps:.2f} of {network.steps} steps on average" in str(found)
    with pytest.raises(sd.UserError, match="go with inputs, not with a run that is done"):
        sd.energy(network, ran, exits=mixed)


def test_a_chip_takes_the_steps_to_the_exit_the_way_to_the_output_and_the_reading(network, mixed):
    chip = "loihi2"
    found = sd.energy(network, samples=SAMPLES, profile=chip, exits=mixed)
    whole = sd.energy(network, samples=SAMPLES, profile=chip)
    exits = sd.run(network, samples=SAMPLES, exits=mixed).exit_steps
    np.testing.assert_array_equal(found.events.exits, exits)
    np.testing.assert_array_equal(found.events.chip_steps, exits + 2)  # three layers
    near, host = found.exits.compared
    assert (near.reader, host.reader) == ("embedded processor", "host")
    assert near.stopped.energy[0] == pytest.approx(found.range)
    assert near.stopped.time == (found.latency.sample, found.latency.sample_median, found.latency.sample_p99)
    read_once = near.whole.energy[0][0] - whole.range[0]
    assert read_once == pytest.approx(10 * (1.7 + 7 * 3 + 3 * 4) * 1e-12)
    assert host.energy_saved < 1 < near.energy_saved  # the host reads twice, which takes more than is saved
    assert host.time_saved < near.time_saved
    assert sd.latency(network, samples=SAMPLES, chip=chip, exits=mixed) == found.latency
    # The sample that stops in the first step does not cost a third: the first layer takes three steps meanwhile.
    assert near.stopped.energy[1][1] > near.whole.energy[1][1] / 3
    assert found.latency.streamed == found.latency.alone
    text = str(found)
    assert "2 steps of the chip after the first layer's" in text
    assert "read by the host, at most: B18" in text


def test_inputs_without_labels_have_no_accuracy(network, mixed):
    images = np.random.default_rng(0).integers(0, 17, (6, *network.input.shape)).astype(np.uint8)
    found = sd.energy(network, images, profile="loihi2", exits=mixed)
    assert found.exits.measures is None
    assert found.to_dict()["exits"]["measures"] is None
    assert len(found.exits.steps) == 6


@pytest.mark.parametrize("profile", ["cmos45", "loihi2"])
def test_the_verb_prints_both_beside_each_other(exported, file, profile):
    options = ("energy", exported, "--samples", 20, "--profile", profile, "--exits", file)
    result = snn_deploy(*options, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["exits"]
    expected = sd.energy(exported, samples=20, profile=profile, exits=file).to_dict()["exits"]
    assert found == json.loads(json.dumps(expected))
    assert found["steps"].keys() == {"mean", "median", "p99"}
    assert all(c["all_steps"]["energy"].keys() == {"mean", "median", "p99"} for c in found["compared"])
    assert "to the exits" in result.stderr


def test_exits_of_another_network_are_refused(exported, network, mixed):
    with pytest.raises(sd.UserError, match="another network"):
        sd.energy(replace(network, steps=2), samples=3, exits=mixed)
