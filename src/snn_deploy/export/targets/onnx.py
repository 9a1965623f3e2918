"""onnx: a network as one self-contained ONNX model that ONNX Runtime runs in one call, to the last bit.

Standard operators of opset 17 only; weights are integers in the file. Inputs, outputs and metadata: docs/onnx.md.
Two writes of one network give the same bytes.
"""

import json
import math
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import helper

from snn_deploy.export.targets._onnx.graph import BATCH, Graph, described
from snn_deploy.export.targets._onnx.populations import Source, add_block, as_float, potentials_of, spikes_of
from snn_deploy.export.targets._onnx.synapses import exact_type
from snn_deploy.network.evaluation_order import blocks
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import gives_values
from snn_deploy.support.atomic_file import write_bytes

FILE = "network.onnx"
Takes = Literal["images", "frames"]
NETWORK_KEY, PROVENANCE_KEY, VERSION_KEY = "network_sha256", "provenance", "snn_deploy_version"

EVERY_STEP = "outputs"  # the potentials after every step, of a network that gives values
_OPSET, _IR_VERSION = 17, 8  # both of ONNX 1.12, 2022; ONNX Runtime 1.12 and later run them


def write(network: IntegerNetwork, path: Path, takes: Takes | None = None) -> None:
    """Write `network` to `path`; see onnx_model."""
    write_bytes(path, content(network, takes))


def content(network: IntegerNetwork, takes: Takes | None = None) -> bytes:
    """Return the file's bytes; see onnx_model."""
    serialized: bytes = onnx_model(network, takes).SerializeToString(deterministic=True)
    return serialized


def onnx_model(network: IntegerNetwork, takes: Takes | None = None) -> onnx.ModelProto:
    """Return `network` as an ONNX model.

    takes: "images", uint8 (batch, *input shape), each shown in every step; or "frames", uint8 (steps, batch, *input
    shape). None chooses frames for an input of spikes, whose largest value is 1, else images.

    Outputs: `output`, int64 (batch, classes), the potentials after the last step in state units, or the spike counts
    of an output that fires; for each population that fires `NAME/spike_counts`, int64 (batch,), and `NAME/spikes`,
    uint8 (steps, batch, *shape). Of a network that gives values also `outputs`, int64 (steps, batch, values), the
    potentials after every step.
    """
    if takes is None:
        takes = "frames" if network.input.largest_value == 1 else "images"
    is_static, shape = takes == "images", network.input.shape
    graph = Graph()
    graph.add("Shape", [takes], BATCH, **({"start": 0, "end": 1} if is_static else {"start": 1, "end": 2}))
    sources = {network.input.name: Source(network.input.name, takes, shape, is_static)}
    for block in blocks(network):
        sources |= add_block(graph, network, block, sources)
    outputs = [_add_output(graph, network)]
    firing = [p for p in network.populations if p.fires]
    outputs += [_add_outputs_by_step(graph, network)] if gives_values(network) else []
    outputs += [_add_spike_count(graph, p.name, p.shape) for p in firing]
    outputs += [described(spikes_of(p.name), np.uint8, (network.steps, BATCH, *p.shape)) for p in firing]
    inputs = [described(takes, np.uint8, (BATCH, *shape) if is_static else (network.steps, BATCH, *shape))]
    made = helper.make_graph(graph.nodes, "spiking_network", inputs, outputs, list(graph.constants.values()))
    model = helper.make_model(
        made,
        producer_name="snn-deploy",
        producer_version=_version(),
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    provenance = json.dumps(dict(network.provenance), sort_keys=True)
    helper.set_model_props(model, {NETWORK_KEY: network.digest, PROVENANCE_KEY: provenance, VERSION_KEY: _version()})
    return model


def _add_output(graph: Graph, network: IntegerNetwork) -> onnx.ValueInfoProto:
    """Add the value `output`."""
    output = network.output
    value = f"{output.name}/potential/end"
    if output.fires:
        spikes = as_float(graph, output.name, spikes_of(output.name), exact_type(network.steps))
        value = graph.sum_over(spikes, (0,), f"{output.name}/counts")
    if len(output.shape) > 1:
        value = graph.add("Flatten", [value], f"{output.name}/flat", axis=1)
    graph.cast(value, np.int64, "output")
    return described("output", np.int64, (BATCH, int(np.prod(output.shape))))


def _add_outputs_by_step(graph: Graph, network: IntegerNetwork) -> onnx.ValueInfoProto:
    """Add the value `outputs`."""
    output = network.output
    flat = graph.as_shape(
        potentials_of(output.name), (network.steps, -1, math.prod(output.shape)), f"{output.name}/by_step"
    )
    graph.cast(flat, np.int64, EVERY_STEP)
    return described(EVERY_STEP, np.int64, (network.steps, BATCH, math.prod(output.shape)))


def _add_spike_count(graph: Graph, name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    """Add the number of spikes of a population in each sample, over all its neurons and steps."""
    kind = exact_type(int(np.prod(shape)))
    spikes = as_float(graph, name, spikes_of(name), kind)
    of_steps = graph.sum_over(spikes, range(2, 2 + len(shape)), f"{name}/spike_counts/of_steps")
    whole = graph.cast(of_steps, np.int64, f"{name}/spike_counts/whole")
    graph.sum_over(whole, (0,), f"{name}/spike_counts")
    return described(f"{name}/spike_counts", np.int64, (BATCH,))


def _version() -> str:
    try:
        return version("snn-deploy")
    except PackageNotFoundError:
        return "unknown"
