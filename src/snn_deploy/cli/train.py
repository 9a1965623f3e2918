"""snn-deploy train: a config becomes a run folder with a trained FloatNetwork."""

from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.output import Output, percent, verb
from snn_deploy.user_error import UserError


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change one key, such as training.epochs=5."
)
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; default runs/CONFIG-seedN.")
@click.option("--force", is_flag=True, help="Write over a run that is already there.")
@verb
def command(output: Output, config: Path, assignments: tuple[str, ...], out: Path | None, force: bool) -> None:
    """Train a bias-free spiking network as CONFIG (a TOML file) says.

    Example: snn-deploy train examples/digits.toml --set seed=1 --set training.epochs=10
    """
    from snn_deploy.train.config import read_config  # noqa: PLC0415 - torch is slow to import

    settings = read_config(config, assignments)
    folder = out or Path("runs") / f"{config.stem}-seed{settings.seed}"
    if (folder / "float_network.npz").exists() and not force:
        raise UserError(
            f"{folder}: holds a finished run. Choose another folder with --out, or write over it with --force."
        )
    output.result(train_with_output(output, settings, folder))


def train_with_output(output: Output, settings: Any, folder: Path) -> dict[str, Any]:
    """Train as `settings` say, with a progress bar and a line per epoch; return what --json prints."""
    from snn_deploy.train.loop import Watcher, train  # noqa: PLC0415

    epochs = settings.training.epochs
    last: dict[str, Any] = {}
    with output.progress(f"training, {epochs} epochs", epochs * 1000) as advance:
        done = 0

        def on_batch(epoch: int, batch: int, batches: int, loss: float) -> None:
            nonlocal done
            reached = (epoch - 1) * 1000 + 1000 * batch // batches
            advance(reached - done)
            done = reached

        def on_epoch(metrics: Any) -> None:
            last.update(metrics)
            losses = ", ".join(
                f"{k.removeprefix('loss/')} {v:.4f}" for k, v in metrics.items() if k.startswith("loss/")
            )
            rates = " ".join(f"{v:.3f}" for k, v in metrics.items() if k.startswith("spike_rate/"))
            output.say(
                f"epoch {metrics['epoch']:>3}/{epochs}  {losses}  training {percent(metrics['train_accuracy'])}  "
                f"test {percent(metrics['test_accuracy'])}  spike rates {rates}"
            )

        network = train(settings, folder, Watcher(on_batch, on_epoch))
    output.say(f"wrote {folder / 'float_network.npz'}  (test accuracy {percent(last['test_accuracy'])})")
    return {
        "run": str(folder),
        "float_network": str(folder / "float_network.npz"),
        "steps": network.steps,
        "metrics": last,
    }
