"""snn-deploy demo: from training to energy on the digits that scikit-learn ships, one line per step."""

from importlib.resources import as_file, files
from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.cli.training_progress import training_progress
from snn_deploy.support.user_error import UserError

_VERIFIED_SAMPLES = 24
_LEAST_ACCURACY = 0.97
_LARGEST_DROP = 0.003


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path), default="demo", show_default=True, help="Folder to write.")
@verb
def command(output: Output, out: Path) -> int:
    """Train, export, verify and estimate a small network on real 8x8 digits, in about a minute.

    Exit code 1 when a spike differs between two backends, or when the accuracy is lower than expected.

    Example: snn-deploy demo --out demo
    """
    if out.is_file():
        raise UserError(f"{out}: is a file. Choose a folder with --out.")
    output.say("1/5 train: a bias-free spiking network on 1,438 images, tested on 359 others")
    with as_file(files("snn_deploy.cli") / "demo.toml") as config, training_progress(output) as watcher:
        run = sd.train(config, out=out, force=True, watcher=watcher, watch=output)
    output.show_blocks(run)
    output.say()
    output.say("2/5 export: the network in integers, for Loihi")
    exported = sd.export(run.network, chip="loihi2", measure=True, watch=output).save(out / "loihi")
    output.show_blocks(exported)
    output.say()
    output.say(f"3/5 verify: every spike of {_VERIFIED_SAMPLES} test images on every backend that works here")
    verified = sd.verify(out / "loihi", backends=_working(output), samples=_VERIFIED_SAMPLES, watch=output)
    output.show_blocks(verified)
    output.say()
    output.say("4/5 energy: spikes of all test images, and an estimate of what they cost")
    energy = sd.energy(out / "loihi", watch=output)
    output.show_blocks(energy)

    accuracy, before = exported.accuracy or 0.0, exported.float_accuracy or 0.0
    is_accurate = accuracy >= _LEAST_ACCURACY and before - accuracy <= _LARGEST_DROP
    is_well = verified.is_identical and is_accurate
    output.say()
    if is_well:
        output.say("5/5 done")
    else:
        output.line("5/5 FAILED: see above")
    for path in (out / "config.toml", out / "metrics.jsonl", out / "float_network.npz", *exported.files):
        output.say(f"  wrote {path}")
    output.say("go on with:")
    output.say(f"  snn-deploy run {out / 'loihi'} --backend cpu")
    output.say(f"  snn-deploy verify {out / 'loihi'} --samples 50")
    output.say(f"  snn-deploy report {out}")
    output.result(
        {
            "train": run.to_dict(),
            "export": exported.to_dict(),
            "verify": verified.to_dict(),
            "energy": energy.to_dict(),
        }
    )
    return 0 if is_well else FAILED_CHECK


def _working(output: Output) -> list[str]:
    """Return the backends that work here, the reference first; say why the others are left out."""
    states = sd.doctor(watch=output).backends
    for name, found in states.items():
        if found.state != "works":
            output.say(f"left out: {name}: {found.reason}")
    return sorted((name for name, found in states.items() if found.state == "works"), key=lambda n: n != "reference")
