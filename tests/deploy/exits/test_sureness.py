"""How sure an output is, against numbers worked out by hand and scipy's softmax."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from snn_deploy.deploy.exits.sureness import require_rule, sureness
from snn_deploy.support.user_error import UserError


def test_the_margin_is_between_the_two_highest_outputs_and_exact():
    outputs = np.array([[3, 9, 5], [7, 7, -8], [2**62, -(2**62), 2**62 - 1]])
    assert sureness("margin", outputs, 2, None).tolist() == [4, 0, 1]


def test_entropy_and_confidence_are_of_the_softmax_of_mean_outputs():
    outputs = np.random.default_rng(0).integers(-900, 900, (40, 7))
    probabilities = softmax(outputs / 3 / 50.0, axis=1)
    np.testing.assert_allclose(sureness("confidence", outputs, 3, 50.0), probabilities.max(1), rtol=1e-12)
    np.testing.assert_allclose(sureness("entropy", outputs, 3, 50.0), -entropy(probabilities, axis=1), rtol=1e-9)


def test_outputs_that_are_far_apart_are_sure_and_finite():
    outputs = np.array([[10**9, 0, 0]])
    assert sureness("confidence", outputs, 1, 1.0) == 1
    assert sureness("entropy", outputs, 1, 1.0) == 0


def test_another_rule_is_one_line():
    with pytest.raises(UserError, match="rule 'luck': allowed are margin, entropy, confidence"):
        require_rule("luck")
