"""Graphs of the shapes and parameters of the NIR paper's three tasks, with random weights.

Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 2024; the files of its repository
(github.com/neuromorphs/NIR, paper/). cnn: 02_cnn/cnn_sinabs.nir, N-MNIST. braille: 03_rnn/braille_*.nir. lif: 01_lif.
"""

from itertools import pairwise

import nir
import numpy as np

_TIME_STEP = 1e-4  # of the braille graphs, as snnTorch writes them


def cnn(rng: np.random.Generator) -> nir.NIRGraph:
    """Return the convolutional network as sinabs writes it: IF with r = 1, a step of 1, resets by subtraction."""

    def integrators(*shape):
        return nir.IF(r=np.ones(shape, np.float32), v_threshold=np.ones(shape, np.float32))

    def conv(side, channels, inputs, kernel, **how):
        weights = _drawn(rng, (channels, inputs, kernel, kernel), 1.6)
        return nir.Conv2d((side, side), weights, dilation=1, groups=1, bias=np.zeros(channels, np.float32), **how)

    def dense(out, inputs):
        return nir.Affine(_drawn(rng, (out, inputs), 1.6), np.zeros(out, np.float32))

    pool = (np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    nodes = {
        "input": nir.Input({"input": np.array([2, 34, 34])}),
        "0": conv(34, 16, 2, 5, stride=2, padding=1),
        "1": integrators(16, 16, 16),
        "2": conv(16, 16, 16, 3, stride=1, padding=1),
        "3": integrators(16, 16, 16),
        "4": nir.SumPool2d(*pool),
        "5": conv(8, 8, 16, 3, stride=1, padding=1),
        "6": integrators(8, 8, 8),
        "7": nir.SumPool2d(*pool),
        "8": nir.Flatten({"input": np.array([8, 4, 4])}, 0, -1),
        "9": dense(256, 128),
        "10": integrators(256),
        "11": dense(10, 256),
        "12": integrators(10),
        "output": nir.Output({"output": np.array([10])}),
    }
    return nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False)


def braille(rng: np.random.Generator, *, bias: bool, current: bool = True) -> nir.NIRGraph:
    """Return the recurrent network as snnTorch writes it: 12 inputs, 38 recurrent neurons, 7 classes.

    bias: whether its weights have biases (braille_*_bias_*). current: CubaLIF, else LIF.
    """

    def neurons(size):
        keep, current_keep = (np.full(size, rng.uniform(0.2, 0.95), np.float32) for _ in range(2))
        tau, synapse = (np.float32(_TIME_STEP) / (1 - k) for k in (keep, current_keep))
        ones = np.ones(size, np.float32)
        fields = {"r": tau / _TIME_STEP, "v_leak": 0 * ones, "v_threshold": ones, "v_reset": 0 * ones}
        if not current:
            return nir.LIF(tau=tau, **fields)
        return nir.CubaLIF(tau_syn=synapse, tau_mem=tau, w_in=synapse / _TIME_STEP, **fields)

    def dense(out, inputs, scale=1.5):
        weights = _drawn(rng, (out, inputs), scale)
        return nir.Affine(weights, _drawn(rng, (out,), 0.2)) if bias else nir.Linear(weights)

    nodes = {
        "input": nir.Input({"input": np.array([12])}),
        "fc1": dense(38, 12),
        "lif1.lif": neurons(38),
        "lif1.w_rec": dense(38, 38, 0.7),
        "fc2": dense(7, 38),
        "lif2": neurons(7),
        "output": nir.Output({"output": np.array([7])}),
    }
    forward = [name for name in nodes if name != "lif1.w_rec"]
    edges = [*pairwise(forward), ("lif1.lif", "lif1.w_rec"), ("lif1.w_rec", "lif1.lif")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def lif() -> nir.NIRGraph:
    """Return one neuron behind one weight: tau 2.5 ms, r 1, threshold 0.1."""
    neuron = nir.LIF(*(np.array([value]) for value in (0.0025, 1.0, 0.0, 0.1)))
    return nir.NIRGraph.from_list(nir.Affine(np.array([[1.0]]), np.array([0.0])), neuron)


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    fan_in = np.prod(shape[1:]) if len(shape) > 1 else 1
    return (rng.normal(size=shape) * scale / np.sqrt(fan_in)).astype(np.float32)
