# ruff: noqa: E402 - the tests' folder is put on the path first
"""Damages files of every kind and reads them: what comes back is a value or a UserError of one line, never a traceback.

Nothing else reaches the terminal: libraries have ways of their own to write there what is in a file.

    python tests/fuzz/readers.py 20000 [SEED] [READER ...]

Each mutation is drawn from SEED, the reader and its number alone, so that a failure is made again by its line.
"""

import gzip
import json
import os
import random
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import onnx as onnx_format
import tomli_w
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save as save_tensors

sys.path[:0] = [str(Path(__file__).parents[1])]

from fuzz.mutations import arrays_mutated, bytes_mutated, mutate_hdf5, plain_mutated
from helpers.small_network import one_kernel

from snn_deploy.api import sources
from snn_deploy.deploy.backends import netx, onnx
from snn_deploy.deploy.energy.core_events import core_events
from snn_deploy.deploy.energy.core_loads import core_loads
from snn_deploy.deploy.exits import exit_policy
from snn_deploy.deploy.mapping import fit_trade
from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.mapping.cores import placement
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.export.targets import loihi
from snn_deploy.fitting import settings as fit_settings
from snn_deploy.fitting import stage
from snn_deploy.fitting.accounting import Targets
from snn_deploy.fitting.parts import Pruning
from snn_deploy.fitting.settings import FitSettings
from snn_deploy.fitting.settings import begin as begin_fit
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.interchange.compare_with_recording import compare_with_recording
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.read_net import read_net
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.interchange.write_nir import write_nir
from snn_deploy.interchange.write_nir_data import write_nir_data
from snn_deploy.network import float_network, integer_network, integer_semantics
from snn_deploy.network.core_loads import read_core_loads, write_core_loads
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.source_comparison import source_line
from snn_deploy.report.gather import _provenance
from snn_deploy.report.ladder import ladder
from snn_deploy.report.run_facts import training_of
from snn_deploy.search import journal
from snn_deploy.search.point import read_point
from snn_deploy.search.settings import MEASURES, SearchSettings, begin
from snn_deploy.support import array_file
from snn_deploy.support.sealed_json import SealedJson, digest_of
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.data.event_file import read_events
from snn_deploy.train.data.idx_file import read_idx_samples
from snn_deploy.train.data.mel_bands import mel_bands, read_sound
from snn_deploy.train.datasets import cifar10, cifar100
from snn_deploy.train.datasets._image_files import ImageFiles
from snn_deploy.train.datasets.npz_file import Dataset as NpzFile
from snn_deploy.train.datasets.time_series import Dataset as TimeSeries
from snn_deploy.train.models import layer_string
from snn_deploy.train.run import checkpoint
from snn_deploy.train.run.layer_statistics import HISTOGRAM_BINS
from snn_deploy.train.run.run_folder import RunFolder

Random = random.Random
Mutate = Callable[[Random, Path], None]
_CONFIG = {
    "seed": 3,
    "steps": 3,
    "data": {"name": "digits"},
    "model": {"name": "layer_string", "layers": "4C3-P2-10"},
    "training": {"epochs": 3, "batch_size": 32},
    "losses": {"im_loss": {"weight": 0.01}},
    "surrogate": {"name": "dspike", "temperature": 3.0},
    "quantization": {"epochs": 1, "weight_bits": 8},
}
_LARGEST_LINE = 5000
_PROFILE = Path(sources.__file__).parents[1] / "hardware_profiles/loihi2.toml"


_FIT = FitSettings("0" * 64, "loihi2", Targets(3), "nengo-loihi", "taylor", 2, 1, 1, 20, 8, False, ("seed=1",))


@dataclass(frozen=True)
class Reader:
    """A kind of file. name: of it. write: a whole one. read: what the program does with it. mutate: what it holds."""

    name: str
    write: Callable[[Path], None]
    read: Callable[[Path], object]
    mutate: Mutate | None = None


