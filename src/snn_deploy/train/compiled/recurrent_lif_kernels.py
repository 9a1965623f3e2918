"""recurrent_lif_kernels: one step of leaky integrate-and-fire neurons that feed themselves, compiled.

Arrays are float32, (batch, neurons). Between two steps stands the product with the recurrent weights, or the
convolution, which fused_recurrent_lif.py leaves to torch. The plain form is SpikingNetwork's loop over Neuron.step.
"""

import numpy as np
from numba import njit

from snn_deploy.train.compiled.lif_kernels import add_statistics, step_back
from snn_deploy.train.compiled.norm_kernels import COMPILED, IN_ORDER


@njit(cache=True, **COMPILED)
def step(currents, feedback, keep, least, left, potentials, spikes, statistics):  # type: ignore[no-untyped-def]
    """Write the potentials before the reset and the spikes of a step; advance `left`, and add to `statistics`.

    feedback: the currents that the layer's own spikes bring; (0, 0) where there are none yet. left: what the reset left
    of the potentials of the step before. statistics: as in lif_kernels.forward.
    """
    for b in range(len(left)):
        if len(feedback):
            _advance_fed(currents[b], feedback[b], keep, least, left[b], potentials[b], spikes[b])
        else:
            _advance(currents[b], keep, least, left[b], potentials[b], spikes[b])
        add_statistics(potentials[b], spikes[b], statistics)


@njit(cache=True, **IN_ORDER)  # sums as in the plain form, so that the spikes are the same
def _advance_fed(currents, feedback, keep, least, left, potentials, spikes):  # type: ignore[no-untyped-def]
    for i in range(len(left)):
        potential = (currents[i] + feedback[i]) + keep * left[i]
        fires = potential >= least
        potentials[i] = potential
        spikes[i] = np.float32(1) if fires else np.float32(0)
        left[i] = np.float32(0) if fires else potential


@njit(cache=True, **IN_ORDER)
def _advance(currents, keep, least, left, potentials, spikes):  # type: ignore[no-untyped-def]
    for i in range(len(left)):
        potential = currents[i] + keep * left[i]
        fires = potential >= least
        potentials[i] = potential
        spikes[i] = np.float32(1) if fires else np.float32(0)
        left[i] = np.float32(0) if fires else potential


@njit(cache=True, **COMPILED)
def back(  # type: ignore[no-untyped-def]
    potentials, spikes, keep, threshold, fill_slopes, sharpness, by_spikes, by_potential, by_error, by_square, by_spike,
    later, by_currents,
):  # fmt: skip
    """Write the gradient with respect to the currents of a step, which is that with respect to its potentials.

    fill_slopes: of lif_kernels.slopes_kernel. by_spikes: what comes through the connections. later: the gradient of the
    next step; this one afterwards.
    """
    slopes = np.empty(later.shape[1], np.float32)
    for b in range(len(later)):
        row, target = potentials[b], by_currents[b]
        fill_slopes(row, threshold, sharpness, slopes)
        step_back(row, spikes[b], by_spikes[b], slopes, keep, by_potential, by_error, by_square, by_spike, later[b])
        for i in range(len(slopes)):
            target[i] = later[b, i]
