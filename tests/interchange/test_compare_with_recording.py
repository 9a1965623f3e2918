"""A network that was read is held against what its source did: the first difference is an error with both values."""

from dataclasses import replace
from itertools import pairwise

import nir
import numpy as np
import pytest
from helpers.pilotnet import LAYERS, NETWORK, needs_pilotnet, trace
from helpers.random_nir_network import random_frames, random_nir_network
from hypothesis import given, settings
from hypothesis import strategies as st

import snn_deploy as sd
from snn_deploy.deploy.verification.random_network import NETX, random_inputs, random_network
from snn_deploy.interchange.comparison import SINGLE, SourceComparison
from snn_deploy.network import float_semantics, integer_semantics
from snn_deploy.support.user_error import UserError

STEPS, SAMPLES = 7, 3
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture
def network():
    """Conv into neurons named 'maps', a dense layer 'sub.last' and an output that sums."""
    rng = np.random.default_rng(1)
    neurons = (np.full((2, 4, 4), value) for value in (2e-4, 2.0, 0.0, 0.9))
    nodes = {
        "in": nir.Input({"input": np.array([1, 6, 6])}),
        "conv": nir.Conv2d((6, 6), rng.normal(size=(2, 1, 3, 3)), 1, 0, 1, 1, np.zeros(2)),
        "maps": nir.LIF(*neurons),
        "flat": nir.Flatten({"input": np.array([2, 4, 4])}, 0, -1),
        "fc": nir.Linear(rng.normal(size=(5, 32))),
        "sub last": nir.LIF(*(np.full(5, value) for value in (2e-4, 2.0, 0.0, 0.9))),
        "weights": nir.Linear(rng.normal(size=(3, 5))),
        "sums": nir.Output({"output": np.array([3])}),
    }
    graph = nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False)
    return sd.read_nir(graph, sd.NirReading(steps=STEPS, largest_value=1))


@pytest.fixture
def recorded(network):
    """What its source did, under the names of the file."""
    frames = np.random.default_rng(2).integers(0, 2, (STEPS, SAMPLES, 1, 6, 6))
    found = float_semantics.run(network, frames)
    assert found.spikes["maps"].any() and found.spikes["sub_last"].any()
    spikes = {"maps": found.spikes["maps"], "sub last": found.spikes["sub_last"]}
    return {"inputs": frames, **spikes, "sums": found.potentials["sums"]}


def test_every_recorded_layer_is_compared(network, recorded, tmp_path):
    np.savez(tmp_path / "recording.npz", **recorded)
    result = sd.compare_with_recording(network, tmp_path / "recording.npz")
    assert result == replace(sd.compare_with_recording(network, recorded), source="recording.npz")
    assert [(layer.population, layer.compared) for layer in result.layers] == [
        ("maps", 32 * STEPS * SAMPLES),
        ("sub_last", 5 * STEPS * SAMPLES),
        ("sums", 3 * STEPS * SAMPLES),
    ]
    assert result.layers[0].spikes == recorded["maps"].sum() and result.tolerance == SINGLE
    assert SourceComparison.from_dict(result.to_dict()) == result


def test_neurons_in_a_row_float32_and_potentials_after_the_last_step_are_taken(network, recorded):
    rows = {name: values.reshape(STEPS, SAMPLES, -1).astype(np.float32) for name, values in recorded.items()}
    rows["inputs"] = rows["inputs"].astype(np.float64)
    rows["sums"] = rows["sums"][-1]
    assert sd.compare_with_recording(network, rows).spikes > 0


def test_images_that_are_shown_in_every_step_need_no_steps(network):
    images = np.random.default_rng(3).integers(0, 2, (SAMPLES, 1, 6, 6))
    found = float_semantics.run(network, np.broadcast_to(images, (STEPS, *images.shape)))
    assert sd.compare_with_recording(network, {"inputs": images, "maps": found.spikes["maps"]}).spikes > 0


def test_one_spike_that_differs_is_named_with_layer_step_and_both_values(network, recorded):
    recorded["sub last"][4, 1, 3] = 1 - recorded["sub last"][4, 1, 3]
    recorded["maps"][5, 1, 0, 0, 0] = 1 - recorded["maps"][5, 1, 0, 0, 0]  # comes later
    does = ("does not fire", "fires")
    there = int(recorded["sub last"][4, 1, 3])
    with pytest.raises(UserError) as error:
        sd.compare_with_recording(network, recorded)
    message = str(error.value)
    assert "Population 'sub_last', sample 1, step 4, neuron [3]: the potential" in message
    assert f"{does[1 - there]} here, and {does[there]} there" in message


