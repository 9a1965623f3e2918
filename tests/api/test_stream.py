"""sd.stream gives decisions one by one, each of what one run over the whole stream does in its window."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from hypothesis import given, settings
from hypothesis import strategies as st

import snn_deploy as sd
from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    read_integer_network,
)
from snn_deploy.train.datasets.digits import Dataset
from snn_deploy.train.datasets.time_series import Dataset as TimeSeries

WINDOWS = 3


@pytest.fixture(scope="module")
def images():
    return Dataset().load("test").inputs[:6]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_decisions_are_those_of_one_run_however_the_frames_come(seed):
    network = random_network(seed, Features(most_populations=3))
    whole = replace(network, steps=WINDOWS * network.steps)
    frames = random_inputs(whole, 1, seed, static=False)
    expected = reference.run(whole, frames, record=True)
    cuts = np.flatnonzero(np.random.default_rng(seed).random(len(frames) - 1) < 0.5) + 1
    pieces = np.split(frames[:, 0], cuts)
    if len(pieces[0]) == 1:
        pieces[0] = pieces[0][0]  # a frame alone
    found = list(sd.stream(network, pieces, record=True))
    assert [decision.step for decision in found] == [network.steps * (i + 1) for i in range(WINDOWS)]
    for name, spikes in expected.spikes.items():
        np.testing.assert_array_equal(np.concatenate([d.spikes[name] for d in found]), spikes[:, 0], err_msg=name)
    for counts in ("spike_counts", "synaptic_operations"):
        for name, values in getattr(expected, counts).items():
            assert sum(getattr(decision, counts)[name] for decision in found) == values[0]
    if network.output.fires:
        assert sum(d.outputs for d in found).tolist() == expected.outputs[0].tolist()
    assert all(decision.predicted == decision.outputs.argmax() for decision in found)


def test_windows_from_rest_are_the_samples_of_a_run(exported, images):
    ran = sd.run(exported, images)
    steps = read_integer_network(exported / "network.npz").steps
    for backend in ("cpu", "reference", "cpu:wide"):
        found = list(sd.stream(exported, images, hold=steps, from_rest=True, backend=backend))
        assert [decision.outputs.tolist() for decision in found] == ran.outputs.tolist()
        assert [decision.predicted for decision in found] == ran.classes.tolist()
        assert [decision.spike_counts for decision in found] == [
            {name: counts[i] for name, counts in ran.simulation.spike_counts.items()} for i in range(len(images))
        ]
    kept = list(sd.stream(exported, images, hold=steps))
    assert [d.outputs.tolist() for d in kept[1:]] != ran.outputs.tolist()[1:]  # what the image before left
    assert kept[0].outputs.tolist() == ran.outputs.tolist()[0]


def test_every_format_and_every_way_in_is_the_same_stream(exported, images, tmp_path):
    blocks = io.BytesIO()
    for part in (images[:2], images[2], images[3:]):
        np.save(blocks, part)
    lines = b"".join(json.dumps(image.ravel().tolist()).encode() + b"\n\n" for image in images)
    ways = {"npy": blocks.getvalue(), "json": lines, "u8": images.tobytes(), "s16be": images.astype(">i2").tobytes()}
    expected = [decision.outputs.tolist() for decision in sd.stream(exported, images)]
    for name, content in ways.items():
        path = tmp_path / name
        path.write_bytes(content)
        given = None if name in ("npy", "json") else name
        for source in (path, str(path), io.BytesIO(content)):
            found = sd.stream(exported, source, file_format=given)
            assert [decision.outputs.tolist() for decision in found] == expected, name
    stream = sd.stream(exported, images[:3], window=2)
    assert (len(list(stream)), stream.steps, stream.left_over) == (1, 3, 1)


def integrator(shape, steps=1, largest=1, keep=2048, **provenance):
    """Return five neurons that sum up what comes, with a leak."""
    weights = np.random.default_rng(0).integers(-9, 9, (5, int(np.prod(shape))))
    neurons = IntegerPopulation("out", (5,), *(np.array([n]) for n in (1, keep, 0, 0)), fires=False)
    synapses = IntegerConnection("synapses", "input", "out", weights)
    return IntegerNetwork(IntegerInput("input", shape, largest), (neurons,), (synapses,), steps, provenance)


def outputs(*arguments, **options):
    return [decision.outputs.tolist() for decision in sd.stream(*arguments, **options)]


def test_events_are_counted_in_steps_of_their_own_time():
    network = integrator((2, 4, 4))
    x, y, t, p = [0, 3, 7], [0, 3, 7], [1000, 1001, 1025], [0, 1, -1]
    frames = np.zeros((3, 2, 4, 4), np.uint8)
    frames[0, 0, 0, 0] = frames[0, 1, 1, 1] = frames[2, 0, 3, 3] = 1
    events = [{"x": a, "y": b, "t": c, "p": d} for a, b, c, d in zip(x, y, t, p, strict=True)]
    records = np.zeros(3, [("x", "<u2"), ("y", "<u2"), ("p", "<i2"), ("t", "<i8")])
    records["x"], records["y"], records["t"], records["p"] = x, y, t, p
    array = io.BytesIO()
    np.save(array, records[:1])
    np.save(array, records[1:])
    alone = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    together = json.dumps({"x": x, "y": y, "t": t, "polarity": p}).encode()
    for content in (alone, together, array.getvalue()):
        assert outputs(network, io.BytesIO(content), step_time=10.0, sensor=(8, 8)) == outputs(network, frames)


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b'{"x":0,"y":0,"t":9,"p":1}\n{"x":0,"y":0,"t":5,"p":1}', {"step_time": 1}, "an event at 5 after one at 9"),
        (b'{"x":[0,0],"y":[0,0],"t":[0,1e15],"p":[1,1]}', {"step_time": 1}, r"1e\+15 steps after"),
        (b'{"x":4,"y":0,"t":9,"p":1}', {"step_time": 1}, "x from 4 to 4; allowed is 0 to 3"),
        (b'{"x":0,"y":0,"t":9}', {"step_time": 1}, "line 1: no array 'p'"),
        (b'{"x":0,"y":[0,1],"t":9,"p":1}', {"step_time": 1}, "line 1: arrays of shapes"),
        (b'{"x":0,"y":"up","t":9,"p":1}', {"step_time": 1}, "line 1: y of type"),
        (b'{"x":0,"y":0,"t":9,"p":1}', {}, "nothing says how long a step is. Give --step-time"),
        (json.dumps([0] * 32).encode(), {"step_time": 1}, "--step-time is of events"),
        (b"[1, 2", {}, "line 1: no frame of numbers in JSON"),
        (b"[1, [2]]", {}, "line 1: no frame of numbers in JSON"),
        (b"[" * 100_000, {}, "line 1: no frame of numbers in JSON"),
        (b"[NaN]", {}, "NaN is no JSON"),
        (b'["a"]', {}, "line 1: values of type"),
        (json.dumps([0] * 31).encode(), {}, r"line 1: an array of shape \(31,\); allowed is \(2, 4, 4\)"),
        (json.dumps([0] * 31 + [2]).encode(), {}, r"from frame 0: a value 2; the network's input takes 0\.\.1"),
        (json.dumps([0] * 31 + [0.5]).encode(), {}, "from frame 0: values of type float64"),
        (b"hello", {}, r"begins with the byte 104.*--format u8"),
        (b"\x93NUMPY\x01\x00", {}, "array 1: not a whole .npy array"),
        (b"\x93NUMPY\x09\x00", {}, "array 1: not a whole .npy array"),
        (b"\0" * 33, {"file_format": "u8"}, "ends with 1 of the 32 bytes of a frame"),
        (b"", {"file_format": "mp4"}, "no format 'mp4'. Choose one of npy, json, u8"),
    ],
)
def test_what_is_no_stream_of_the_network_is_one_sentence(content, options, said):
    with pytest.raises(sd.UserError, match=said):
        outputs(integrator((2, 4, 4)), io.BytesIO(content), **options)


def test_what_an_array_claims_beyond_its_bytes_is_refused():
    whole = io.BytesIO()
    np.save(whole, np.zeros((3, 2, 4, 4), np.uint8))
    with pytest.raises(sd.UserError, match=r"array 1: not a whole \.npy array"):
        outputs(integrator((2, 4, 4)), io.BytesIO(whole.getvalue()[:-1]))
    claims = whole.getvalue().replace(b"(3, 2, 4, 4), }          ", b"(99999999999, 2, 4, 4), }")
    assert claims != whole.getvalue()
    with pytest.raises(sd.UserError, match="bytes at most"):
        outputs(integrator((2, 4, 4)), io.BytesIO(claims))


@pytest.fixture(scope="module", params=[("delta", {"threshold": 20, "frames": 2}), ("current", {}), ("latency", {})])
def of_signals(request, tmp_path_factory):
    """A network that gets signals from an encoder, and values, of which some lie outside of the training range."""
    name, options = request.param
    folder = tmp_path_factory.mktemp("signals")
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=(10, 3, 8)), axis=2)
    np.savez(folder / "mine.npz", signals=values, labels=np.arange(10) % 2)
    frames = {"current": 1, "latency": 4}.get(name, options.get("frames"))
    provenance = {
        "config": {
            "data": {"name": "time_series", "file": "mine.npz"},
            "encoder": {"name": name, **options},
            "steps": 8 * frames,
        }
    }
    largest = 255 if name == "current" else 1
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield integrator((2, 3, 1), 8 * frames, largest, **provenance), TimeSeries("mine.npz").load("test").values


def test_values_are_encoded_as_in_a_run_and_the_encoder_remembers(of_signals):
    network, values = of_signals
    ran = sd.run(network).outputs.tolist()
    found = list(sd.stream(network, iter(np.swapaxes(values, 1, 2)), from_rest=True))
    assert [decision.outputs.tolist() for decision in found] == ran
    as_floats = io.BytesIO(np.swapaxes(values, 1, 2).astype("<f8").tobytes())
    assert outputs(network, as_floats, file_format="f64le", from_rest=True) == ran
    one_by_one = list(sd.stream(network, values[0].T, window=1, record=True))
    together = np.concatenate([decision.spikes["input"] for decision in one_by_one])
    recorded = sd.run(network, samples=1, record=True).simulation.spikes["input"][:, 0]
    np.testing.assert_array_equal(together, recorded)
    high = [np.full((1, 3), 1e6)] * network.steps
    assert sum(decision.clipped for decision in sd.stream(network, high)) == 3 * len(high)
    with pytest.raises(sd.UserError, match="from frame 1: a value that is missing"):
        list(sd.stream(network, [values[0, :, 0], np.full(3, np.nan)]))
    with pytest.raises(sd.UserError, match="--hold"):
        sd.stream(network, [], hold=2)


def test_an_output_that_forgets_nothing_is_cleared_and_states_that_overflow_are_counted():
    network = integrator((1, 2, 2), keep=4096, largest=255)
    frames = np.full((3, 1, 2, 2), 255, np.uint8)
    first, *others = outputs(network, frames)
    assert others == [first, first]
    long = sum(decision.overflows for decision in sd.stream(network, [np.tile(frames, (2000, 1, 1, 1))], window=3000))
    assert (
        long
        == sd.run(replace(network, steps=3000), frames[:1], backend="reference").simulation.saturated_potentials["out"][
            0
        ]
        * 2
        > 0
    )


def test_the_verb_prints_each_decision_and_ends_with_the_stream(exported, images, tmp_path):
    (tmp_path / "frames").write_bytes(images.tobytes())
    expected = list(sd.stream(exported, images, hold=2))
    options = ["run", exported, "--stream", tmp_path / "frames", "--format", "u8", "--hold", 2]
    printed = snn_deploy(*options, "--json")
    assert printed.exit_code == 0
    lines = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [{**line, "latency": 0} for line in lines] == [{**d.to_dict(), "latency": 0} for d in expected]
    assert f"{len(expected)} decisions" in printed.stderr
    plain = snn_deploy(*options).stdout.splitlines()
    assert plain[0].startswith(f"step {expected[0].step}: class {expected[0].predicted}, ")
    assert repr(expected[0]).startswith("Decision(step ")
    (tmp_path / "frames").write_bytes(images.tobytes()[:-1])
    cut = snn_deploy(*options)
    assert (cut.exit_code, "63 of the 64 bytes" in cut.stderr) == (2, True)
    assert cut.stdout.splitlines()[0].startswith("step ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stream", "nowhere"], "nowhere: cannot be read"),
        (["--stream", "-", "--samples", 3], "--samples is of samples, and --stream has none"),
        (["--hold", 3], "--hold is of a stream"),
        (["--stream", "-", "--backend", "onnx"], "keeps no state"),
        (["--stream", "-", "--window", -1], "--window -1"),
        (["--stream", "-", "--step-time", 1], "--step-time is of events"),
        (["--stream", "-", "--sensor", "5x"], "--sensor '5x'; allowed is WIDTHxHEIGHT"),
    ],
)
def test_options_that_do_not_fit_are_one_line_and_exit_code_2(exported, options, said):
    done = snn_deploy("run", exported, *options)
    assert (done.exit_code, said in done.stderr, len(done.stderr.splitlines())) == (2, True, 1)
