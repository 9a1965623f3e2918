"""write_nir_data: what a network gets and does as NIRData, beside the graph that write_nir writes."""

import io
from pathlib import Path

import numpy as np

from snn_deploy.interchange.nir.names import plain_name
from snn_deploy.interchange.nir.reading import DEFAULT_TIME_STEP
from snn_deploy.interchange.nir.statement import read_statement
from snn_deploy.interchange.nir_data import graph_data
from snn_deploy.interchange.recording import POTENTIALS, SPIKES
from snn_deploy.interchange.write_nir import to_nir_graph
from snn_deploy.network import float_semantics, integer_semantics
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.user_error import UserError


def write_nir_data(
    network: FloatNetwork | IntegerNetwork,
    inputs: np.ndarray,
    path: str | Path,
    time_step: float = DEFAULT_TIME_STEP,
) -> None:
    """Write the spikes and potentials of every population, for `inputs`, to `path` as NIRData (nir.write_data).

    Parameters
    ----------
    network
        In floats: its nodes have the names that `write_nir` gives them, and its input is what enters the graph. Or in
        integers: names as far as they are legal there, whole inputs, and potentials in 1/64 of a weight step.
    inputs
        Whole numbers as the network takes them, (steps, samples, *shape), or (samples, *shape), shown in every step.
    path
        Of the HDF5 file, written whole or not at all.
    time_step
        Of a step of the network, in seconds.

    Raises
    ------
    UserError
        For inputs that do not fit, or a network in floats that NIR cannot hold.

    Notes
    -----
    Potentials are those before the reset, what is compared with the threshold.
    """
    import nir  # noqa: PLC0415 - only what writes NIR needs it

    entry, shape = network.input, network.input.shape
    if inputs.shape[1:] == shape:
        inputs = np.broadcast_to(inputs, (network.steps, *inputs.shape))
    if inputs.shape[2:] != shape or not inputs.size or (inputs != np.rint(inputs)).any():
        raise UserError(
            f"inputs of the shape {inputs.shape}; allowed are whole numbers, (samples, *{shape}) or (steps, samples, "
            f"*{shape})."
        )
    if inputs.min() < 0 or inputs.max() > entry.largest_value:
        raise UserError(f"inputs {inputs.min()}..{inputs.max()}; allowed are 0..{entry.largest_value}.")
    trace: float_semantics.FloatTrace | integer_semantics.Trace
    if isinstance(network, FloatNetwork):
        graph = to_nir_graph(network, time_step)
        names = {name: node for node, name in read_statement({"metadata": graph.metadata}, str(path)).names.items()}
        trace, entering = float_semantics.run(network, inputs), inputs * network.input.scale
    else:
        names = {name: plain_name(name) for name in (entry.name, *(p.name for p in network.populations))}
        trace, entering = integer_semantics.run(network, inputs), inputs
    recorded = {names[entry.name]: {SPIKES: entering.astype(bool) if entry.largest_value == 1 else entering}}
    for p in network.populations:
        recorded[names[p.name]] = {SPIKES: trace.spikes[p.name].astype(bool)} if p.fires else {}
        recorded[names[p.name]][POTENTIALS] = trace.potentials[p.name]
    content = io.BytesIO()
    nir.write_data(content, graph_data(recorded, time_step))
    write_bytes(Path(path), content.getvalue())
