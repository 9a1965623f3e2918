"""sureness: how sure the output of a sample is in a step, by one of three rules; a larger number is surer.

margin: the difference of the two highest outputs, a whole number that a host or an embedded processor has with two
comparisons. entropy: minus the entropy of their softmax, in nats. confidence: the largest probability of the softmax
(SEENN-I, Li et al., NeurIPS 2023). The softmax is of the outputs divided by the number of the step, with which they
grow, and by a temperature, which fit_exits.py finds.
"""

from typing import Literal, get_args

import numpy as np

from snn_deploy.network.field_check import shown
from snn_deploy.support.user_error import UserError

Rule = Literal["margin", "entropy", "confidence"]
RULES: tuple[Rule, ...] = get_args(Rule)


def sureness(rule: Rule, outputs: np.ndarray, step: int, temperature: float | None) -> np.ndarray:
    """Return (samples,), int64 by margin and float64 by the others, of the outputs after `step`, (samples, classes).

    temperature: of the softmax, in the unit of the outputs; margin takes none.
    """
    if rule == "margin":
        two = np.partition(outputs.astype(np.int64), -2, axis=-1)[..., -2:]
        return np.asarray(two[..., 1] - two[..., 0])
    assert temperature is not None  # a policy of such a rule has one
    logs = log_probabilities(outputs, step * temperature)
    if rule == "confidence":
        return np.asarray(np.exp(logs.max(-1)))
    return np.asarray((np.exp(logs) * logs).sum(-1))


def log_probabilities(outputs: np.ndarray, temperature: float) -> np.ndarray:
    """Return the logarithm of the softmax of outputs / temperature, float64, of their shape."""
    scaled = (outputs - outputs.max(-1, keepdims=True)) / temperature
    return np.asarray(scaled - np.log(np.exp(scaled).sum(-1, keepdims=True)))


def require_rule(rule: str) -> None:
    """Raise UserError unless `rule` is one."""
    if rule not in RULES:
        raise UserError(f"rule {shown(rule)}: allowed are {', '.join(RULES)}.")
