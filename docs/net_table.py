"""net_table: the table of docs/lava_dl.md, what a .net file can hold, found by trying.

    python docs/net_table.py            writes the table; needs Lava and lava-dl
    python docs/net_table.py --check    exit code 1 where docs/lava_dl.md shows something else

Each row is a small network, which is written, read back, and run by lava-dl's own reader beside the reference; or,
where nothing of ours is written so, a file of lava-dl's, which is read here and built by lava-dl.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import snn_deploy as sd
from snn_deploy.deploy.backends import netx, reference
from snn_deploy.deploy.verification.random_network import random_inputs
from snn_deploy.export.targets.loihi import write
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

PAGE = Path(__file__).parent / "lava_dl.md"
HEAD = "| construct | written | read | lava-dl's own reader |\n|---|---|---|---|\n"
_BUILD = """
import sys
from snn_deploy.deploy.backends._lava.patch_lava import patch_lava
patch_lava()
from snn_deploy.deploy.backends._lava.run_exchange import hdf5
hdf5.Network(net_config=sys.argv[1])
"""


@dataclass(frozen=True)
class Row:
    """A construct, as a network or as fields of a file: path -> value.

    ignores: what lava-dl's reader says nothing about when it builds the file.
    """

    construct: str
    network: IntegerNetwork | None = None
    file: Mapping[str, Any] = field(default_factory=dict)
    ignores: str = ""


def rows() -> tuple[Row, ...]:
    """Return the rows of the table in order."""
    maps, dense, loop, several = _maps(), _dense(), _loop(), np.arange(4)
    forgetful = _neurons(dense, voltage_keep=0 * several)
    late = replace(dense.connections[0], name="late", weights=[[0, 0, 0]] * 3 + [[9, 0, 0]], delay=2)
    return (
        Row("convolution, with stride, padding, dilation and groups", maps),
        Row("dense layer, behind maps too", dense),
        Row("sums or averages over windows, as part of the weights behind them", _with(maps, 1, pool=(2, 1))),
        Row("weights of a convolution times a power of 2", _with(maps, 0, exponent=3)),
        Row("dense weights times a power of 2, from -256 to 254", _with(dense, 0, exponent=1)),
        Row("dense weights beyond", _with(dense, 0, exponent=4)),
        Row("input of whole numbers up to 255", replace(dense, input=IntegerInput("in", (3,), 255))),
        Row("bias of whole weight steps, up to 4095 (`--lava-dl`)", _neurons(dense, bias=64 * several)),
        Row("other biases", _neurons(dense, bias=several)),
        Row("thresholds and decays of each channel", _neurons(dense, threshold=4 * several, voltage_keep=99 * several)),
        Row("current that is remembered", _neurons(dense, current_keep=np.full(4, 2000))),
        Row("dense layer that hears itself one step later", loop),
        Row("the same after more steps", _with(loop, 1, delay=2)),
        Row("convolution that hears itself", _map_loop(maps)),
        Row("delays of a dense layer, up to 62 steps", _with(dense, 0, delay=3)),
        Row("dense connections of different delays side by side", _joined(_without_first(dense), late)),
        Row("delays of a recurrent layer", _with(loop, 0, delay=1)),
        Row("delays of a convolution", _with(maps, 0, delay=1), _FILE | {"layer/1/delay": [1]}, "leaves them out"),
        Row("skip connections, and layers that hear several", _skip(dense), _FILE | {"layer/2/type": b"concat"}),
        Row("soft reset", _neurons(dense, reset="subtract")),
        Row("soft reset where nothing of the potential is kept", _neurons(forgetful, reset="subtract")),
        Row("reset value, initial value", _neurons(dense, initial_value=np.full(4, 64))),
        Row("`pool` layer of lava-dl", file=_FILE | {"layer/2/type": b"pool"}),
        Row("`average` layer of lava-dl", file=_FILE | {"layer/2/type": b"average", "layer/2/shape": [1]}),
        Row("input neurons of lava-dl", file=_FILE | _of_layer(0, "neuron/", _NEURON), ignores="builds them"),
        Row("refractory delay other than 1", file=_FILE | {"layer/1/neuron/refDelay": 2}, ignores="leaves it out"),
        Row("sigma-delta neurons", file=_FILE | {"layer/1/neuron/type": b"SDNN"}, ignores="builds them"),
    )  # fmt: skip


def table() -> str:
    """Return the table."""
    with tempfile.TemporaryDirectory() as folder:
        return HEAD + "".join(f"| {' | '.join((row.construct, *outcome(row, Path(folder))))} |\n" for row in rows())


def outcome(row: Row, folder: Path, *, with_lava: bool = True) -> tuple[str, ...]:
    """Return whether the row is written, read, and what lava-dl makes of it, which is left out without Lava."""
    path = folder / "row.net"
    written = "yes" if row.network else "no"
    try:
        if row.network:
            write(row.network, path)
            return (written, _read_back(row.network, path), *((_run(row.network, path),) if with_lava else ()))
    except UserError:
        written = "refused"
    if not row.file:
        return (written, "-", *(("-",) if with_lava else ()))
    path.unlink(missing_ok=True)
    with h5py.File(path, "w") as file:
        for name, value in row.file.items():
            file[name] = value
    return (written, _read(path), *((_built(path, row),) if with_lava else ()))


def _read_back(network: IntegerNetwork, path: Path) -> str:
    back = replace(sd.read_net(path), provenance=network.provenance)
    return "the same network" if back.digest == network.digest else "ANOTHER NETWORK"


def _read(path: Path) -> str:
    try:
        sd.read_net(path, sd.NetReading(steps=2))
    except UserError:
        return "refused"
    return "yes"


def _run(network: IntegerNetwork, path: Path) -> str:
    inputs = random_inputs(network, 3, 0)
    found, expected = (b.run(network, inputs, record=True) for b in (netx, reference))
    assert sum(expected.spike_counts[p.name].sum() for p in network.populations) > 0, "no spikes"
    same = all(np.array_equal(found.spikes[p.name], expected.spikes[p.name]) for p in network.populations)
    return "every spike the same" if same else "OTHER SPIKES"


def _built(path: Path, row: Row) -> str:
    done = subprocess.run([sys.executable, "-c", _BUILD, str(path)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return row.ignores
    return "not implemented" if "NotImplementedError" in done.stderr else done.stderr


def _of_layer(index: int, prefix: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {f"layer/{index}/{prefix}{name}": value for name, value in fields.items()}


_NEURON = {"type": b"CUBA", "vThMant": 5, "vDecay": 100, "iDecay": 4096}
_FILE: Mapping[str, Any] = {
    "layer/0/type": b"input",
    "layer/0/shape": [1, 4, 4],
    "layer/1/type": b"conv",
    "layer/1/shape": [1, 2, 2],
    "layer/1/weight": np.ones((1, 1, 3, 3)),
    **_of_layer(1, "", {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}),
    **_of_layer(1, "neuron/", _NEURON),
    "layer/2/type": b"flatten",
    "layer/2/shape": [1, 1, 1],
    "layer/2/weight": np.ones((1, 1, 2, 2)),
    **_of_layer(2, "neuron/", _NEURON),
}


def _population(name: str, shape: tuple[int, ...], threshold: int) -> IntegerPopulation:
    return IntegerPopulation(name, shape, threshold, 1024, 0, 0)  # type: ignore[arg-type]  # one for all channels


def _maps() -> IntegerNetwork:
    rng = np.random.default_rng(1)
    first = IntegerConnection(
        "a", "in", "map", rng.integers(-9, 60, (4, 1, 3, 2)), stride=(1, 2), padding=(1, 0), dilation=(2, 1), groups=2
    )
    second = IntegerConnection("b", "map", "out", rng.integers(-9, 60, (3, 4, 1, 1)))
    shape = (4, 6, 4)
    return IntegerNetwork(
        IntegerInput("in", (2, 8, 8), 1),
        (_population("map", shape, 60), _population("out", (3, *shape[1:]), 60)),
        (first, second),
        5,
    )


def _dense() -> IntegerNetwork:
    rng = np.random.default_rng(2)
    return IntegerNetwork(
        IntegerInput("in", (3,), 1),
        (_population("hidden", (4,), 30), _population("out", (2,), 30)),
        (
            IntegerConnection("a", "in", "hidden", rng.integers(-60, 120, (4, 3))),
            IntegerConnection("b", "hidden", "out", rng.integers(-60, 120, (2, 4))),
        ),
        6,
    )


def _loop() -> IntegerNetwork:
    network = _dense()
    again = IntegerConnection("again", "hidden", "hidden", np.eye(4) * 90 - 20, delay=1)
    return replace(network, connections=(network.connections[0], again, network.connections[1]))


def _map_loop(network: IntegerNetwork) -> IntegerNetwork:
    return _joined(network, IntegerConnection("again", "map", "map", np.ones((4, 4, 1, 1)), delay=1))


def _skip(network: IntegerNetwork) -> IntegerNetwork:
    return _joined(network, IntegerConnection("skip", "in", "out", np.ones((2, 3))))


def _joined(network: IntegerNetwork, more: IntegerConnection) -> IntegerNetwork:
    return replace(network, connections=(*network.connections, more))


def _without_first(network: IntegerNetwork) -> IntegerNetwork:
    """Return the network without the synapse from the first input to the last hidden neuron."""
    weights = network.connections[0].weights.copy()
    weights[3, 0] = 0
    return _with(network, 0, weights=weights)


def _with(network: IntegerNetwork, index: int, **changes: Any) -> IntegerNetwork:
    """Return the network with one connection changed; behind a window the output becomes as much smaller."""
    connections = list(network.connections)
    connections[index] = replace(connections[index], **changes)
    populations = network.populations
    if "pool" in changes:
        channels, height, width = populations[1].shape
        down, across = changes["pool"]
        populations = (populations[0], replace(populations[1], shape=(channels, height // down, width // across)))
    return replace(network, populations=populations, connections=tuple(connections))


def _neurons(network: IntegerNetwork, **changes: Any) -> IntegerNetwork:
    """Return the network with the first population changed."""
    return replace(network, populations=(replace(network.populations[0], **changes), *network.populations[1:]))


def shown(page: str) -> str:
    """Return the table that the page shows."""
    start = page.index(HEAD)
    return page[start : page.index("\n\n", start) + 1]


if __name__ == "__main__":
    text, made = PAGE.read_text(encoding="utf-8"), table()
    if "--check" in sys.argv:
        sys.exit(shown(text) != made)
    PAGE.write_text(text.replace(shown(text), made), encoding="utf-8")
