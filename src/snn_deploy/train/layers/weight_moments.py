"""weight_moments: mean and variance of the weights of each output channel, over the synapses that there are."""

from torch import Tensor


def weight_moments(weights: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return (mean, variance) over the inputs of each output channel, both (channels, 1, ...); differentiable.

    kept: as of ChannelNormModule.effective_weights. A channel without synapses has 0 and 0.
    """
    mean, rows = mean_weight(weights, kept), list(range(1, weights.ndim))
    if kept is None:
        return mean, weights.var(rows, keepdim=True, correction=0)
    squares = ((weights - mean) * kept).square()
    return mean, squares.sum(rows, keepdim=True) / synapses_of(kept).clamp(min=1)


def mean_weight(weights: Tensor, kept: Tensor | None) -> Tensor:
    """Return the first of what `weight_moments` returns."""
    rows = list(range(1, weights.ndim))
    if kept is None:
        return weights.mean(rows, keepdim=True)
    return (weights * kept).sum(rows, keepdim=True) / synapses_of(kept).clamp(min=1)


def synapses_of(kept: Tensor) -> Tensor:
    """Return how many synapses each output channel has, (channels, 1, ...)."""
    return kept.sum(list(range(1, kept.ndim)), keepdim=True)
