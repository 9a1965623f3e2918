"""snnTorch 1.0 (export_nir.py): forward Euler with 1e-4 s, r and w_in such that weights stay what they are."""

from snn_deploy.interchange.nir.convention import Convention

CONVENTION = Convention(
    "snnTorch",
    unsaid="reset_mechanism and reset_delay: 'subtract' with reset_delay is --reset subtract-later",
)
