"""A report of a network that was trained elsewhere and is in no file."""

import numpy as np
import torch

import snn_deploy as sd


class Mine(torch.nn.Module):
    """One step of a small network."""

    def __init__(self):
        super().__init__()
        self.fc, self.lif = torch.nn.Linear(6, 4, bias=False), sd.LIF(threshold=0.1)

    def forward(self, x):
        return self.lif(self.fc(x))


def test_it_has_the_name_of_the_class_and_names_no_file_or_run(tmp_path):
    torch.manual_seed(0)
    network = sd.export(sd.from_torch(Mine(), (6,), 3)).network
    rng = np.random.default_rng(0)
    inputs, labels = rng.integers(0, 256, (8, 6), dtype=np.uint8), rng.integers(0, 4, 8)
    text = sd.report(network, inputs, labels=labels, backends=["reference", "cpu"]).save(tmp_path / "a.html").html
    assert "<title>Mine: deployment report</title>" in text
    assert "compared with Mine" in text
    assert "the report of the run" not in text  # there is no run
    assert "snn-deploy report ." not in text  # which would make another one
    assert "sd.report(network, inputs, labels=labels)" in text
    assert "off on networks that others measured on chips" in text
    assert text.count("snn-deploy help silicon") == 1
    assert "to +16\u00a0%" in text
    assert "Energy estimate: " not in text