def fuzz(count: int, seed: int, folder: Path, only: Iterable[str] = ()) -> tuple[Counter[str], list[str]]:
    """Return how the mutations ended, "READER: read" or "READER: refused", and a text for each that failed."""
    ended: Counter[str] = Counter()
    failures: list[str] = []
    warnings.simplefilter("ignore")
    chosen = [r for r in readers() if not only or r.name in only]
    whole = {}
    for reader in chosen:
        path = folder / reader.name
        path.parent.mkdir(exist_ok=True)
        reader.write(path)
        reader.read(path)  # a whole file is read
        whole[reader.name] = path.read_bytes()
    for number in range(count):
        reader = chosen[number % len(chosen)]
        path, rng = folder / reader.name, Random(f"{seed} {reader.name} {number}")
        path.write_bytes(whole[reader.name])
        if reader.mutate is None or rng.random() < 0.4:
            path.write_bytes(bytes_mutated(rng, whole[reader.name]))
        else:
            try:
                reader.mutate(rng, path)
            except Exception:  # noqa: BLE001 - the mutation cannot be written, such as half of a surrogate pair in TOML
                ended["not written"] += 1
                continue
        outcome = _outcome(reader, path)
        ended[f"{reader.name}: {outcome if outcome in ('read', 'refused') else 'FAILED'}"] += 1
        if outcome not in ("read", "refused"):
            failures.append(f"seed {seed}, {reader.name}, mutation {number}:\n{outcome}")
    return ended, failures


def _outcome(reader: Reader, path: Path) -> str:
    with _terminal() as terminal:
        outcome = _outcome_alone(reader, path)
    terminal.seek(0)
    said = terminal.read()
    terminal.close()
    return f"{outcome}, after it wrote to the terminal: {said[:1000]!r}" if said else outcome


@contextmanager
def _terminal() -> Iterator[IO[str]]:
    """Yield a file that gets what is written to standard output and standard error, by libraries in C too."""
    file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - the caller reads it
    before = [os.dup(number) for number in (1, 2)]
    try:
        with redirect_stdout(file), redirect_stderr(file):
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            yield file
            file.flush()
    finally:
        for number, kept in zip((1, 2), before, strict=True):
            os.dup2(kept, number)
            os.close(kept)


def _outcome_alone(reader: Reader, path: Path) -> str:
    try:
        reader.read(path)
    except UserError as error:
        text = str(error)
        if "\n" in text or "\r" in text or len(text) > _LARGEST_LINE:
            return f"an error of more than one line, or of {len(text)} letters: {text[:300]!r}"
        return "refused"
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a panic of a foreign parser is none of Exception
        return traceback.format_exc()
    return "read"


