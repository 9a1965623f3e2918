"""finite_difference: the gradient of the loss over a small but not infinitely small step, weight by weight.

Li et al., "Differentiable Spike", NeurIPS 2021, Eq. 10 and Sec. 4.2-4.3: a spiking network's true gradient is zero
almost everywhere; how its loss changes over a step of about 0.1 is what a surrogate gradient should tell.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def finite_difference_gradient(loss: Callable[[], float], weights: Tensor, chosen: Tensor, epsilon: float) -> Tensor:
    """Return (loss(w + epsilon) - loss(w - epsilon)) / (2 epsilon) for the `chosen` indices of the flat `weights`.

    loss: of the network as its weights are at the call; two calls per chosen weight. The weights are left as found.
    """
    flat = weights.detach().view(-1)
    gradient = torch.empty(len(chosen), dtype=torch.float64)
    for i, index in enumerate(chosen.tolist()):
        before = flat[index].item()
        try:
            flat[index] = before + epsilon
            above = loss()
            flat[index] = before - epsilon
            gradient[i] = (above - loss()) / (2 * epsilon)
        finally:
            flat[index] = before
    return gradient


def best_sharpness(
    candidates: list[float], surrogate_gradient: Callable[[float], Tensor], finite_difference: Tensor
) -> float:
    """Return the candidate whose surrogate gradient points most nearly where the finite difference does.

    Cosine similarity; the first of equals, so put the present value first.
    """
    similarities = [
        torch.nn.functional.cosine_similarity(surrogate_gradient(c).double().cpu(), finite_difference, dim=0).item()
        for c in candidates
    ]
    return candidates[similarities.index(max(similarities))]
