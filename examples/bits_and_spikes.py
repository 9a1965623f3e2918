"""How many bits do weights need? Trains the digits, exports from 8 to 2 bits, draws accuracy and equal spikes.

    uv run python examples/bits_and_spikes.py

Writes bits_and_spikes.png. Every `# %%` begins a cell for editors that know notebooks.
"""

# %% A trained network in floats
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.figure import Figure

import snn_deploy as sd
from snn_deploy.train.datasets.digits import Dataset

config = {
    "data": {"name": "digits"},
    "model": {"layers": "8C3-P2-16C3-P2-10"},
    "training": {"epochs": 4, "batch_size": 32, "threads": 1, "measured_samples": 0},
}
with TemporaryDirectory() as folder:
    network = sd.train(config, out=Path(folder) / "run").network
test = Dataset().load("test")

# %% Integers of 8 to 2 bits, each beside the floats
bits = range(8, 1, -1)
accuracy, agreement = {}, {}
for per_channel in (False, True):
    for b in bits:
        exported = sd.export(network, weight_bits=b, per_channel=per_channel, measure=True, inputs=test, health=40)
        accuracy[per_channel, b] = 100 * exported.accuracy
        agreement[per_channel, b] = 100 * min(layer.spike_agreement for layer in exported.health.layers if layer.fires)
        print(f"{b} bits, per channel {per_channel}: {accuracy[per_channel, b]:.2f} %")

# %% The picture
figure = Figure(figsize=(7, 6), layout="constrained")
above, below = figure.subplots(2, sharex=True)
for per_channel, colour, marker, name in (
    (False, "#0072B2", "o", "one threshold a layer"),
    (True, "#D55E00", "s", "one a channel"),
):
    above.plot(bits, [accuracy[per_channel, b] for b in bits], marker=marker, color=colour, label=name)
    below.plot(bits, [agreement[per_channel, b] for b in bits], marker=marker, color=colour, label=name)
above.set(ylabel="accuracy, %", title="What fewer bits change")
below.set(ylabel="spikes of the floats, %, worst layer", xlabel="bits of a weight")
below.invert_xaxis()
for axes in (above, below):
    axes.grid(alpha=0.3)
    axes.legend()
figure.savefig("bits_and_spikes.png", dpi=150)
print("wrote bits_and_spikes.png")
