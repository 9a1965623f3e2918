"""Writes nengo_loihi_blocks.json: what nengo-loihi's own builder counts for convolutions that fit one core.

Run in an environment of its own, as nengo-loihi needs an old numpy (this was made with Python 3.8):

    pip install nengo-loihi==1.1.0 "nengo<4" "numpy<1.22"
    python nengo_loihi_blocks.py > nengo_loihi_blocks.json
"""

import json

import nengo
import nengo_loihi
import numpy as np

# input height and width, input channels, output channels, kernel, stride, padding, channels last
LAYERS = [
    (8, 8, 1, 4, 3, 1, "valid", True),
    (8, 8, 2, 4, 3, 1, "valid", False),
    (10, 6, 3, 8, 3, 1, "same", True),
    (10, 6, 3, 8, 3, 1, "same", False),
    (12, 12, 2, 6, 5, 2, "valid", True),
    (12, 12, 2, 6, 5, 2, "valid", False),
    (9, 9, 2, 5, 3, 2, "valid", True),
    (16, 16, 1, 4, 3, 1, "same", True),
    (18, 18, 1, 4, 3, 1, "valid", True),
    (6, 6, 4, 64, 3, 1, "valid", True),
    (6, 6, 4, 64, 3, 1, "valid", False),
]


def counted(height, width, inputs, outputs, kernel, stride, padding, last):
    """Return the in-axons of the convolution's synapse and the synapses that it stores."""
    shape = (height, width, inputs) if last else (inputs, height, width)
    rng = np.random.RandomState(0)
    transform = nengo.Convolution(
        outputs,
        shape,
        kernel_size=(kernel, kernel),
        strides=(stride, stride),
        padding=padding,
        channels_last=last,
        init=rng.uniform(-1, 1, (kernel, kernel, inputs, outputs)),
    )
    with nengo.Network(seed=0) as network:
        nengo_loihi.add_params(network)
        same = {"gain": nengo.dists.Choice([1]), "bias": nengo.dists.Choice([0])}
        before = nengo.Ensemble(int(np.prod(shape)), 1, **same)
        after = nengo.Ensemble(transform.size_out, 1, **same)
        nengo.Connection(before.neurons, after.neurons, transform=transform)
    with nengo_loihi.Simulator(network, target="sim", progress_bar=False) as simulator:
        (block,) = [b for b in simulator.model.blocks if b.n_neurons == transform.size_out and b.synapses]
    (synapse,) = block.synapses
    return {
        "layer": [height, width, inputs, outputs, kernel, stride, padding, last],
        "in_axons": int(synapse.n_axons),
        "stored": int(sum(w.size for w in synapse.weights)),
    }


print(json.dumps([counted(*layer) for layer in LAYERS], indent=1))
