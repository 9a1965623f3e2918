"""From a torch module to a report without the command line: export, verify, run, place, energy, report.

    uv run python examples/api_tour.py

Writes the folder api_tour/. Every `# %%` begins a cell for editors that know notebooks; a result that is the last line
of a cell shows itself as tables there.
"""

# %% A module of torch's layers and spiking neurons, trained in plain PyTorch
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

import snn_deploy as sd

STEPS, OUT = 4, Path("api_tour")
torch.manual_seed(0)
torch.set_num_threads(1)
digits = load_digits()
images = digits.images.astype(np.uint8)[:, None]  # (samples, 1, 8, 8), whole numbers 0..16
labels = digits.target.astype(np.int64)
training, test = slice(0, 1400), slice(1400, None)

module = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, 3, padding=1, bias=False),
    sd.LIF(voltage_keep=0.25, threshold=0.5),
    torch.nn.AvgPool2d(2),
    torch.nn.Flatten(),
    torch.nn.Linear(8 * 16, 10, bias=False),
)
optimizer = torch.optim.Adam(module.parameters(), lr=0.005)
inputs, targets = torch.from_numpy(images[training]).float() / 16, torch.from_numpy(labels[training])
for _ in range(5):
    for chosen in torch.randperm(len(targets)).split(64):
        sd.reset(module)
        output = sum(module(inputs[chosen]) for _ in range(STEPS))
        loss = torch.nn.functional.cross_entropy(output, targets[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %% The network in floats, and in the integers of a chip
network = sd.from_torch(module, input_shape=(1, 8, 8), steps=STEPS, largest_value=16)
exported = sd.export(network, chip="loihi2", measure=True, inputs=images[test], labels=labels[test], health=20).save(
    OUT, target="loihi"
)
print(exported)

# %% Every spike of twenty images on two backends
verified = sd.verify(exported.network, images[test][:20], backends=["reference", "cpu"])
print(verified)
assert verified.is_identical

# %% What it does with the test images, with every spike kept
simulation = sd.run(exported.network, images[test], labels=labels[test], record=True)
print(f"{simulation!r}; spike rates {simulation.rates}")

# %% On the cores of the chip that it was exported for, seated for these spikes
placed = sd.place(exported.network, spikes=simulation)
print(placed)
print(f"{placed.energy(simulation)!r}, {placed.latency(simulation)!r}")

# %% What arithmetic would cost, beside the equal ANN
energy = sd.energy(exported.network, simulation, profile="cmos45")
print(f"{energy!r}; every term of it: {len(energy.to_dict()['estimates'])} estimates")
print(repr(sd.neurobench(exported.network, images[test], labels=labels[test])))

# %% Everything on one page
report = sd.report(OUT, images[test], labels=labels[test], samples=100, backends=["reference", "cpu"])
print(report.save(OUT / "report.html"))
