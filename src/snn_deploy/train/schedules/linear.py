"""Schedule `linear`: the learning rate falls along a line to 0."""


def factor(share: float) -> float:
    """Return the factor of the learning rate after `share` of the training: 1 to 0."""
    return 1 - share