def readers() -> tuple[Reader, ...]:
    """Return every kind of file that the program reads, small."""
    integers = one_kernel(np.ones((3, 3), int), 6, steps=3, padding=(1, 1), threshold=5)
    integers = integer_network.IntegerNetwork(
        integers.input,
        (integer_network.IntegerPopulation("out", (1, 6, 6), 5, 2048, 0, 0),),  # type: ignore[arg-type]
        integers.connections,
        3,
        {
            "config": _CONFIG,
            "export": {"chip": "loihi2", "tool": "snn-deploy", "weight_bits": 8, "states": {"from": "x"}},
            "float_accuracy": 0.5,
            "quantized_accuracy": None,
            "test_samples": 10,
            "compared": {"source": "x", "samples": 1, "steps": 3, "layers": [], "tolerance": 0.0},
        },
    )
    floats = FloatNetwork(
        FloatInput("input", (1, 4, 4), 255, 1.0),
        (
            FloatPopulation("maps", (2, 4, 4), np.full(2, 0.5), np.full(2, 0.5), np.zeros(2)),
            FloatPopulation("out", (3,), np.full(3, 0.5), np.ones(3), np.zeros(3), fires=False),
        ),
        (
            FloatConnection("conv", "input", "maps", np.ones((2, 1, 3, 3)) / 4, padding=(1, 1)),
            FloatConnection("dense", "maps", "out", np.ones((3, 32)) / 8),
        ),
        3,
        integers.provenance,
    )
    frames = np.random.default_rng(0).integers(0, 256, (3, 2, 1, 6, 6), dtype=np.uint8)
    chip = load_profile("loihi2")
    put = place(integers, chip, mean_spikes(integers, frames)).placement
    least = (-0.5, *[None] * (integers.steps - 2))
    policy = exit_policy.ExitPolicy(integers.digest, "entropy", least, 12.5, exit_policy.Coverage(0.95, 3.25))
    trace = integer_semantics.run(integers, frames)
    events = {"x": np.arange(9), "y": np.arange(9) % 3, "t": np.arange(9) * 10, "p": np.arange(9) % 2}
    pixels = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)

    def of_integers(path: Path) -> None:
        network = integer_network.read_integer_network(path)
        for call in (
            lambda: sources.chip_of(network, None),
            lambda: sources.samples_of(network.provenance, None, 1, "test"),
        ):
            try:
                call()
            except UserError as error:
                assert "\n" not in str(error)
        source_line(network.provenance)
        ladder(network, np.ones(10, bool), None, is_whole_test=True)
        _provenance(network)

    def of_placement(path: Path) -> None:
        found = placement.read_placement(path)
        check_placement(integers, found, chip)
        core_events(integers, found, [trace.spikes], chip)

    def of_exits(path: Path) -> None:
        found = exit_policy.read_exit_policy(path)
        exit_policy.require_same_network(found, integers, str(path))
        exits = found.exits(np.arange(integers.steps * 8).reshape(integers.steps, 2, 4))
        if found.coverage is not None:
            found.sets(np.zeros((2, 4)), exits)

    def of_checkpoint(path: Path) -> None:
        state = _training_state()
        checkpoint.read_origin(path)
        checkpoint.read_checkpoint(path, state)

    def of_events(path: Path) -> None:
        read_events(path).frames(4, (12, 12), (6, 6), "counts", str(path))

    def of_image(path: Path) -> None:
        ImageFiles((str(path),), 3, 8, 8, 8)[0]

    def write_onnx(path: Path) -> None:
        from snn_deploy.export.targets.onnx import onnx_model  # noqa: PLC0415 - onnx may be missing

        path.write_bytes(onnx_model(integers, "frames").SerializeToString())

    nir_reading = NirReading(steps=3, largest_value=255)
    return (
        Reader(
            "network.npz",
            partial(integer_network.write_integer_network, integers),
            of_integers,
            _array_file(integer_network.KIND, integer_network.VERSION),
        ),
        Reader(
            "float_network.npz",
            partial(float_network.write_float_network, floats),
            float_network.read_float_network,
            _array_file(float_network.KIND, float_network.VERSION),
        ),
        Reader("network.net", partial(loihi.write, integers), read_net, _hdf5),
        Reader("beside.net", partial(loihi.write, integers), lambda path: netx._check_file(path, integers), _hdf5),
        Reader("network.nir", partial(write_nir, floats), lambda path: read_nir(path, nir_reading), _hdf5),
        Reader(
            "recorded.h5",
            partial(write_nir_data, integers, frames),
            lambda path: compare_with_recording(integers, path),
            _hdf5,
        ),
        Reader(
            "recorded.npz",
            lambda path: np.savez(path, inputs=frames, out=trace.spikes["out"]),
            lambda path: compare_with_recording(integers, path),
            _npz,
        ),
        Reader(
            "placement.json",
            partial(placement.write_placement, put),
            of_placement,
            partial(_sealed, placement.FILE),
        ),
        Reader(
            "exits.json",
            lambda path: exit_policy.write_exit_policy(policy, {"test": {"accuracy": 0.5}}, path),
            of_exits,
            partial(_sealed, exit_policy.FILE),
        ),
        Reader(
            "loads.npz",
            partial(write_core_loads, core_loads(integers, put, chip, mean_spikes(integers, frames))),
            lambda path: read_core_loads(path).longest,
            _array_file("CoreLoads", 1),
        ),
        Reader("fit/trade.json", _write_trade, fit_trade.read_trade, partial(_sealed, fit_trade.FILE)),
        Reader(
            "fit/fit.json",
            lambda path: begin_fit(path.parent, _FIT, resume=False),
            lambda path: begin_fit(path.parent, _FIT, resume=True),
            partial(_sealed, fit_settings.FILE),
        ),
        Reader(
            "fit/stage.json",
            lambda path: stage.write_choice(path.parent, Pruning({"conv1": np.arange(4) < 2}, {"conv1-output": 0.5})),
            lambda path: stage.read_choice(path.parent, layer_string.Model("4C3-P2-10").plan((1, 8, 8), 10)),
            partial(_sealed, stage.FILE),
        ),
        Reader(
            "chip.toml",
            lambda path: path.write_bytes(_PROFILE.read_bytes()),
            lambda path: limits_of(load_profile(path), 8),
            _toml,
        ),
        Reader("config.toml", lambda path: path.write_text(tomli_w.dumps(_CONFIG)), read_config, _toml),
        Reader("last.safetensors", _write_checkpoint, of_checkpoint, _checkpoint),
        Reader("metrics.jsonl", _write_metrics, lambda path: RunFolder(path.parent).read_metrics(), _lines),
        Reader("drawn/metrics.jsonl", _write_drawn, lambda path: training_of(path.parent), _lines),
        Reader("found/search.json", _write_search, _begin, _json),
        Reader("point.json", _write_point, lambda path: read_point(path, None), _lines),  # type: ignore[arg-type]
        *(Reader(f"image{end}", lambda path: Image.fromarray(pixels).save(path), of_image) for end in
          (".ppm", ".png", ".jpg", ".bmp", ".tif", ".webp")),
        Reader("events.npz", lambda path: np.savez(path, **events), of_events, _npz),
        Reader("events.npy", lambda path: np.save(path, np.stack(list(events.values()), 1)), of_events, _npy),
        Reader("events.h5", partial(_write_hdf5, events), of_events, _hdf5),
        Reader(
            "images.npz",
            lambda path: np.savez(path, images=frames[0].repeat(5, 0), labels=np.arange(10)),
            lambda path: NpzFile(str(path)).load("test"),
            _npz,
        ),
        Reader(
            "signals.npz",
            lambda path: np.savez(path, signals=np.arange(60.0).reshape(10, 2, 3), labels=np.arange(10) % 2),
            lambda path: TimeSeries(str(path)).load("test"),
            _npz,
        ),
        Reader("series.ts", _write_series, lambda path: TimeSeries(str(path)).load("test")),
        Reader("sound.wav", _write_sound, lambda path: mel_bands(read_sound(path, 8000, 1.0), 8000, 4, 0.02, 0.01)),
        *(Reader(f"idx/t10k-{name}", _write_idx, lambda path: read_idx_samples(path.parent, "test"), _idx)
          for name in ("images-idx3-ubyte", "labels-idx1-ubyte.gz")),
        *(Reader(name, partial(_write_cifar, label_bytes), partial(_load, data_set)) for name, label_bytes, data_set in
          (("cifar10/test_batch.bin", 1, cifar10), ("cifar100/test.bin", 2, cifar100))),
        Reader("study/journal.log", _write_journal, _of_journal, _lines),
        Reader("network.onnx", write_onnx, lambda path: onnx.run(integers, frames, file=path), _onnx),
    )  # fmt: skip