def test_a_potential_that_differs_is_named(network, recorded):
    recorded["sums"][2, 1, 0] += 0.1
    with pytest.raises(UserError, match=r"'sums', at \[2, 1, 0\]: the potential is"):
        sd.compare_with_recording(network, recorded)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            {"other": np.zeros((STEPS, SAMPLES, 4))},
            "'other' is no population of the network; it has maps, sub_last, sums",
        ),
        (
            {"maps": np.zeros((STEPS, SAMPLES, 2, 4))},
            r"maps has the shape \(7, 3, 2, 4\); allowed is \(steps, samples, 2, 4",
        ),
        ({"maps": np.full((STEPS, SAMPLES, 32), 2)}, "maps holds 2; spikes are 0 or 1"),
        (
            {"inputs": np.zeros((STEPS, SAMPLES, 6, 7))},
            r"inputs have the shape \(7, 3, 6, 7\); allowed are \(7, 3, 1, 6",
        ),
        ({"inputs": np.full((STEPS, SAMPLES, 36), 0.5)}, r"inputs are 0.5..0.5; allowed are whole numbers 0..1\."),
        ({"inputs": np.full((STEPS, SAMPLES, 36), 2)}, r"inputs are 2..2; allowed are whole numbers 0..1\."),
        ({"inputs": np.full((STEPS, SAMPLES, 36), np.nan)}, "inputs are nan..nan"),
    ],
)
def test_a_recording_that_does_not_fit_says_what_does(network, recorded, change, match):
    with pytest.raises(UserError, match=match):
        sd.compare_with_recording(network, recorded | change)


