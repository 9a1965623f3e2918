"""The papers' networks: their layers, numbers of weights and multiply-accumulates, from the papers' own figures."""

import itertools
import math

import pytest

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.user_error import UserError
from snn_deploy.train.models.layer_string import Model as LayerString

CIFAR, IMAGENET = (3, 32, 32), (3, 224, 224)


def plan_of(name, shape=CIFAR, classes=10, **options):
    return load_plugin("train.models", name).Model(**options).plan(shape, classes)


def shapes_of(plan):
    return {plan.input.name: plan.input.shape} | {p.name: p.shape for p in plan.populations}


def multiply_accumulates(plan):
    """Count as papers do: every kernel at every position, padding included; identities multiply nothing."""
    shapes = shapes_of(plan)
    return sum(
        math.prod(c.weights_shape) * math.prod(shapes[c.target][1:]) for c in plan.connections if c.fixed_weight is None
    )


def convolutions(*channels, kernel=3):
    """Return the weights of a chain of convolutions."""
    return sum(a * b * kernel**2 for a, b in itertools.pairwise(channels))


def block_weights(source, channels, blocks):
    """Return the weights of a stage; a change of channels needs a 1x1 shortcut."""
    shortcut = source * channels if source != channels else 0
    return convolutions(source, *[channels] * 2 * blocks) + shortcut


RESNET_STAGES = block_weights(64, 64, 2) + block_weights(64, 128, 2) + block_weights(128, 256, 2)
RESNET_STAGES += block_weights(256, 512, 2)
VGG16 = convolutions(3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)


@pytest.mark.parametrize(
    ("name", "shape", "classes", "weights"),
    [
        ("cifarnet", CIFAR, 10, convolutions(3, 128, 256, 512, 1024, 512) + 512 * 64 * 1024 + 1024 * 512 + 5120),
        ("vgg11", CIFAR, 10, convolutions(3, 128, 128, 256, 256, 256, 512, 512, 512) + 8192 * 2048 + 2048 * 2058),
        ("vgg16", CIFAR, 10, VGG16 + 2048 * 4096 + 4096 * 4106),
        # torchvision's 138,357,544 parameters without 4,224 + 9,192 biases
        ("vgg16", IMAGENET, 1000, 138_357_544 - 13_416),
        ("resnet18", CIFAR, 10, convolutions(3, 64, 64, 64) + RESNET_STAGES + 5120),
        # torchvision's 11,689,512 parameters without 1000 biases and a gain and a shift of 4,800 channels
        ("resnet18", IMAGENET, 1000, 11_689_512 - 1000 - 2 * 4800),
        (
            "resnet19",
            CIFAR,
            10,
            convolutions(3, 128)
            + block_weights(128, 128, 3)
            + block_weights(128, 256, 3)
            + block_weights(256, 512, 2)
            + 512 * 256
            + 2560,
        ),
        ("resnet20", CIFAR, 10, convolutions(3, 64, 64, 64) + RESNET_STAGES + 20480),
        # torchvision's 21,797,672 parameters without 1000 biases and a gain and a shift of 8,512 channels
        ("resnet34", IMAGENET, 1000, 21_797_672 - 1000 - 2 * 8512),
    ],
)
def test_a_network_has_as_many_weights_as_its_layers_by_hand(name, shape, classes, weights):
    assert plan_of(name, shape, classes).parameters == weights


@pytest.mark.parametrize(
    ("name", "shape", "classes", "millions"),
    [
        ("resnet19", CIFAR, 10, 2285),  # Dspike Table 3
        ("resnet18", CIFAR, 10, 187),  # Dspike Table 3
        ("resnet34", IMAGENET, 1000, 3664),  # torchvision's 3.66 GFLOPs
        ("resnet18", IMAGENET, 1000, 1814),  # torchvision's 1.81 GFLOPs
        ("vgg16", IMAGENET, 1000, 15470),  # torchvision's 15.47 GFLOPs
    ],
)
def test_a_network_needs_the_multiply_accumulates_that_are_published(name, shape, classes, millions):
    assert round(multiply_accumulates(plan_of(name, shape, classes)) / 1e6) == pytest.approx(millions, abs=0.5)


