"""What a user sees of a training on a terminal, with Ctrl-C in the middle, and that NO_COLOR is heard."""

import re

from helpers.cli_help import snn_deploy
from helpers.terminal import on_terminal

CONFIG = """
steps = 2
[data]
name = "digits"
[model]
layers = "4C3-P2-10"
[training]
epochs = 9
batch_size = 4  # epochs long enough that Ctrl-C comes in one on a quick machine
threads = 1
synapses = "float32"
measured_samples = 0
"""


def _epochs(lines):
    return [line for line in lines if line.startswith("epoch  ")]


def test_a_training_that_is_interrupted_says_how_to_go_on_and_does(tmp_path):
    (tmp_path / "small.toml").write_text(CONFIG)
    command = ["-m", "snn_deploy", "train"]
    seen = on_terminal(
        *command, "small.toml", "--out", "run", columns=80, folder=tmp_path,
        interrupt_at=lambda line: re.match(r"epoch [2-8]/9  ━", line) is not None,
    )  # fmt: skip
    assert seen.exit_code == 130, seen.lines
    assert seen.lines[0] == "network: input 1x8x8, conv1 4x8x8, output 10; 256 spiking neurons, 676 trained"
    assert seen.lines[1] == "  weights"
    done = len(_epochs(seen.lines))
    assert done in range(1, 9)
    assert seen.lines[2 + done :] == [  # the bar of the epochs is gone
        "Interrupted. run holds the run up to its last checkpoint. Go on with",
        "  snn-deploy train --resume --out run",
    ]
    assert any(line.startswith("getting ready") for line in seen.moving)
    assert all(len(line) < 80 for line in seen.moving if "━" in line)
    inside = [line for line in seen.moving if re.match(r"epoch \d/9  ━.* [\d.,]+ batches/s  0:00:\d\d left", line)]
    assert inside, seen.moving

    resumed = snn_deploy("train", "--resume", "--out", tmp_path / "run")
    assert resumed.exit_code == 0, resumed.stderr
    last = [line.split()[1] for line in _epochs(resumed.stdout.splitlines())]
    assert last == [f"{n}/9" for n in range(done + 1, 10)]


def test_no_color_is_heard(tmp_path):
    color = re.compile(rb"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9\d)[;m]")
    page = ["-m", "snn_deploy", "help", "exactness"]
    assert color.search(on_terminal(*page, columns=80, folder=tmp_path).raw)
    seen = on_terminal(*page, columns=80, folder=tmp_path, environment={"NO_COLOR": "1"})
    assert seen.exit_code == 0
    assert not color.search(seen.raw)
