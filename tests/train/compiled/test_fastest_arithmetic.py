import pytest
import torch

from snn_deploy.train.compiled import fastest_arithmetic, int8_synapses
from snn_deploy.train.compiled.arithmetic import EVERY_ARITHMETIC


@pytest.fixture(autouse=True)
def measured_anew():
    fastest_arithmetic.fastest_arithmetic.cache_clear()
    yield
    fastest_arithmetic.fastest_arithmetic.cache_clear()


@pytest.mark.parametrize(
    ("forward", "backward", "expected"),
    [
        (2.0, 2.0, "int8-bfloat16"),
        (2.0, 0.4, "int8"),  # VNNI without bfloat16
        (1.1, 1.9, "float32"),
        (0.9, 0.9, "float32"),
    ],
)
def test_a_format_is_chosen_only_where_it_is_clearly_faster(monkeypatch, forward, backward, expected):
    monkeypatch.setattr(int8_synapses, "works_here", lambda: True)
    monkeypatch.setattr(fastest_arithmetic, "_speedups", lambda: (forward, backward))
    assert fastest_arithmetic.fastest_arithmetic() == expected


def test_nothing_is_measured_where_int8_is_not_exact(monkeypatch):
    monkeypatch.setattr(int8_synapses, "works_here", lambda: False)
    monkeypatch.setattr(fastest_arithmetic, "_speedups", lambda: pytest.fail("measured"))
    assert fastest_arithmetic.fastest_arithmetic() == "float32"


def test_measuring_leaves_torch_as_it_was():
    before, state = torch.get_num_threads(), torch.get_rng_state()
    try:
        torch.set_num_threads(2)
        assert fastest_arithmetic.fastest_arithmetic() in EVERY_ARITHMETIC
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(before)