@pytest.mark.parametrize(
    ("name", "in_a_row"),
    [
        ("cifarnet", 8),
        ("vgg11", 11),
        ("vgg16", 16),
        ("resnet18", 20),  # the 18 of the name, with three stem layers in place of one
        ("resnet19", 19),
        ("resnet20", 20),
        ("resnet34", 34),
    ],
)
def test_a_network_is_as_deep_as_its_name_says(name, in_a_row):
    assert len(plan_of(name).populations) == in_a_row


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("resnet18", {"stem1": (64, 32, 32), "stem3": (64, 16, 16), "stage4_block2": (512, 2, 2)}),
        ("resnet19", {"stem1": (128, 32, 32), "stage1_block3": (128, 32, 32), "stage3_block2": (512, 8, 8)}),
        ("resnet20", {"stem3": (64, 32, 32), "stage1_block1": (64, 16, 16), "stage4_block2": (512, 2, 2)}),
    ],
)
def test_maps_have_the_papers_sizes(name, maps):
    shapes = shapes_of(plan_of(name))
    assert {layer: shapes[layer] for layer in maps} == maps


def test_imagenet_networks_read_224_pixels_as_he_et_al():
    shapes = shapes_of(plan_of("resnet34", IMAGENET, 1000))
    assert [shapes[n] for n in ("stem1", "stage1_block1", "stage2_block1", "stage3_block6", "stage4_block3")] == [
        (64, 112, 112),
        (64, 56, 56),
        (128, 28, 28),
        (256, 14, 14),
        (512, 7, 7),
    ]


@pytest.mark.parametrize("name", [n for n in plugin_names("train.models") if n.startswith("resnet")])
@pytest.mark.parametrize("shape", [CIFAR, IMAGENET], ids=["cifar", "imagenet"])
def test_residual_blocks_join_currents_before_the_neurons(name, shape):
    plan = plan_of(name, shape)
    for population in plan.populations:
        arriving = [c for c in plan.connections if c.target == population.name]
        is_block_end = "block" in population.name and not population.is_inner_residual
        assert len(arriving) == (2 if is_block_end else 1)
        assert population.is_inner_residual == population.name.endswith("_inner")


def test_a_shortcut_between_like_shapes_passes_spikes_on_untrained_and_others_are_normed_convolutions():
    plan = plan_of("resnet19")
    connections = {c.name: c for c in plan.connections}
    like, unlike = connections["stem1-stage1_block1"], connections["stage1_block3-stage2_block1"]
    assert (like.weights_shape, like.groups, like.fixed_weight, like.has_norm) == ((128, 1, 1, 1), 128, 2.0, False)
    assert (unlike.weights_shape, unlike.stride, unlike.has_norm) == ((256, 128, 1, 1), (2, 2), True)


def test_dspikes_shortcut_pools_before_its_convolution():
    connections = {c.name: c for c in plan_of("resnet18").connections}
    shortcut = connections["stage1_block2-stage2_block1"]
    assert (shortcut.pool, shortcut.stride, shortcut.weights_shape) == ((2, 2), (1, 1), (128, 64, 1, 1))


def test_two_normed_currents_that_join_are_together_as_large_as_one():
    plan = plan_of("resnet19")
    for population in plan.populations[:-1]:
        normed = [c.norm_scale**2 for c in plan.connections if c.target == population.name and c.has_norm]
        assert sum(normed) == pytest.approx(1)


@pytest.mark.parametrize(
    "name", [n for n in plugin_names("train.models") if n not in ("layer_string", "filtered_output")]
)
def test_width_makes_a_network_narrower_and_leaves_its_layers(name):
    narrow, whole = plan_of(name, width=8), plan_of(name)
    assert [p.name for p in narrow.populations] == [p.name for p in whole.populations]
    assert narrow.parameters < whole.parameters


@pytest.mark.parametrize(
    ("layers", "shape", "weights"),
    [
        ("15C5-P2-40C5-P2-300", (1, 28, 28), 15 * 25 + 15 * 40 * 25 + 40 * 49 * 300 + 3000),
        ("32C5-P2-64C5-P2-1024", (1, 28, 28), 32 * 25 + 32 * 64 * 25 + 64 * 49 * 1024 + 10240),
        ("12C5-P2-64C5-P2", (2, 34, 34), 2 * 12 * 25 + 12 * 64 * 25 + 64 * 64 * 10),
    ],
)
def test_the_small_networks_of_the_time_based_paper_are_layer_strings(layers, shape, weights):
    assert LayerString(layers).plan(shape, 10).parameters == weights


@pytest.mark.parametrize("name", ["resnet19", "vgg16"])
def test_inputs_that_are_no_images_are_a_users_mistake(name):
    with pytest.raises(UserError):
        plan_of(name, (64,))


def test_images_too_small_for_the_network_are_a_users_mistake():
    with pytest.raises(UserError, match=r"pooling needs a map|nothing is left"):
        plan_of("vgg16", (1, 8, 8))
