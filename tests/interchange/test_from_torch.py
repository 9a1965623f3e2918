"""A torch module and the FloatNetwork that is made of it fire the same spikes.

Weights are multiples of 1/8 and decays of 1/4, so that float32 makes no rounding error and every spike must be equal.
"""

import numpy as np
import pytest
import torch
from torch import nn

import snn_deploy
from snn_deploy.interchange.comparison import SourceComparison
from snn_deploy.interchange.from_torch import from_torch
from snn_deploy.network.float_semantics import run
from snn_deploy.support.user_error import UserError
from snn_deploy.train.layers.lif_module import LIF, reset

STEPS = 8


def on_eighths(module, seed=0):
    """Put every weight and bias on multiples of 1/8; return the module."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                for parameter in layer.parameters():
                    parameter.copy_(torch.tensor(rng.integers(-8, 9, parameter.shape) / 8))
    return module


def require_equal_spikes(module, input_shape, *, sums=False, seed=1):
    """Compare every output of `module` on random spikes with the network made of it; return the network."""
    module.eval()
    network = from_torch(module, input_shape, STEPS, largest_value=1)
    frames = np.random.default_rng(seed).integers(0, 2, (STEPS, 5, *input_shape))
    with torch.no_grad():
        outputs = [module(torch.tensor(frame, dtype=torch.float32)) for frame in frames]
    theirs = np.stack([(o[0] if isinstance(o, tuple) else o).numpy() for o in outputs])
    trace = run(network, frames)
    name = network.output.name
    if sums:
        np.testing.assert_allclose(trace.potentials[name][-1], theirs.sum(axis=0), rtol=1e-5, atol=1e-5)
        return network
    assert 0 < theirs.mean() < 1, "the test would compare nothing"
    np.testing.assert_array_equal(trace.spikes[name], theirs)
    return network


def test_own_neurons_pooling_on_both_sides_and_nested_sequentials():
    block = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.AvgPool2d(2), LIF(0.5, 1.0), nn.Dropout(0.3))
    net = nn.Sequential(
        block, nn.AvgPool2d(2), nn.Conv2d(4, 4, 1, groups=2), nn.Identity(), LIF(0.25),
        nn.Flatten(), nn.Linear(16, 5, bias=False), LIF(0.75, 1.0, fires_at_threshold=False),
    )  # fmt: skip
    network = require_equal_spikes(on_eighths(net), (2, 8, 8))
    assert [p.name for p in network.populations] == ["0.2", "4", "7"]
    assert [c.name for c in network.connections] == ["0.0", "2", "6"]


def test_a_module_that_ends_in_weights_sums_them_over_the_steps():
    net = on_eighths(nn.Sequential(nn.Linear(6, 8), LIF(0.5, 1.0), nn.Linear(8, 3)))
    network = require_equal_spikes(net, (6,), sums=True)
    assert network.output.name == "output" and not network.output.fires


def test_batch_norm_after_a_bias_is_folded_into_weights_and_bias():
    norm = nn.BatchNorm2d(4, eps=0.0)
    norm.running_mean[:] = torch.tensor([0.5, -0.25, 0.0, 1.0])
    norm.running_var[:] = torch.tensor([1.0, 4.0, 0.25, 1.0])
    with torch.no_grad():
        norm.bias[:] = torch.tensor([0.25, 0.5, -0.25, 0.0])
    net = on_eighths(nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.AvgPool2d(2), LIF(0.5, 0.5)))
    network = require_equal_spikes(net, (1, 8, 8))
    assert network.connections[0].norm is None
    assert network.populations[0].bias.all()


def test_own_neurons_pass_gradients_back_in_time():
    net = on_eighths(nn.Sequential(nn.Linear(4, 6), LIF(0.5, 1.0), nn.Linear(6, 2)))
    frames = torch.tensor(np.random.default_rng(0).integers(0, 2, (4, 3, 4)), dtype=torch.float32)
    sum(net(f) for f in frames).square().sum().backward()
    first = net[0].weight.grad.clone()
    assert first.abs().sum() > 0
    net.zero_grad()
    reset(net)
    net(frames[3]).square().sum().backward()
    assert not torch.equal(first, net[0].weight.grad)


@pytest.mark.parametrize(
    "neuron",
    [
        {"reset_mechanism": "zero"},
        {"reset_mechanism": "zero", "reset_delay": False},
        {"reset_mechanism": "subtract"},
        {"reset_mechanism": "none"},
        {"reset_mechanism": "subtract", "beta": 1.0},
    ],
)
def test_leaky_of_snntorch_in_every_reset(neuron):
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group frameworks has it)")
    fields = {"beta": 0.5, "init_hidden": True} | neuron
    net = nn.Sequential(nn.Conv2d(1, 3, 3), snntorch.Leaky(threshold=0.75, **fields), nn.AvgPool2d(2), nn.Flatten(),
                        nn.Linear(27, 6, bias=False), snntorch.Leaky(**fields))  # fmt: skip
    require_equal_spikes(on_eighths(net), (1, 8, 8))


@pytest.mark.parametrize("neuron", [{"reset_mechanism": "zero", "reset_delay": False}, {"beta": 1.0}])
def test_synaptic_of_snntorch_with_a_bias_of_its_current_from_a_neuron_that_is_always_on(neuron):
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group frameworks has it)")
    fields = {"alpha": 0.5, "beta": 0.75, "threshold": torch.full((6,), 3.0), "init_hidden": True} | neuron
    net = nn.Sequential(nn.Linear(9, 6), snntorch.Synaptic(**fields))
    network = require_equal_spikes(on_eighths(net), (9,))
    assert network.populations[0].name == "always_on"
    snn_deploy.export(network)  # a bias of a current is refused there, a spike is not


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("IFNode", {}),
        ("IFNode", {"v_reset": None}),
        ("LIFNode", {"tau": 2.0}),
        ("LIFNode", {"tau": 4.0, "decay_input": False, "v_reset": -0.5}),
        ("LIFNode", {"tau": 2.0, "decay_input": False, "v_reset": None}),
        ("ParametricLIFNode", {"init_tau": 2.0}),
    ],
)
def test_neurons_of_spikingjelly(kind, fields):
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron", reason="spikingjelly is not installed")
    layer = pytest.importorskip("spikingjelly.activation_based.layer")
    make = getattr(neuron, kind)
    net = nn.Sequential(layer.Conv2d(1, 3, 3), make(**fields), layer.AvgPool2d(2), layer.Flatten(),
                        layer.Linear(27, 6), make(**fields))  # fmt: skip
    require_equal_spikes(on_eighths(net), (1, 8, 8))


class _Sigmoid(nn.Module):
    def forward(self, x):
        return torch.sigmoid(x)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([nn.Linear(4, 4), _Sigmoid(), LIF()], r"1 \(_Sigmoid\), test_from_torch.py, line \d+: torch's sigmoid"),
        ([nn.Linear(4, 4), nn.ReLU(), LIF()], r"1 \(ReLU\).*: torch's relu has no counterpart"),
        ([nn.Linear(3, 4), LIF()], r"raised RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        ([nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False), LIF()], "statistics of the batch"),
        ([nn.Dropout()], "no spiking neurons"),
        ([nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), LIF()], r"0 \(Conv2d\).*something else than zeros"),
        ([nn.AvgPool2d(3, padding=1, count_include_pad=False), LIF()], r"0 \(AvgPool2d\).*padding that does not count"),
        ([nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), LIF()], r"1 \(MaxPool2d\).*max pooling of what is no spike"),
        ([nn.MaxPool2d(2), LIF()], r"0 \(MaxPool2d\).*max pooling of what is no spike"),  # of pixels
        ([nn.Linear(4, 2), nn.GRU(2, 2)], "Sequential cannot be taken"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_module_and_line(layers, reason):
    shape = (1, 6, 6) if isinstance(layers[0], nn.Conv2d | nn.AvgPool2d | nn.MaxPool2d) else (4,)
    with pytest.raises(UserError, match=reason):
        from_torch(nn.Sequential(*layers), shape, STEPS)


class _Loop(nn.Module):
    """Shows a frame in each of five steps of its own."""

    def __init__(self):
        super().__init__()
        self.conv, self.lif = nn.Conv2d(1, 2, 3), LIF(0.5, 0.1)

    def forward(self, x):
        return torch.stack([self.lif(self.conv(x)) for _ in range(5)])


@pytest.mark.parametrize(
    ("shape", "steps", "reason"),
    [
        ((1, 6, 6), 7, r"_Loop cannot be taken: it runs several steps in one call: lif ran 5 times, and steps is 7"),
        (
            (6, 6),
            5,
            r"conv \(Conv2d\).*: 2 axes of a sample and step; the layer takes 3. An image of one channel is \(1",
        ),
    ],
)
def test_a_class_with_other_steps_or_axes_is_told_which_it_has(shape, steps, reason):
    with pytest.raises(UserError, match=reason):
        from_torch(_Loop(), shape, steps)


def test_samples_as_the_module_gets_them_are_told_how_they_become_whole_numbers():
    given = torch.rand(3, 1, 6, 6)
    with pytest.raises(UserError, match=r"whole numbers 0..16, which times 0.0625.*numpy.rint\(check / 0.0625\)"):
        from_torch(_Loop(), (1, 6, 6), 5, largest_value=16, check=given)
    network = from_torch(_Loop(), (1, 6, 6), 5, largest_value=16, check=torch.round(given * 16))
    assert network.provenance["compared"]["samples"] == 3
    assert not network.provenance["compared"]["random"]


def test_resets_of_snntorch_that_are_no_reset_of_a_chip_are_refused():
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group frameworks has it)")
    for neuron, reason in (
        (snntorch.Leaky(0.5, reset_delay=False), "a potential above two thresholds"),
        (snntorch.Leaky(0.5, inhibition=True), "inhibition is True"),
        (snntorch.Leaky(0.5, graded_spikes_factor=2.0), "graded_spikes_factor is"),
        (snntorch.Synaptic(0.5, 0.5, reset_mechanism="zero"), "through the step after a spike"),
    ):
        with pytest.raises(UserError, match=reason):
            from_torch(nn.Sequential(nn.Linear(4, 4), neuron), (4,), STEPS)


class _Everything(nn.Module):
    """A loop over steps with a branch, a shared convolution, a norm, max pooling of spikes, channels joined, a loop."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.shared = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.neurons = nn.ModuleList([LIF(0.5, 0.4), LIF(0.5, 0.3), LIF(0.5, 0.3), LIF(0.75, 0.4)])
        self.out, self.back, self.drop = nn.Linear(128, 10), nn.Linear(10, 10), nn.Dropout(0.5)

    def forward(self, x):
        spikes, last = [], torch.zeros(x.shape[1], 10)
        for step in range(len(x)):
            a = self.neurons[0](self.first(x[step]))
            b = self.neurons[1](self.shared(a))
            c = self.neurons[2](self.shared(b) + a)
            joined = torch.cat([nn.functional.max_pool2d(part, 2) for part in (b, c)], dim=1)
            last = self.neurons[3](self.out(self.drop(joined.flatten(1))) + self.back(last))
            spikes.append(last)
        return torch.stack(spikes)


