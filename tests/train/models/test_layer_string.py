import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.models.layer_string import Model


def test_papers_notation_gives_its_layers_and_their_number_of_weights():
    plan = Model("16C3-P2-32C3-P2-10").plan((1, 28, 28), 10)
    assert [(p.name, p.shape, p.fires) for p in plan.populations] == [
        ("conv1", (16, 28, 28), True),
        ("conv2", (32, 14, 14), True),
        ("output", (10,), False),
    ]
    assert [c.pool for c in plan.connections] == [(1, 1), (2, 2), (2, 2)]
    assert plan.parameters == 16 * 9 + 32 * 16 * 9 + 10 * 32 * 49


def test_height_and_width_of_a_kernel_a_stride_and_a_window_may_differ():
    plan = Model("8C1x5S1x2-P1x4-6C3x1-10").plan((3, 5, 40), 10)
    assert [p.shape for p in plan.populations] == [(8, 5, 20), (6, 5, 5), (10,)]
    assert [c.weights_shape[2:] for c in plan.connections[:2]] == [(1, 5), (3, 1)]
    assert [c.padding for c in plan.connections[:2]] == [(0, 2), (1, 0)]
    assert [c.pool for c in plan.connections] == [(1, 1), (1, 4), (1, 1)]
    assert Model("8C3x3S2x2-P2x2-10").plan((1, 8, 8), 10) == Model("8C3S2-P2-10").plan((1, 8, 8), 10)


def test_the_output_layer_may_be_left_out_as_the_papers_do():
    assert Model("15C5-P2-40C5-P2-300").plan((1, 28, 28), 10) == Model("15C5-P2-40C5-P2-300-10").plan((1, 28, 28), 10)


def test_the_output_has_no_norm_and_every_other_layer_has():
    plan = Model("8C3S2-20-10").plan((3, 32, 32), 10)
    assert [c.has_norm for c in plan.connections] == [True, True, False]
    assert plan.connections[0].stride == (2, 2)


def test_a_layer_feeds_itself_through_a_kernel_of_its_own_size_that_keeps_the_map():
    plan = Model("8C3x5S2R-P2-20R-10").plan((3, 32, 32), 10)
    assert [c.name for c in plan.connections] == [
        "input-conv1",
        "conv1-conv1",
        "conv1-dense2",
        "dense2-dense2",
        "dense2-output",
    ]
    loop = plan.connections[1]
    assert (loop.weights_shape, loop.stride, loop.padding, loop.delay) == ((8, 8, 3, 5), (1, 1), (1, 2), 1)
    assert plan.populations[0].shape == (8, 16, 16)
    assert [c.weights_shape for c in plan.connections[2:]] == [(20, 512), (20, 20), (10, 20)]
    assert [c.has_norm for c in plan.connections] == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("16C4R-10", "odd kernels"),
        ("16C3RS2-10", "R behind a convolution or a dense layer"),
        ("16C3-MP2-10", "max pooling"),
        ("16C4-10", "odd kernels"),
        ("16C1x4-10", "odd kernels"),
        ("16C3S1x0-10", "a stride from 1"),
        ("16C3-P1x29-10", "pooling needs a map"),
        ("16C3x-10", "allowed are nCk"),
        ("16C3-P64-10", "pooling needs a map"),
        ("100-16C3-10", "before the dense layers"),
        ("16K3-10", "allowed are nCk"),
        ("0-10", "allowed are nCk"),
    ],
)
def test_a_wrong_word_is_named_with_what_is_allowed(layers, expected):
    with pytest.raises(UserError, match=expected):
        Model(layers).plan((1, 28, 28), 10)


def test_a_last_number_that_is_not_the_number_of_classes_is_told_to_be_a_hidden_layer():
    note = Model("8C3-P2-3").note(5001)
    assert note == (
        "model.layers ends with 3, and the data has 5001 classes: 3 is a hidden layer, and 5001 outputs follow it."
    )
    assert Model("8C3-P2-3").note(3) is None
    assert Model("8C3-P2").note(3) is None
