"""Task of a Lava job: the way to the chip, with Lava's simulation and ports in the chip's place."""

from pathlib import Path

from lava.magma.core.process.ports.ports import OutPort

from snn_deploy.deploy.backends._lava.build import Chip
from snn_deploy.deploy.backends._lava.execute import simulation
from snn_deploy.deploy.backends._lava.run_on_chip import perform_with


def perform(folder: Path) -> None:
    """Perform what run_on_chip does; each way in and out must be one that a chip has."""

    def way_in(port: OutPort, largest_value: int, is_convolution: bool) -> OutPort:
        assert (port.shape, largest_value, is_convolution) == ((4, 5, 2), 255, True)
        return port

    perform_with(folder, Chip(way_in, lambda port: port), simulation())
