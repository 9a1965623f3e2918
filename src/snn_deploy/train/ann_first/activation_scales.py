"""activation_scales: how large an activation of each layer becomes a spike in every step.

A percentile of the activations, not their maximum, which a single outlier moves (Rueckauer et al. 2017, Sec. 2.2.2;
Dspike Sec. 2). Larger activations saturate.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from torch import Tensor

from snn_deploy.train.networks.network_plan import NetworkPlan


def activation_scales(
    plan: NetworkPlan, batches: Iterable[Mapping[str, Tensor]], percentile: float
) -> dict[str, float]:
    """Return layer -> the scale of its activations, for the input and every hidden layer.

    batches: of hidden layer -> activations, (batch, *shape). The percentile is the mean over the batches of each one's,
    so that not all activations are held at once; where that is 0 the largest activation counts, and 1 where all are 0.
    Layers that a fixed shortcut joins share the largest of their scales: its weight cannot take up a quotient. The
    input's values are what they are, so its scale is 1.
    """
    found: dict[str, list[tuple[float, float]]] = {p.name: [] for p in plan.populations[:-1]}
    for batch in batches:
        for name, activations in batch.items():
            values = activations.detach().cpu().numpy()
            found[name].append((float(np.percentile(values, percentile)), float(values.max())))
    own = {}
    for name, pairs in found.items():
        of_percentile, largest = np.mean([p for p, _ in pairs]), max(most for _, most in pairs)
        own[name] = float(of_percentile) or largest or 1.0
    scales: dict[str, float] = {}
    for group in _joined(plan):
        shared = 1.0 if plan.input.name in group else max(own[name] for name in group)
        scales |= dict.fromkeys(group, shared)
    return scales


def _joined(plan: NetworkPlan) -> list[set[str]]:
    """Return the input and the hidden layers in groups that fixed shortcuts join."""
    groups = [{name} for name in (plan.input.name, *(p.name for p in plan.populations[:-1]))]
    for connection in plan.connections:
        if connection.is_fixed:
            both = [group for group in groups if connection.source in group or connection.target in group]
            groups = [group for group in groups if group not in both] + [set().union(*both)]
    return groups
