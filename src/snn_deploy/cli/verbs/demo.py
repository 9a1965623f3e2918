"""snn-deploy demo: the whole way on the digits that scikit-learn ships, one line per step."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.support.user_error import UserError

_VERIFIED_SAMPLES = 24
_LEAST_ACCURACY = 0.97
_LARGEST_DROP = 0.003


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path), default="demo", show_default=True, help="Folder to write.")
@verb
def command(output: Output, out: Path) -> int:
    """Train, export, verify and estimate a small network on real 8x8 digits, in about a minute.

    Exit code 1 when a spike differs between two backends, or when the accuracy is not what it should be.
    Example: snn-deploy demo --out demo
    """
    from snn_deploy.cli.inputs import read_network, require_fit, test_samples  # noqa: PLC0415
    from snn_deploy.cli.verbs.energy import energy_with_output  # noqa: PLC0415 - torch is slow to import
    from snn_deploy.cli.verbs.export import export_with_output  # noqa: PLC0415
    from snn_deploy.cli.verbs.train import train_with_output  # noqa: PLC0415
    from snn_deploy.cli.verbs.verify import data_set, exported_files, verify_with_output  # noqa: PLC0415
    from snn_deploy.deploy.running.backend import backend_names, load_backend  # noqa: PLC0415
    from snn_deploy.export.chip.limits import limits_of  # noqa: PLC0415
    from snn_deploy.network.float_network import read_float_network  # noqa: PLC0415
    from snn_deploy.train.config.read_config import read_config  # noqa: PLC0415

    if out.is_file():
        raise UserError(f"{out}: is a file. Choose a folder with --out.")
    with as_file(files("snn_deploy.cli") / "demo.toml") as config:
        settings = read_config(config)
    output.say("1/5 train: a bias-free spiking network on 1,438 images, tested on 359 others")
    trained = train_with_output(output, settings, out)
    output.say("\n2/5 export: the network in integers, for Loihi")
    float_network = read_float_network(out / "float_network.npz")
    exported = export_with_output(output, float_network, limits_of("loihi2", 8), out / "loihi", None, 0)
    network = read_network(out / "loihi")
    samples = test_samples(network.provenance, None, _VERIFIED_SAMPLES)
    require_fit(network, samples)

    output.say(f"\n3/5 verify: every spike of {_VERIFIED_SAMPLES} test images on every backend that works here")
    working = []
    for name in ("reference", *(n for n in backend_names() if n != "reference")):
        try:
            load_backend(name)
            working.append(name)
        except UserError as error:
            output.say(f"left out: {error}")
    shown, exports = data_set(network, samples), exported_files(out / "loihi")
    verified, is_identical = verify_with_output(output, [shown], working, exports)

    output.say("\n4/5 energy: spikes of all test images, and an estimate of what they cost")
    energy = energy_with_output(output, network, "cmos45", None, 0)

    drop = exported["float_accuracy"] - exported["integer_accuracy"]
    is_accurate = exported["integer_accuracy"] >= _LEAST_ACCURACY and drop <= _LARGEST_DROP
    output.say("\n5/5 done" if is_identical and is_accurate else "\n5/5 FAILED: see above")
    for path in (out / "config.toml", out / "metrics.jsonl", out / "float_network.npz", *exported["files"]):
        output.say(f"  wrote {path}")
    output.say("go on with:")
    output.say(f"  snn-deploy run {out / 'loihi'} --backend cpu")
    output.say(f"  snn-deploy verify {out / 'loihi'} --samples 50")
    output.say("  snn-deploy train examples/fashion_mnist.toml")
    result: dict[str, Any] = {"train": trained, "export": exported, "verify": verified, "energy": energy}
    output.result(result)
    return 0 if is_identical and is_accurate else FAILED_CHECK