def test_a_class_with_loops_branches_and_a_shared_layer():
    torch.manual_seed(0)
    module = _Everything()
    module.first[1].running_mean.uniform_(-0.2, 0.2)
    network = from_torch(module, (1, 8, 8), 6)
    assert [p.name for p in network.populations] == [
        "neurons.0", "neurons.1", "neurons.2", "maxpool", "maxpool.2", "neurons.3",
    ]  # fmt: skip
    ends = {c.name: (c.source, c.target, c.delay) for c in network.connections}
    assert ends["shared"] == ("neurons.0", "neurons.1", 0)
    assert ends["shared.2"] == ("neurons.1", "neurons.2", 0)
    assert ends["neurons.0-neurons.2"] == ("neurons.0", "neurons.2", 0)
    assert ends["back"] == ("neurons.3", "neurons.3", 1)
    compared = SourceComparison.from_dict(network.provenance["compared"])
    assert compared.takes == "steps"
    assert compared.silent == ()
    assert compared.compared == 6 * 4 * (3 * 256 + 10)


def test_a_layer_that_stands_twice_in_a_sequential_is_two_connections():
    torch.manual_seed(0)
    shared = nn.Linear(8, 8)
    network = from_torch(nn.Sequential(shared, LIF(0.5, 0.1), shared, LIF(0.5, 0.1)), (8,), STEPS)
    assert [c.name for c in network.connections] == ["0", "0.2"]
    np.testing.assert_array_equal(network.connections[0].weights, network.connections[1].weights)


