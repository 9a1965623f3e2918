"""A module of your own, in plain PyTorch: trained here, exported to integers, every spike compared, drawn.

    uv run python examples/own_module.py

Writes own_module.png and the folder own_module/. Every `# %%` begins a cell for editors that know notebooks.
"""

# %% A module with our neurons; snnTorch's and SpikingJelly's work as well (docs/python_api.md)
import torch
from matplotlib.figure import Figure

import snn_deploy as sd
from snn_deploy.train.datasets.digits import Dataset

STEPS = 4
torch.manual_seed(0)
torch.set_num_threads(1)
module = torch.nn.Sequential(
    torch.nn.Conv2d(1, 12, 3, padding=1, bias=False),
    sd.LIF(voltage_keep=0.25, threshold=0.5),
    torch.nn.AvgPool2d(2),
    torch.nn.Flatten(),
    torch.nn.Linear(12 * 16, 10, bias=False),
)

# %% Your own training loop
training, test = Dataset().load("train"), Dataset().load("test")
images, labels = torch.from_numpy(training.inputs).float() / 255, torch.from_numpy(training.labels)
optimizer = torch.optim.Adam(module.parameters(), lr=0.005)
for epoch in range(5):
    for chosen in torch.randperm(len(labels)).split(64):
        sd.reset(module)
        output = sum(module(images[chosen]) for _ in range(STEPS))
        loss = torch.nn.functional.cross_entropy(output, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1}: loss {loss.item():.3f}")

# %% Integers and files, and every spike compared
network = sd.from_torch(module, input_shape=(1, 8, 8), steps=STEPS)
exported = sd.export(network).save("own_module", target="loihi")
print(sd.verify(exported.network, test.inputs[:20], ["reference", "cpu"]))
found = sd.run(exported.network, test.inputs, labels=test.labels)
print(f"accuracy in integers: {100 * found.accuracy:.2f} %")

# %% The spikes of one image
recorded = sd.run(exported.network, test.inputs[:1], record=True).simulation
layer = exported.network.populations[0].name
spikes = recorded.spikes[layer][:, 0].reshape(STEPS, 12, -1)
figure = Figure(figsize=(8, 4), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[1, 2])
left.imshow(test.inputs[0, 0], cmap="gray")
left.set(title=f"a {test.labels[0]}", xticks=[], yticks=[])
right.imshow(spikes.sum(axis=2).T, aspect="auto", cmap="Blues")
right.set(title="spikes of the first layer", xlabel="step", ylabel="channel", xticks=range(STEPS))
figure.colorbar(right.images[0], label="spikes of a channel")
figure.savefig("own_module.png", dpi=150)
print("wrote own_module.png")
