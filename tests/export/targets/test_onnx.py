"""The exported ONNX model is standard, whole and repeatable. That it computes the right thing: test_onnx.py."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.export.targets.onnx import onnx_model
from snn_deploy.export.targets.onnx import write as write_onnx
from snn_deploy.network.integer_network import IntegerInput

seeds = st.integers(0, 2**32 - 1)


def all_nodes(graph):
    """Yield the nodes of a graph and of the bodies of its loops."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from all_nodes(attribute.g)


def dimensions(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


@given(seed=seeds, takes=st.sampled_from(["images", "frames"]))
@settings(max_examples=40)
def test_the_model_passes_the_full_check_with_standard_operators_alone(seed, takes):
    model = onnx_model(random_network(seed), takes)
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in all_nodes(model.graph)} == {""}
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert not model.functions


@given(seed=seeds)
@settings(max_examples=40)
def test_every_name_in_the_model_is_unique(seed):
    model = onnx_model(random_network(seed))
    nodes = list(all_nodes(model.graph))
    results = [result for node in nodes for result in node.output] + [i.name for i in model.graph.initializer]
    assert len(results) == len(set(results))
    assert len({node.name for node in nodes}) == len(nodes)


@given(seed=seeds)
@settings(max_examples=40)
def test_the_weights_in_the_file_are_the_networks_integers(seed):
    network = random_network(seed)
    model = onnx_model(network)
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    fires = {p.name: p.fires for p in network.populations} | {network.input.name: True}
    heard = [c for c in network.connections if c.delay < network.steps and fires[c.source]]
    for connection in heard:
        weights = arrays[f"{connection.name}/weights"]
        assert weights.dtype == connection.weights.dtype
        np.testing.assert_array_equal(weights, connection.weights)
    assert sum(name.endswith("/weights") for name in arrays) == len(heard)


def test_inputs_and_outputs_say_their_shapes_and_shape_inference_agrees():
    network = next(n for n in map(random_network, range(100)) if len(n.populations) >= 3 and not n.output.fires)
    model = onnx_model(network, "frames")
    (entry,) = model.graph.input
    assert dimensions(entry) == [network.steps, "batch", *network.input.shape]
    outputs = {o.name: dimensions(o) for o in onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output}
    firing = [p for p in network.populations if p.fires]
    assert outputs == (
        {"output": ["batch", int(np.prod(network.output.shape))]}
        | {f"{p.name}/spike_counts": ["batch"] for p in firing}
        | {f"{p.name}/spikes": [network.steps, "batch", *p.shape] for p in firing}
    )


@pytest.mark.parametrize(("largest", "takes"), [(1, "frames"), (2, "images"), (255, "images")])
def test_spikes_come_as_frames_and_pixels_as_images_unless_told(largest, takes):
    network = random_network(3)
    network = replace(network, input=IntegerInput(network.input.name, network.input.shape, largest))
    assert onnx_model(network).graph.input[0].name == takes


def test_the_same_network_gives_the_same_bytes_and_says_which_it_is(tmp_path):
    network = replace(random_network(4), provenance={"seed": 7, "config": {"b": 1, "a": [2]}})
    write_onnx(network, tmp_path / "one.onnx")
    write_onnx(network, tmp_path / "two.onnx")
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    model = onnx.load(tmp_path / "one.onnx")
    said = {p.key: p.value for p in model.metadata_props}
    assert said["network_sha256"] == network.digest
    assert json.loads(said["provenance"]) == dict(network.provenance)
    assert said["snn_deploy_version"] == model.producer_version
    assert model.producer_name == "snn-deploy"
