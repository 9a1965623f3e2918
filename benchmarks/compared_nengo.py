"""What nengo-loihi makes of trained weights, and of a network that does not fit: for benchmarks/compared.py.

    /path/to/other/python benchmarks/compared_nengo.py < task.json

It needs an environment of its own: Python 3.8 with `pip install nengo-loihi==1.1.0 "nengo<4" "numpy<1.22"`. The
integrate-and-fire neurons are LoihiSpikingRectifiedLinear: a spike adds its weight, and resets to 0.
"""

import inspect
import json
import sys

import nengo
import nengo_loihi
import numpy as np


def emulated(first, last, sample, steps):
    """Return the output's spike counts, (10,), on nengo-loihi's emulator of a Loihi 1."""
    alike = {"gain": np.ones(64), "bias": np.zeros(64)}
    fires = nengo_loihi.neurons.LoihiSpikingRectifiedLinear()
    with nengo.Network(seed=0) as network:
        nengo_loihi.add_params(network)
        source = nengo.Node(lambda t: sample * (t < (steps + 0.5) * 0.001) / 0.001)
        host = nengo.Ensemble(64, 1, neuron_type=nengo.SpikingRectifiedLinear(), **alike)
        network.config[host].on_chip = False
        hidden = nengo.Ensemble(64, 1, neuron_type=fires, **alike)
        output = nengo.Ensemble(10, 1, neuron_type=fires, gain=np.ones(10), bias=np.zeros(10))
        nengo.Connection(source, host.neurons, synapse=None)
        nengo.Connection(host.neurons, hidden.neurons, transform=first, synapse=None)
        nengo.Connection(hidden.neurons, output.neurons, transform=last, synapse=None)
        probe = nengo.Probe(output.neurons)
    with nengo_loihi.Simulator(network, target="sim", progress_bar=False) as simulator:
        simulator.run_steps(steps + 4)  # what the host sends is under way for some steps
    return (simulator.data[probe] > 0).sum(axis=0)


def too_large(inputs):
    """Return what is said of ten neurons with so many inputs each."""
    try:
        with nengo.Network(seed=0) as network:
            nengo_loihi.add_params(network)
            host = nengo.Ensemble(inputs, 1, gain=np.ones(inputs), bias=np.zeros(inputs))
            network.config[host].on_chip = False
            output = nengo.Ensemble(10, 1, gain=np.ones(10), bias=np.zeros(10))
            nengo.Connection(host.neurons, output.neurons, transform=np.ones((10, inputs)))
        nengo_loihi.Simulator(network, target="sim", progress_bar=False)
    except Exception as error:  # noqa: BLE001 - whatever it says is what is told
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "nothing"


def main():
    """Print the JSON object."""
    task = json.load(sys.stdin)
    first, last = (np.array(weights) for weights in task["weights"])
    counts = [emulated(first, last, np.array(sample), task["steps"]).tolist() for sample in task["spikes"]]
    lines = [line for line in inspect.getsource(emulated).splitlines()[2:] if line.strip()]
    found = {
        "version": nengo_loihi.__version__,
        "counts": counts,
        "lines": len(lines),
        "too_large": too_large(task["too_many"]),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
