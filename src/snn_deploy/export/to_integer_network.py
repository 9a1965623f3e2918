"""to_integer_network: all passes in order, from a trained FloatNetwork to an IntegerNetwork."""

from dataclasses import dataclass
from importlib.metadata import version

from snn_deploy.export.integer_network import IntegerNetwork
from snn_deploy.export.passes.absorb_average_pool import absorb_average_pool
from snn_deploy.export.passes.absorb_input_scale import absorb_input_scale
from snn_deploy.export.passes.fold_td_batch_norm import fold_td_batch_norm
from snn_deploy.export.passes.quantize import quantize
from snn_deploy.export.prove_bounds import Bounds, prove_bounds
from snn_deploy.integer_fit import Fit, Limits
from snn_deploy.train.float_network import FloatNetwork


@dataclass(frozen=True)
class Export:
    """An integer network, and per population how its integers were found and the bounds that were proved."""

    network: IntegerNetwork
    fits: dict[str, Fit]
    bounds: dict[str, Bounds]


def fold(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network of plain weights and sum pooling, with integers as its input."""
    return absorb_input_scale(absorb_average_pool(fold_td_batch_norm(network)))


def to_integer_network(network: FloatNetwork, limits: Limits) -> Export:
    """Return the integer network of `network` within `limits`, or a UserError that names what does not fit."""
    provenance = {
        **network.provenance,
        "export": {
            "tool": f"snn-deploy {version('snn-deploy')}",
            "weight_bits": limits.weight_bits,
            "thresholds": "per_channel" if limits.per_channel else "scalar",
        },
    }
    integer, fits = quantize(fold(network), limits, provenance)
    return Export(integer, fits, prove_bounds(integer))
