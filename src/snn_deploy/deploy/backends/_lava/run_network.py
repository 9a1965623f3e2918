"""Task of a job: run the folder's IntegerNetwork as Lava processes and leave what it did in files."""

from pathlib import Path

from snn_deploy.deploy.backends._lava.build import build
from snn_deploy.deploy.backends._lava.execute import execute
from snn_deploy.deploy.backends._lava.files import JobFiles
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.network.layer_times import schedule


def perform(folder: Path) -> None:
    """Run until the last sample has left the last layer."""
    files = JobFiles(folder)
    network = read_integer_network(files.network)
    plan, samples = schedule(network), files.samples(network)
    execute(build(network, plan, files, samples).frames, samples * network.steps + plan.depth)
