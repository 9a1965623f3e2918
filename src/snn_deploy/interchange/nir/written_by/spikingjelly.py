"""SpikingJelly 2.0 (nir_exchange/to_nir.py): forward Euler with 1e-4 s; its neurons fire at their threshold too."""

from snn_deploy.interchange.nir.convention import Convention

CONVENTION = Convention("SpikingJelly", fires_at_threshold=True)
