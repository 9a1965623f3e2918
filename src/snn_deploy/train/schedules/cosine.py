"""Schedule `cosine`: the learning rate falls along half a cosine to 0 (all four papers)."""

import math


def factor(share: float) -> float:
    """Return the factor of the learning rate after `share` of the training: 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * share))
