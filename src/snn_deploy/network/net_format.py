"""net_format: the numbers of lava-dl's .net format that its writer and its reader here share."""

from snn_deploy.network.state_units import STATE_UNIT

LARGEST_DELAY = 62  # steps; lava/lib/dl/netx/hdf5.py, create_dense
BIAS_UNIT = STATE_UNIT  # lava-dl's reader gives biases the exponent 6 (netx/hdf5.py, get_neuron_params)
LARGEST_BIAS = (2**12 - 1) * BIAS_UNIT  # mantissas of 13 bits with the sign (Lava lif/models.py)
