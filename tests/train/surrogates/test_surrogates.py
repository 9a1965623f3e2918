import pytest
import torch

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.surrogates.dspike import Surrogate as Dspike
from snn_deploy.train.surrogates.esg import Surrogate as Esg
from snn_deploy.train.surrogates.rectangle import Surrogate as Rectangle
from snn_deploy.train.surrogates.tanh import Surrogate as Tanh
from snn_deploy.train.surrogates.triangle import Surrogate as Triangle


def _slopes(surrogate, potentials, sharpness):
    return surrogate.gradient(torch.tensor(potentials), 0.5, sharpness).tolist()


def test_dspike_of_temperature_1_has_the_slopes_of_equation_12():
    assert _slopes(Dspike(), [0.0, 0.5], 1.0) == pytest.approx([0.850918, 1.081977], abs=1e-6)


def test_dspike_of_temperature_3_is_the_surrogate_of_rmp_loss():
    assert _slopes(Dspike(), [0.0, 0.25, 0.5], 3.0) == pytest.approx([0.299465, 0.988654, 1.657187], abs=1e-6)


def test_dspike_is_zero_outside_the_unit_interval():
    assert _slopes(Dspike(), [-0.01, 1.01], 3.0) == [0.0, 0.0]


def test_dspike_of_vanishing_temperature_is_the_identity_in_the_unit_interval():
    assert _slopes(Dspike(), [0.0, 0.3, 1.0], 1e-3) == pytest.approx([1, 1, 1], abs=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0, 8.0])
def test_dspike_slopes_integrate_to_one(temperature):
    potentials = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    slopes = Dspike().gradient(potentials, 0.5, temperature)
    assert torch.trapezoid(slopes, potentials).item() == pytest.approx(1.0, abs=1e-6)


def test_esg_of_sharpness_1_and_10_has_the_slopes_of_the_appendix():
    assert _slopes(Esg(), [0.0, 0.25, 0.5], 1.0) == pytest.approx([0.393224, 0.470007, 0.5], abs=1e-6)
    assert _slopes(Esg(), [0.0, 0.25, 0.5], 10.0) == pytest.approx([0.000908, 0.132961, 5.0], abs=1e-6)


def test_esg_sharpness_with_bounds_1_and_10_is_a_power_of_ten():
    sharpness = [Esg().sharpness(epoch, 10) for epoch in range(1, 11)]
    assert sharpness == pytest.approx([10 ** (i / 10) for i in range(10)])
    assert sharpness[1] == pytest.approx(1.258925, abs=1e-6)
    assert sharpness[9] == pytest.approx(7.943282, abs=1e-6)


def test_rectangle_is_one_strictly_inside_its_width():
    assert _slopes(Rectangle(), [0.0, 0.01, 0.5, 0.99, 1.0], 1.0) == pytest.approx([0, 1, 1, 1, 0])


def test_rectangle_keeps_its_area_at_any_width():
    surrogate = Rectangle(width=0.5)
    assert _slopes(surrogate, [0.3, 0.5, 0.8], surrogate.sharpness(1, 1)) == pytest.approx([2, 2, 0])


@pytest.mark.parametrize("name", plugin_names("train.surrogates"))
def test_every_surrogate_is_finite_and_not_negative_and_leaves_potentials_alone(name):
    surrogate = load_plugin("train.surrogates", name).Surrogate()
    potentials = torch.linspace(-100, 100, 2001)
    before = potentials.clone()
    for epoch in (1, 5, 10):
        slopes = surrogate.gradient(potentials, 0.5, surrogate.sharpness(epoch, 10))
        assert slopes.shape == potentials.shape
        assert torch.isfinite(slopes).all()
        assert (slopes >= 0).all()
    assert torch.equal(potentials, before)


def test_triangle_falls_from_its_height_at_the_threshold_to_zero_at_rest_and_at_twice_the_threshold():
    assert _slopes(Triangle(), [-0.1, 0.0, 0.25, 0.5, 0.75, 1.0, 1.1], 1.0) == pytest.approx([0, 0, 0.5, 1, 0.5, 0, 0])


def test_tanh_is_esg_with_a_fixed_steepness():
    surrogate = Tanh(steepness=10.0)
    assert [surrogate.sharpness(epoch, 10) for epoch in (1, 10)] == [10.0, 10.0]
    assert _slopes(surrogate, [0.0, 0.25, 0.5], 10.0) == pytest.approx([0.000908, 0.132961, 5.0], abs=1e-6)