def _write_series(path: Path) -> None:
    head = "@problemName x\n@timeStamps false\n@univariate false\n@equalLength false\n@classLabel true a b\n@data\n"
    path.write_text(head + "1,2.5,-3:4,5,6:a\n7:8:b\n9,0:1,2:a\n" * 3)


def _write_sound(path: Path) -> None:
    import soundfile  # noqa: PLC0415 - it may be missing

    soundfile.write(path, np.sin(np.arange(400)), 8000)


def _array_file(kind: str, version: int) -> Mutate:
    def mutate(rng: Random, path: Path) -> None:
        header, arrays = array_file.read_array_file(path, kind, version)
        if rng.random() < 0.7:
            header = plain_mutated(rng, header)
        else:
            arrays = arrays_mutated(rng, arrays)
        array_file.write_array_file(path, kind, version, header, arrays)

    return mutate


def _hdf5(rng: Random, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        texts = [n for n in names if n.endswith("statement") or n.endswith("snn_deploy")]
        texts = [n for n in texts if isinstance(file[n], h5py.Dataset)]
        if texts and rng.random() < 0.4:  # JSON inside the file
            changed = json.dumps(plain_mutated(rng, json.loads(file[texts[0]][()])))
            del file[texts[0]]
            file[texts[0]] = changed if rng.random() < 0.5 else np.bytes_(changed)
        else:
            mutate_hdf5(rng, file)


def _npz(rng: Random, path: Path) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **arrays_mutated(rng, arrays))


