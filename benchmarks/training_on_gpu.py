"""training_on_gpu: what `training.py --device cuda` measures: one training step on one GPU, and its peak memory.

spikingjelly before 2.0 takes a backend, and is measured with every one that it has here (cupy, triton). From 2.0 on it
chooses by itself, native CUDA where that was built, and Triton under torch.compile. Each is measured as it is, where
torch's convolutions round to TF32, and with autocast to bfloat16. snn-deploy is measured as training.synapses = "auto"
chooses and in float32, which is not TF32.
"""

import inspect
import statistics
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import torch
import training
from torch import Tensor

from snn_deploy.train.gpu import exactness, kernel_choice

_BATCH = {"small": 128, "large": 128, "cifarnet": 64, "resnet19": 64}  # of the CPU's tables, where that fills a GPU
_WARM_UP = 3  # compiles, and lets the allocator settle
_PACKAGES = ("torch", "triton", "spikingjelly", "cupy-cuda12x", "cupy-cuda13x", "snntorch")
Builder = Callable[[str], training.Step]


def print_ratios(nets: list[str], rounds: int) -> None:
    """Print one table per network; without a GPU, say so and end with exit code 2."""
    if not torch.cuda.is_available():
        print(f"training.py --device cuda: torch {torch.__version__} finds no GPU here; run it where there is one.",
              file=sys.stderr)  # fmt: skip
        raise SystemExit(2)
    versions = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES if _version(name))
    print(f"{torch.cuda.get_device_name()}; CUDA {torch.version.cuda}; {versions}")
    for net in nets:
        _print_net(net, rounds)


def _print_net(net: str, rounds: int) -> None:
    model, shape, _ = training.NETS[net]
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(_BATCH[net], *shape, generator=generator).cuda()
    labels = torch.randint(0, 10, (_BATCH[net],), generator=generator).cuda()
    steps: dict[str, training.Step] = {}
    memory: dict[str, float] = {}
    failed: dict[str, str] = {}
    for name, build in methods().items():
        _prepare(name)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        try:
            step = build(net)
            for _ in range(_WARM_UP):
                step(images, labels)
        except Exception as error:  # noqa: BLE001 - another's back end that fails here is a row of the table
            failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            continue
        torch.cuda.synchronize()
        memory[name] = (torch.cuda.max_memory_allocated() - before) / 2**20
        steps[name] = step
    milliseconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):  # they take turns, so that a clock that drifts slows all of them
        for name, step in steps.items():
            _prepare(name)
            milliseconds[name].append(_timed(step, images, labels))
    print(
        f"\n{net}: {next(iter(model.values()))}, batch {len(labels)}, {training.STEPS} steps, median of {rounds} turns"
    )
    print(f"{'method':<32}{'ms a step':>10}{'snn-deploy is faster':>24}{'peak memory MB':>18}")
    for name, taken in milliseconds.items():
        ratio = statistics.median(b / a for a, b in zip(milliseconds["snn-deploy"], taken, strict=True))
        print(f"{name:<32}{statistics.median(taken):>10.2f}{ratio:>23.2f}x{memory[name]:>18.0f}", flush=True)
    for name, reason in failed.items():
        print(f"{name:<32} failed: {reason}")


def methods() -> dict[str, Builder]:
    """Return every method that this machine has the packages for."""
    found: dict[str, Builder] = {
        "snn-deploy": lambda net: training.ours(
            net, synapses=kernel_choice.fastest_arithmetic(torch.device("cuda")), device="cuda"
        ),
        "snn-deploy, all float32": partial(training.ours, synapses="float32", device="cuda"),
        "plain loop": partial(training.plain, device="cuda"),
    }
    if find_spec("spikingjelly"):
        for words, options in _spikingjelly_ways().items():
            for narrow in (False, True):
                name = ", ".join(["spikingjelly", *words, *(["bfloat16"] if narrow else [])])
                found[name] = partial(training.spikingjelly, narrow=narrow, device="cuda", **options)
    if find_spec("snntorch"):
        found["snntorch"] = partial(training.snntorch, device="cuda")
    return found


def _spikingjelly_ways() -> dict[tuple[str, ...], dict[str, object]]:
    """Return what the installed spikingjelly can be asked for: words for the table -> options of its benchmark."""
    from spikingjelly.activation_based import neuron  # noqa: PLC0415 - only the benchmark needs it

    if "backend" not in inspect.signature(neuron.LIFNode.__init__).parameters:
        return {(): {}, ("torch.compile",): {"is_compiled": True}}
    node = neuron.LIFNode(step_mode="m")
    return {(name,): {"backend": name} for name in node.supported_backends if name == "torch" or find_spec(name)}


def _prepare(name: str) -> None:
    """Set torch's switches as a run of snn-deploy does, or as torch itself starts."""
    if name.startswith("snn-deploy"):
        exactness.make_exact()
        return
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = True, False
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True


def _timed(step: training.Step, images: Tensor, labels: Tensor) -> float:
    """Return the milliseconds of one step, from an idle GPU until it is idle again."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    step(images, labels)
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