def test_what_is_no_recording_is_refused(network, recorded, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        sd.compare_with_recording(network, tmp_path / "none.npz")
    with pytest.raises(UserError, match="no array 'inputs' among maps, sub last, sums"):
        sd.compare_with_recording(network, {n: v for n, v in recorded.items() if n != "inputs"})
    with pytest.raises(UserError, match=r"inputs and nothing else\. Record the spikes of maps, sub_last, sums"):
        sd.compare_with_recording(network, {"inputs": recorded["inputs"]})
    (tmp_path / "text.npz").write_text("spikes")
    with pytest.raises(UserError, match=r"neither an \.npz nor a NIRData file"):
        sd.compare_with_recording(network, tmp_path / "text.npz")
    np.savez(tmp_path / "whole.npz", **recorded)
    content = (tmp_path / "whole.npz").read_bytes()
    for name, damaged in (("pickled.npz", None), ("changed.npz", content[:90] + b"xxxx" + content[94:])):
        if damaged is None:
            np.savez(tmp_path / name, inputs=np.array([{}], dtype=object))
        else:
            (tmp_path / name).write_bytes(damaged)
        with pytest.raises(UserError, match=r"not a whole \.npz file"):
            sd.compare_with_recording(network, tmp_path / name)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_what_is_written_as_nir_data_is_what_the_written_graph_does(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    network, folder = random_nir_network(rng), tmp_path_factory.mktemp("data")
    frames = random_frames(rng, network)
    sd.write_nir(network, folder / "network.nir")
    sd.write_nir_data(network, frames, folder / "network.h5")

    graph, data = nir.read(folder / "network.nir", type_check=False), nir.read_data(folder / "network.h5")

    assert set(data.nodes) <= set(graph.nodes)
    result = sd.compare_with_recording(sd.read_nir(graph), folder / "network.h5")
    assert [layer.population for layer in result.layers] == [p.name for p in network.populations]
    assert not result.undecided and result == replace(
        sd.compare_with_recording(sd.read_nir(graph), data), source="network.h5"
    )


def test_events_of_nir_data_are_spikes_in_their_steps(network, recorded, tmp_path):
    def grid(values):
        return np.ascontiguousarray(np.swapaxes(values.reshape(STEPS, SAMPLES, -1), 0, 1))

    events = {
        n: nir.TimeGriddedData(grid(recorded[n]) != 0, 1e-4).to_event(2000) for n in ("inputs", "maps", "sub last")
    }
    nodes = {
        "in": nir.NIRNodeData({"spikes": events["inputs"]}),
        "maps": nir.NIRNodeData({"z": events["maps"], "v": nir.TimeGriddedData(grid(recorded["maps"]) * 0.5, 1e-4)}),
    }
    data = nir.NIRGraphData({**nodes, "sub last": nir.NIRNodeData({"spike": events["sub last"]})})
    nir.write_data(tmp_path / "data.h5", data)
    result = sd.compare_with_recording(network, tmp_path / "data.h5")
    assert result.layers[0].spikes == recorded["maps"].sum()
    lost = int(data.nodes["maps"].observables["z"].idx[0, 0])
    data.nodes["maps"].observables["z"].idx[0, 0] = -1
    with pytest.raises(UserError, match="'maps', sample 0, step"):
        sd.compare_with_recording(network, data)
    data.nodes["maps"].observables["z"].idx[0, 0] = lost
    data.nodes["maps"].observables["z"].time[0, 0] = 1.0
    with pytest.raises(UserError, match=r"NIRData: maps: events of neurons up to \d+ in steps 0..10000"):
        sd.compare_with_recording(network, data)


def test_events_that_claim_more_neurons_than_the_network_has_are_refused_before_they_are_counted(network, tmp_path):
    one = np.zeros((SAMPLES, 1), int)
    for changed, match in (
        ({"n_neurons": 10**15}, "of 1000000000000000 neurons over .* of at most 36 neurons"),
        ({"t_max": 0.0}, "over 0 s"),
        ({"time": np.full((SAMPLES, 1), np.nan)}, "in steps nan..nan"),
        ({"idx": one + 40}, "events of neurons up to 40"),
    ):
        events = nir.EventData(**({"idx": one, "time": one * 1e-4, "n_neurons": 36, "t_max": STEPS * 1e-4} | changed))
        nir.write_data(tmp_path / "data.h5", nir.NIRGraphData({"in": nir.NIRNodeData({"spikes": events})}))
        with pytest.raises(UserError, match=match):
            sd.compare_with_recording(network, tmp_path / "data.h5")


def test_nir_data_without_inputs_or_with_unknown_observables_is_refused(network):
    grid = nir.TimeGriddedData(np.zeros((SAMPLES, STEPS, 32), bool), 1e-4)
    with pytest.raises(UserError, match="NIRData: it has the nodes maps, not the input 'in'"):
        sd.compare_with_recording(network, nir.NIRGraphData({"maps": nir.NIRNodeData({"spikes": grid})}))
    with pytest.raises(UserError, match="NIRData: maps has currents; known are spikes, spike"):
        sd.compare_with_recording(network, nir.NIRGraphData({"maps": nir.NIRNodeData({"currents": grid})}))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_integers_are_compared_exactly(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    network = random_network(seed, NETX)
    frames = random_inputs(network, 2, seed, static=False)
    path = tmp_path_factory.mktemp("data") / "network.h5"
    sd.write_nir_data(network, frames, path)
    assert sd.compare_with_recording(network, path).tolerance == 0
    found = integer_semantics.run(network, frames)
    p = network.populations[int(rng.integers(len(network.populations)))]
    values = (found.spikes if p.fires else found.potentials)[p.name].astype(np.int64)
    index = tuple(int(rng.integers(size)) for size in values.shape)
    values[index] = 1 - values[index]
    where = rf"'{p.name}', sample {index[1]}, step {index[0]}, neuron \[{', '.join(map(str, index[2:]))}\]"
    with pytest.raises(UserError, match=where):
        sd.compare_with_recording(network, {"inputs": frames, p.name: values})


@needs_pilotnet
def test_intels_pilotnet_does_what_intels_trace_holds():
    """Its trace has the spikes of each layer one step later than those of the layer before."""
    network = sd.read_net(NETWORK)
    steps = 17 - len(LAYERS) + 1
    names = dict(zip((p.name for p in network.populations[:-1]), enumerate(LAYERS), strict=True))
    recorded = {name: trace(layer)[lag : lag + steps, None] for name, (lag, layer) in names.items()}
    result = sd.compare_with_recording(network, {"inputs": trace("image")[None], **recorded})
    assert result.spikes > 10_000 and result.tolerance == 0
    recorded["conv2"] = 1 - recorded["conv2"]
    with pytest.raises(UserError, match="'conv2', sample 0, step 0, neuron"):
        sd.compare_with_recording(network, {"inputs": trace("image")[None], **recorded})


def test_a_damaged_attribute_of_a_recording_is_refused(network, recorded, tmp_path):
    """Wherever a byte of the attributes is changed: they are read, or it is one line."""
    samples = recorded["inputs"].shape[1]
    events = nir.EventData(np.zeros((samples, 1), int), np.zeros((samples, 1)), 3, 1.0)
    path = tmp_path / "events.h5"
    nir.write_data(path, nir.NIRGraphData({"maps": nir.NIRNodeData({"spikes": events})}))
    whole = path.read_bytes()
    start, refused = whole.index(b"n_neurons"), set()
    for place in range(start - 16, start + 48):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(UserError) as error:  # it has no inputs anyway
            sd.compare_with_recording(network, path)
        refused.add(str(error.value).split(" (")[0])
    assert f"{path}: a damaged NIRData file" in refused
