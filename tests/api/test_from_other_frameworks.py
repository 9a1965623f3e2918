"""Networks of other frameworks in three lines, compared with their module and the same on every backend."""

import numpy as np
import pytest
import torch
from helpers.lava_help import needs_lava
from torch import nn

import snn_deploy as sd
from snn_deploy.deploy.backends import onnx
from snn_deploy.network.integer_network import read_integer_network

BACKENDS = ("reference", "cpu", "onnx", "lava")


def tutorial(snntorch):
    """Return the network of snnTorch's fifth tutorial: a class whose forward shows a frame in each of its steps."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.lif1 = nn.Linear(196, 40), snntorch.Leaky(beta=0.95)
            self.fc2, self.lif2 = nn.Linear(40, 10), snntorch.Leaky(beta=0.95)

        def forward(self, x):
            mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
            spk2_rec, mem2_rec = [], []
            for _ in range(10):
                spk1, mem1 = self.lif1(self.fc1(x), mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
                spk2_rec.append(spk2)
                mem2_rec.append(mem2)
            return torch.stack(spk2_rec, dim=0), torch.stack(mem2_rec, dim=0)

    return Net(), (196,), 10


def csnn(spikingjelly):
    """Return SpikingJelly's convolutional tutorial: norms, max pooling of spikes, the mean over steps."""
    from spikingjelly.activation_based import functional, layer, neuron  # noqa: PLC0415 - optional

    class CSNN(nn.Module):
        def __init__(self, steps, channels):
            super().__init__()
            self.T = steps
            self.conv_fc = nn.Sequential(
                layer.Conv2d(1, channels, 3, padding=1, bias=False), layer.BatchNorm2d(channels), neuron.IFNode(),
                layer.MaxPool2d(2, 2), layer.Conv2d(channels, channels, 3, padding=1, bias=False),
                layer.BatchNorm2d(channels), neuron.IFNode(), layer.MaxPool2d(2, 2), layer.Flatten(),
                layer.Linear(channels * 9, 20, bias=False), neuron.IFNode(), layer.Linear(20, 10, bias=False),
                neuron.IFNode(),
            )  # fmt: skip
            functional.set_step_mode(self, step_mode="m")

        def forward(self, x):
            return self.conv_fc(x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)).mean(0)

    module = CSNN(4, 4)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1)
            part.running_var.uniform_(0.1, 0.3)
    return module, (1, 12, 12), 4


@needs_lava
@pytest.mark.skipif(onnx.why_unavailable() is not None, reason="onnxruntime is not installed (the group dev has it)")
@pytest.mark.parametrize(
    ("framework", "make", "gain"), [("snntorch", tutorial, 2.0), ("spikingjelly", csnn, 3.0)], ids=["snnTorch", "CSNN"]
)
def test_three_lines_from_a_module_to_the_same_spikes_on_every_backend(framework, make, gain, tmp_path):
    imported = pytest.importorskip(framework, reason=f"{framework} is not installed (the group frameworks has it)")
    torch.manual_seed(0)
    module, shape, steps = make(imported)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim > 1:
                parameter.mul_(gain)  # a network that was not trained would hardly fire

    network = sd.from_torch(module, shape, steps)
    exported = sd.export(network, round_decays=True).save(tmp_path)
    verified = sd.verify(tmp_path, np.random.default_rng(0).integers(0, 256, (1, *shape)), BACKENDS)

    assert verified.is_identical
    assert not verified.silent
    assert "0 differ" in str(exported)
    assert "% of spikes and" in str(exported)
    assert read_integer_network(tmp_path / "network.npz").provenance["compared"]["source"] == type(module).__name__
