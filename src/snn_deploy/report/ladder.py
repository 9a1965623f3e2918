"""ladder: the accuracy of a network from floats to every backend, rung by rung."""

from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.source_comparison import source_line
from snn_deploy.report.findings import Compared, Rung
from snn_deploy.support.counted import counted


def ladder(
    network: IntegerNetwork, accuracy: float, samples: int, compared: Compared, floats_again: float | None
) -> tuple[Rung, ...]:
    """Return the rungs. accuracy: of the integers on `samples` test samples; floats_again: of the floats on the same.

    Without floats_again, a ladder from all test samples to a few looks as if the integers had lost accuracy.
    """
    origin = network.provenance
    tested = f"{origin['test_samples']:,} test samples, after training" if "test_samples" in origin else "not known"
    line = source_line(origin)
    rungs = [] if line is None else [Rung("its source", None, line)]
    rungs.append(Rung("floats", origin.get("float_accuracy"), tested))
    if origin.get("quantized_accuracy") is not None:
        rungs.append(Rung("quantization-aware", origin["quantized_accuracy"], tested))
    if floats_again is not None:
        rungs.append(Rung("floats again", floats_again, f"the {samples:,} test samples of the rows below"))
    rungs.append(Rung("integers", accuracy, f"{samples:,} test samples, on cpu"))
    broken = {line.split(":")[0] for line in compared.differences}
    rungs += [
        Rung(
            name,
            None if name in broken else accuracy,
            f"{word} {compared.backends[0]} on {counted(compared.samples, 'sample')}",
        )
        for name in compared.backends[1:]
        for word in ["differs from" if name in broken else "every spike as"]
        if name != "cpu"
    ]
    return tuple(rungs)
