"""Schedule `constant`: the learning rate stays as it is."""


def factor(share: float) -> float:
    """Return the factor of the learning rate after `share` of the training: 1."""
    return 1.0
