"""What nengo-loihi makes of a network: its blocks, which of them break its own limits, and the spikes between them.

    /path/to/other/python benchmarks/nengo_loihi_split.py S > nengo_S.json

For benchmarks/mapping.py, which reads the file. It needs an environment of its own: Python 3.8 with
`pip install nengo-loihi==1.1.0 "nengo<4" "numpy<1.22"`. The networks are those of mapping_networks.py; nengo numbers
the channels of a position one after another and splits a layer into runs of neurons.
"""

import json
import sys
import time
from unittest.mock import patch

import nengo
import nengo_loihi
import numpy as np
from nengo_loihi.block import MAX_COMPARTMENTS, MAX_IN_AXONS, MAX_OUT_AXONS, MAX_SYNAPSE_BITS

# input channels, height and width; layers: (channels, kernel, stride) or neurons
NETWORKS = {
    "S": ((1, 28, 28), [(16, 3, 2), (32, 3, 2), 10]),
    "B": ((1, 28, 28), [(32, 5, 2), (64, 5, 2), 1024, 10]),
    "V": (
        (3, 32, 32),
        [(64, 3, 2), (128, 3, 2), (256, 3, 1), (256, 3, 2), (512, 3, 1), (512, 3, 2), (512, 3, 1), (512, 3, 2), 10],
    ),
}
ALIKE = {"gain": nengo.dists.Choice([1]), "bias": nengo.dists.Choice([0])}


def built(name):
    """Return the model that nengo-loihi built and split."""
    rng = np.random.RandomState(0)
    (channels, height, width), layers = NETWORKS[name]
    with nengo.Network(seed=0) as network:
        nengo_loihi.add_params(network)
        before = nengo.Ensemble(channels * height * width, 1, **ALIKE)
        network.config[before].on_chip = False
        for layer in layers:
            if isinstance(layer, tuple):
                outputs, kernel, stride = layer
                transform = nengo.Convolution(
                    outputs,
                    (height, width, channels),
                    kernel_size=(kernel, kernel),
                    strides=(stride, stride),
                    padding="same",
                    init=rng.uniform(-1, 1, (kernel, kernel, channels, outputs)),
                )
                height, width, channels = transform.output_shape.shape
                size = transform.size_out
            else:
                transform = rng.uniform(-1, 1, (layer, before.n_neurons))
                size = layer
            after = nengo.Ensemble(size, 1, **ALIKE)
            nengo.Connection(before.neurons, after.neurons, transform=transform)
            before = after
    model = nengo_loihi.builder.Model(dt=0.001)
    # What breaks a limit is counted below; nengo-loihi would stop at the first.
    with patch("nengo_loihi.builder.network.validate_model", lambda model: None):
        model.build(network, discretize=True)
    return model


def main():
    """Print the JSON object."""
    begin = time.time()
    blocks = list(built(sys.argv[1]).blocks)
    owner = {synapse: i for i, block in enumerate(blocks) for synapse in block.synapses}
    over, traffic = {}, []
    for i, block in enumerate(blocks):
        for what, used, most in (
            ("compartments", block.compartment.n_compartments, MAX_COMPARTMENTS),
            ("input axons", sum(s.n_axons for s in block.synapses), MAX_IN_AXONS),
            ("output axons", sum(a.axon_slots() for a in block.axons), MAX_OUT_AXONS),
            ("synapse bits", sum(s.bits() for s in block.synapses), MAX_SYNAPSE_BITS),
        ):
            if used > most:
                over[what] = max(over.get(what, 0), int(used))
        sent = {}
        for axon in block.axons:
            there = owner[axon.target]
            spikes = block.compartment.n_compartments
            if axon.compartment_map is not None:
                spikes = int((np.asarray(axon.compartment_map) >= 0).sum())
            sent[there] = sent.get(there, 0) + spikes
        traffic += [[i, there, spikes] for there, spikes in sorted(sent.items())]
    found = {"blocks": len(blocks), "over": over, "traffic": traffic, "seconds": round(time.time() - begin, 1)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
