"""Task of a job: run the folder's IntegerNetwork on Loihi 2 and leave what it did in files. Never run on a chip yet.

Nothing of ours runs on the cores, only Lava's LIF, Conv and Dense, so the potentials of an output that never fires are
read through Lava after each sample, while the chip stands still. The names of the adapters are those that published
programs for Loihi 2 use; that they add no step is a guess, which a comparison with the reference would refute at once.
"""

from pathlib import Path

import numpy as np
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.run_configs import AbstractLoihiRunCfg, Loihi2HwCfg

from snn_deploy.deploy.backends._lava.build import Chip, build
from snn_deploy.deploy.backends._lava.execute import execute
from snn_deploy.deploy.backends._lava.files import JobFiles
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.network.layer_times import schedule

_GRADED_BITS = 8  # a graded input is uint8


def perform(folder: Path) -> None:
    """Run on the chip until the last sample has left the last layer."""
    perform_with(folder, Chip(_way_in, _way_out), Loihi2HwCfg())


def perform_with(folder: Path, chip: Chip, config: AbstractLoihiRunCfg) -> None:
    """Run with these adapters, where `config` says."""
    files = JobFiles(folder)
    network = read_integer_network(files.network)
    plan, samples = schedule(network), files.samples(network)
    built = build(network, plan, files, samples, chip)
    stretches = [network.steps + plan.depth] + [network.steps] * (samples - 1)

    def keep_potentials() -> None:
        with files.potentials.open("ab") as file:
            file.write(np.ascontiguousarray(built.output.v.get(), np.int32).tobytes())

    if network.output.fires:
        execute(built.frames, sum(stretches), config=config)
    else:
        execute(built.frames, *stretches, pause=keep_potentials, config=config)


def _way_in(port: OutPort, largest_value: int, is_convolution: bool) -> OutPort:
    from lava.proc.embedded_io import spike  # noqa: PLC0415 - of Intel's package, which is not public

    kind = spike.PyToN3ConvAdapter if is_convolution else spike.PyToNxAdapter
    adapter = kind(shape=port.shape, num_message_bits=_GRADED_BITS if largest_value > 1 else 0)
    port.connect(adapter.inp)
    return adapter.out


def _way_out(port: OutPort) -> OutPort:
    from lava.proc.embedded_io import spike  # noqa: PLC0415

    adapter = spike.NxToPyAdapter(shape=port.shape, num_message_bits=0)
    port.connect(adapter.inp)
    return adapter.out
