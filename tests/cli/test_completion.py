"""cli/completion: what a shell offers for the values of options, and that it does not wait for torch."""

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from snn_deploy.cli.main import main


def _offered(*words):
    *before, begun = words
    shell = ShellComplete(main, {}, "snn-deploy", "_SNN_DEPLOY_COMPLETE")
    return [item.value for item in shell.get_completions(list(before), begun)]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["energy", "n", "--profile", "loihi"], ["loihi1", "loihi2", "loihi"]),  # the last: files, too
        (["map", "n", "--profile", "loihi1"], ["loihi1", "loihi1"]),
        (["profiles", "cm"], ["cmos45", "cm"]),
        (["fit", "r", "--chip", "loihi2"], ["loihi2", "loihi2"]),
        (["fit", "r", "--profile", "loihi2"], ["loihi2", "loihi2"]),
        (["search", "c", "--profiles", "loihi2,lo"], ["loihi2,loihi1"]),
        (["run", "n", "--backend", "l"], ["lava", "loihi2"]),
        (
            ["verify", "n", "--backends", "reference,cpu,"],
            [f"reference,cpu,{n}" for n in ("lava", "loihi2", "netx", "onnx")],
        ),
        (["init", "--data", "fas"], ["fashion_mnist"]),
        (["init", "--model", "resnet1"], ["resnet18", "resnet19"]),
        (["run", "n", "--data", "digi"], ["digits"]),
        (["train", "c", "--set", "training.ep"], ["training.epochs="]),
        (["train", "c", "--set", "surr"], ["surrogate.name="]),
        (["train", "c", "--set", "surrogate.name=t"], ["surrogate.name=tanh", "surrogate.name=triangle"]),
        (["compare", "c", "--set", "training.keep="], ["training.keep=last", "training.keep=best"]),
        (
            ["search", "c", "--set", "training.tensorboard="],
            ["training.tensorboard=true", "training.tensorboard=false"],
        ),
        (["fit", "r", "--set", "optimizer.schedule=c"], ["optimizer.schedule=constant", "optimizer.schedule=cosine"]),
        (["train", "c", "--set", "no.such=a"], []),
        (["train", "c", "--set", "met"], ["method="]),
        (["train", "c", "--set", "method=t"], ["method=time-based"]),
    ],
    ids=lambda value: value[-2] if isinstance(value, list) and len(value) > 1 else "",
)
def test_values_are_offered(words, offered):
    assert _offered(*words) == offered


def test_completing_a_key_imports_no_torch():
    code = (
        "import sys; from click.shell_completion import ShellComplete; from snn_deploy.cli.main import main;"
        "s = ShellComplete(main, {}, 'snn-deploy', 'X');"
        "assert s.get_completions(['train', 'c', '--set'], 'training.');"
        "assert s.get_completions(['energy', 'n', '--profile'], '');"
        "assert s.get_completions(['run', 'n', '--backend'], '');"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