def test_neurons_with_a_state_inside_that_stand_twice_are_refused():
    neurons = LIF(0.5, 0.1)
    with pytest.raises(UserError, match="runs several steps in one call"):
        from_torch(nn.Sequential(nn.Linear(8, 8), neurons, nn.Linear(8, 8), neurons), (8,), STEPS)


class _Products(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(6, 16, bias=False)
        self.a, self.b, self.c = LIF(0.5, 0.2), LIF(0.5, 0.3), LIF(0.5, 0.5)

    def forward(self, x):
        a, b = self.a(self.lin(x)), self.b(-self.lin(x))
        return self.c(a * b + a * (1 - b) + 0.5 * b)


def test_products_of_spikes_are_neurons():
    torch.manual_seed(1)
    network = from_torch(_Products(), (6,), STEPS, scale=1 / 64)
    assert [p.name for p in network.populations] == ["a", "b", "and", "and.2", "c"]
    assert not SourceComparison.from_dict(network.provenance["compared"]).silent


class _PerNeuron(nn.Module):
    """Thresholds that differ within a channel, and a bias that does because of zeros at the edge."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.out = nn.Conv2d(1, 3, 3), nn.AvgPool2d(2, padding=1), nn.Conv2d(3, 2, 2)
        self.a, self.b = LIF(0.5, torch.rand(3, 4, 4) * 0.3 + 0.05), LIF(0.5, 0.05)

    def forward(self, x):
        return self.b(self.out(self.a(self.pool(self.conv(x)))).flatten(1))


def test_parameters_and_constants_of_each_neuron():
    torch.manual_seed(2)
    network = from_torch(_PerNeuron(), (1, 8, 8), STEPS, scale=1 / 16)
    shapes = {p.name: p.shape for p in network.populations}
    assert shapes == {"a": (48,), "b": (18,)}
    assert not SourceComparison.from_dict(network.provenance["compared"]).silent


class _Sums(nn.Module):
    """A static sample in a loop of its own, whose result is the mean of logits; 1-D convolutions."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.out = nn.Conv1d(2, 4, 3), nn.AdaptiveAvgPool1d(3), nn.Linear(12, 5)
        self.lif = LIF(0.5, 0.3)

    def forward(self, x):
        logits = 0
        current = self.conv(x)
        for _ in range(STEPS):
            logits = logits + self.out(self.pool(self.lif(current)).view(len(x), -1))
        return torch.log_softmax(logits / STEPS, dim=1)


def test_a_mean_of_logits_is_an_output_that_sums():
    torch.manual_seed(3)
    network = from_torch(_Sums(), (2, 8), STEPS)
    assert network.input.shape == (2, 1, 8)
    assert not network.output.fires
    assert network.provenance["compared"]["takes"] == "sample"


class _Noise(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin, self.lif, self.calls = nn.Linear(4, 8), LIF(0.5, 0.1), 0

    def forward(self, x):
        self.calls += 1
        weight = self.lin.weight if self.calls % 3 else self.lin.weight.flip(0)
        return self.lif(nn.functional.linear(x, weight))


def test_a_module_that_does_another_thing_in_some_steps_is_refused():
    with pytest.raises(UserError, match="lif: what it gets in step 2 is not what it gets in step 7"):
        from_torch(_Noise(), (4,), STEPS)


class _OwnNeurons(nn.Module):
    """Neurons that are written out: their comparison is no constant, even where all samples agree."""

    def __init__(self):
        super().__init__()
        self.lin, self.lif = nn.Linear(4, 8), LIF(0.75, 0.3)

    def forward(self, x):
        return self.lif(self.lin(x)) + (self.lin(x) > 1e9).float()


class _Normalized(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin, self.lif = nn.Linear(4, 8), LIF(0.75, 0.3)

    def forward(self, x):
        return self.lif(self.lin(x / max(x.max().item(), 1e-3)))


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (_OwnNeurons, r"_OwnNeurons\), test_from_torch.py, line \d+: torch's (gt|__gt__) has no counterpart"),
        (_Normalized, r"line \d+: item reads numbers that depend on the input"),
    ],
)
def test_what_depends_on_the_numbers_of_the_samples_is_no_constant(module, reason):
    torch.manual_seed(6)
    with pytest.raises(UserError, match=reason):
        from_torch(module(), (4,), STEPS)


class _Hidden(nn.Module):
    """Neurons that are no plain layer: the potential is halved behind the back of its module."""

    def __init__(self):
        super().__init__()
        self.lin, self.lif = nn.Linear(4, 8), LIF(0.75, 0.3)

    def forward(self, x):
        spikes = self.lif(self.lin(x))
        with torch.no_grad():
            self.lif.carried.mul_(0.5)
        return spikes


def test_one_spike_that_differs_is_an_error_with_layer_step_and_both_values():
    torch.manual_seed(4)
    with pytest.raises(UserError, match=r"Population 'lif', sample \d, step \d, neuron \[\d\]: the potential .* there"):
        from_torch(_Hidden(), (4,), STEPS)


def test_compare_with_module_alone_and_on_samples_of_the_user():
    torch.manual_seed(5)
    module = nn.Sequential(nn.Linear(6, 8), LIF(0.5, 0.3), nn.Linear(8, 3))
    network = from_torch(module, (6,), STEPS)
    samples = np.random.default_rng(0).integers(0, 256, (7, 6))
    found = snn_deploy.compare_with_module(network, module, samples)
    assert (found.samples, found.compared) == (7, 7 * STEPS * 8 + 7 * 3)
    with torch.no_grad():
        module[0].weight.mul_(0.5)
    with pytest.raises(UserError, match="Population '1', sample"):
        snn_deploy.compare_with_module(network, module, samples)
    with pytest.raises(UserError, match=r"check has the shape \(7, 5\); allowed are"):
        snn_deploy.compare_with_module(network, module, samples[:, :5])
    with pytest.raises(UserError, match=r"check holds 0..300; allowed are whole numbers 0..255"):
        snn_deploy.compare_with_module(network, module, np.array([[0, 0, 0, 0, 0, 300]]))


def test_the_module_keeps_its_state_and_its_training_mode():
    module = nn.Sequential(nn.Linear(6, 8), LIF(0.5, 0.3), nn.Dropout(0.5))
    module(torch.rand(2, 6)).sum().backward()
    carried = module[1].carried
    from_torch(module, (6,), STEPS)
    assert module.training
    assert module[1].carried is carried
    assert module[0].weight.dtype == torch.float32
    assert "forward" not in vars(module[1])


def test_an_input_of_three_dimensions_is_one_line():
    with pytest.raises(UserError, match=r"input_shape \(1, 4, 4, 4\): has 4 axes; taken are up to three"):
        from_torch(nn.Sequential(nn.Conv3d(1, 2, 2), LIF()), (1, 4, 4, 4), STEPS)