def _npy(rng: Random, path: Path) -> None:
    (array,) = arrays_mutated(rng, {"x": np.load(path)}).values()
    np.save(path, array)


def _toml(rng: Random, path: Path) -> None:
    from snn_deploy.train.config.read_config import tomllib  # noqa: PLC0415 - of this Python

    path.write_text(
        tomli_w.dumps(plain_mutated(rng, tomllib.loads(path.read_text(encoding="utf-8")))), encoding="utf-8"
    )


def _sealed(kind: SealedJson, rng: Random, path: Path) -> None:
    """Change the content, and seal it again."""
    content = plain_mutated(rng, kind.read(path))
    path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": digest_of(content), kind.content: content}))


def _lines(rng: Random, path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in plain_mutated(rng, lines)))


def _json(rng: Random, path: Path) -> None:
    path.write_text(json.dumps(plain_mutated(rng, json.loads(path.read_text()))))


def _idx(rng: Random, path: Path) -> None:
    """Change what is compressed, or what the header claims."""
    is_zipped = path.suffix == ".gz"
    content = gzip.decompress(path.read_bytes()) if is_zipped else path.read_bytes()
    if rng.random() < 0.5:
        axes = content[3]
        lengths = [rng.choice((0, 1, 2, 2**16, 2**31, 2**32 - 1)) for _ in range(axes)]
        content = content[:4] + b"".join(n.to_bytes(4, "big") for n in lengths) + content[4 + 4 * axes :]
    content = bytes_mutated(rng, content)
    path.write_bytes(gzip.compress(content) if is_zipped else content)


def _onnx(rng: Random, path: Path) -> None:
    """Change a tensor, a node or the metadata of a model."""
    model = onnx_format.ModelProto.FromString(path.read_bytes())
    tensor, node = rng.choice(model.graph.initializer), rng.choice(model.graph.node)
    kind = rng.randrange(6)
    if kind == 0:
        tensor.data_location = tensor.EXTERNAL
        for key, value in (("location", rng.choice(("x.bin", "../x", "/etc/passwd", ""))), ("length", str(2**40))):
            tensor.external_data.add(key=key, value=value)
    elif kind == 1 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice((0, -1, 3, 2**31, 2**62))
    elif kind == 2:
        tensor.raw_data = bytes_mutated(rng, tensor.raw_data)
    elif kind == 3:
        tensor.data_type = rng.choice((0, 1, 3, 7, 8, 10, 11, 99))
    elif kind == 4:
        node.op_type = rng.choice(("Add", "Loop", "Conv", "Nothing", "", "\x1b[2J", "a" * 5000))
    else:
        del node.input[rng.randrange(len(node.input)) :]
    path.write_bytes(model.SerializeToString())


