"""state_units: the units that a chip's states are counted in, and how far they go.

Read in Lava's fixed-point LIF (lava/proc/lif/models.py: act_shift, decay_unity, effective bounds of u and v).
"""

STATE_SHIFT = 6  # a weight or threshold of 1 is 2^6 units of current and potential
STATE_UNIT = 2**STATE_SHIFT
DECAY_UNITY = 4096  # a keep of 4096 leaves a state as it is
LARGEST_THRESHOLD = 2**17 - 1  # threshold mantissas have 17 bits
NEVER_FIRES = LARGEST_THRESHOLD + 1  # above every potential: a neuron of this threshold only integrates
STATE_HALF = 2**23  # currents and potentials have 24 bits: currents wrap beyond it
LARGEST_STATE = STATE_HALF - 1  # where potentials saturate
EXACT_IN_FLOAT32 = 2**24  # a sum of whole numbers below it is exact in single precision
