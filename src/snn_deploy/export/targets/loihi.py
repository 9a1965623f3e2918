"""loihi: a network as lava-dl's exchange file (HDF5), which lava.lib.dl.netx.hdf5.Network loads.

Written are the fields that lava-dl 0.6.0 reads (lava/lib/dl/netx/hdf5.py). Its root attributes and the group
snn_deploy, which lava-dl does not look at, say which network the file is, with its steps and names. Two writes of one
network give the same bytes.
"""

from pathlib import Path

import h5py
import numpy as np

from snn_deploy.export.targets._loihi.chain import chain
from snn_deploy.export.targets._loihi.neurons import neuron_fields
from snn_deploy.export.targets._loihi.synapses import Fields, synapse_fields
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.net_statement import GROUP, statement_of
from snn_deploy.support.atomic_file import write_bytes

FILE = "network.net"
FORMAT = "snn-deploy netx"
FORMAT_ATTRIBUTE, NETWORK_ATTRIBUTE = "format", "network_sha256"


def write(network: IntegerNetwork, path: Path) -> None:
    """Write `network` to `path`; see content."""
    write_bytes(path, content(network))


def content(network: IntegerNetwork) -> bytes:
    """Return the file's bytes; what the format cannot hold is a UserError that names the object."""
    layers = netx_layers(network)
    with h5py.File(FILE, "w", driver="core", backing_store=False, libver=("earliest", "v110")) as file:  # in memory
        file.attrs[FORMAT_ATTRIBUTE] = FORMAT
        file.attrs[NETWORK_ATTRIBUTE] = network.digest
        stated = np.bytes_(statement_of(network).to_json())
        file.create_dataset(f"{GROUP}/statement", data=stated, track_times=False)
        for i, layer in enumerate(layers):
            for name, value in layer.items():
                stored = np.bytes_(value) if isinstance(value, str) else np.asarray(value)
                file.create_dataset(f"layer/{i}/{name}", data=stored, track_times=False)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def netx_layers(network: IntegerNetwork) -> list[Fields]:
    """Return the layers as lava-dl names and reads them: field -> value, in the file's order."""
    layers: list[Fields] = [{"type": "input", "shape": np.array(network.input.shape)}]
    for link in chain(network):
        if len(link.source_shape) == 3 and link.forward[0].weights.ndim == 2:
            layers.append({"type": "flatten"})
        layers.append(synapse_fields(network, link) | neuron_fields(link.population))
    return layers
