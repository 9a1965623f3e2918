"""Task of a job: run the folder's netx file through lava-dl's own loader and leave what it did in files."""

from pathlib import Path

from snn_deploy.deploy.backends._lava.build import frame_source, record, record_potentials
from snn_deploy.deploy.backends._lava.execute import execute
from snn_deploy.deploy.backends._lava.files import JobFiles
from snn_deploy.deploy.backends._lava.patch_lava import stand_in_for_slayer
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.network.layer_times import schedule

stand_in_for_slayer()
from lava.lib.dl.netx import hdf5  # noqa: E402 (needs the stand-ins)

_GRADED_BITS = 8  # a graded input is uint8


def perform(folder: Path) -> None:
    """Run until the last sample has left the last layer; every layer's spikes are those of lava-dl's blocks."""
    files = JobFiles(folder)
    network = read_integer_network(files.network)
    plan, samples = schedule(network), files.samples(network)
    loaded = hdf5.Network(
        net_config=str(files.exchange),
        input_message_bits=_GRADED_BITS if network.input.largest_value > 1 else 0,
        reset_interval=network.steps,
        # lava-dl counts from an input neuron, which this network has not: the first layer is one step later.
        reset_offset=1,
    )
    frames = frame_source(network, files, tuple(int(n) for n in loaded.inp.shape))
    frames.s_out.connect(loaded.inp)
    for i, layer in enumerate(loaded.layers):
        record(layer.neuron.s_out, i, network, plan, files, samples)
    if not network.output.fires:
        record_potentials(loaded.layers[-1].neuron, network, plan, files, samples)
    assert len(loaded.layers) == len(network.populations)
    execute(frames, samples * network.steps + plan.depth)