def _checkpoint(rng: Random, path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        run = json.loads(file.metadata()["run"])
    del run["sha256"]
    if rng.random() < 0.6:
        run = plain_mutated(rng, run)
    else:
        arrays = arrays_mutated(rng, {name: tensor.numpy() for name, tensor in tensors.items()})
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    run["sha256"] = checkpoint._content_digest(run, tensors)
    path.write_bytes(save_tensors(tensors, {"run": json.dumps(run)}))


def _training_state() -> checkpoint.TrainingState:
    network = torch.nn.Linear(2, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return checkpoint.TrainingState(network, optimizer, torch.Generator().manual_seed(0))  # type: ignore[arg-type]


def _write_checkpoint(path: Path) -> None:
    progress = checkpoint.Progress(1, 2, torch.tensor([2, 0, 1]), 3.5, {"loss/x": 0.5})
    checkpoint.write_checkpoint(path, _training_state(), progress, checkpoint.Origin(_CONFIG, 1, "ab" * 32))


def _write_metrics(path: Path) -> None:
    line = {"epoch": 1, "sharpness": 3.0, "train_accuracy": 0.5, "validation_accuracy": 0.5, "loss/x": 1.5}
    line |= {"measured/spike_rate/a": 0.1, "measured/membrane_histogram/a": [1] * (HISTOGRAM_BINS + 2)}
    RunFolder(path.parent).write_metrics([line, {**line, "epoch": 2}])


def _write_drawn(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    RunFolder(path.parent).write_config(_CONFIG)
    _write_metrics(path)


def _write_point(path: Path) -> None:
    path.write_text(json.dumps({"measures": dict.fromkeys(MEASURES, 0.5), "pruned": None}) + "\n")


def _begin(path: Path) -> None:
    config = read_config(Path(path.parent / "config.toml"))
    space: Any = ((), (3,), (8,), ("scalar",), ("loihi2",), ("accuracy",), ())
    begin(path.parent, SearchSettings(config.table(), *space, 1, 5, 0), resume=path.exists())


def _write_trade(path: Path) -> None:
    """Write the trade of a fit of two stages, the second without validation samples and timed."""
    stages = (
        fit_trade.TradeStage(0, "runs/whole", "4C3-P2-10", 3, 0.9, 5, 1, None, 0.9),
        fit_trade.TradeStage(1, "stage1", "2C3-P2-10", 1, None, 3, 1, 4e-6, 0.4),
    )
    fit_trade.write_trade(path, fit_trade.FitTrade("loihi2", "3 cores", stages))


def _write_search(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    (path.parent / "config.toml").write_text(tomli_w.dumps(_CONFIG))
    path.unlink(missing_ok=True)
    _begin(path)


def _write_idx(path: Path) -> None:
    for name, count in (("images-idx3-ubyte", 3), ("labels-idx1-ubyte.gz", 1)):
        content = bytes((0, 0, 8, count)) + b"\0\0\0\2" * count + bytes(2**count)
        (path.parent / f"t10k-{name}").write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def _write_cifar(label_bytes: int, path: Path) -> None:
    path.write_bytes(bytes(2 * (label_bytes + 3072)))


def _load(data_set: Any, path: Path) -> None:
    data_set.Dataset(str(path.parent)).load("test")


_STUDY = SearchSettings(
    {}, (), (4, 2), (8, 4), ("scalar",), ("loihi2",), ("accuracy", "energy"), (), inherited_epochs=1, samples=5, seed=0
)


def _write_journal(path: Path) -> None:
    """Write the journal of a search that has measured a deployment, pruned one, and waits with two."""
    states, path = journal.optuna.trial.TrialState, path.parent
    (path / "journal.log").unlink(missing_ok=True)
    study = journal.open_study(_STUDY, path)
    for chosen in _STUDY.deployments():
        study.enqueue_trial(chosen)
    for values, state in (([0.5, 1e-6], states.COMPLETE), (None, states.PRUNED)):
        trial = study.ask()
        for name, allowed in _STUDY.space.items():
            trial.suggest_categorical(name, allowed)
        study.tell(trial, values, state)


def _of_journal(path: Path) -> None:
    """Go on with a search as study.search does."""
    journal.mend(path.parent)
    study = journal.open_study(_STUDY, path.parent)
    for found in study.get_trials(deepcopy=False, states=(journal.optuna.trial.TrialState.RUNNING,)):
        study.tell(found.number, state=journal.optuna.trial.TrialState.FAIL)
    trial = study.ask()
    for name, allowed in _STUDY.space.items():
        trial.suggest_categorical(name, allowed)


def _write_hdf5(arrays: dict[str, np.ndarray], path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[f"events/{name}"] = values


def main(arguments: list[str]) -> int:
    """Fuzz as the command line says; return 1 where anything failed."""
    count, seed, *only = [*arguments, *("20000", "0")[len(arguments) :]]
    with tempfile.TemporaryDirectory() as folder:
        ended, failures = fuzz(int(count), int(seed), Path(folder), only)
    for failure in failures[:20]:
        print(failure)
    for name in sorted(ended):
        print(f"{ended[name]:7} {name}")
    print(f"{sum(ended.values())} mutations, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
