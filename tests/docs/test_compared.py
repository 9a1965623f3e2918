"""docs/compared.md shows the lines of each way as they are now, and what snn-deploy says of what does not fit."""

import re

import pytest
from helpers.script import ROOT, script

PAGE = (ROOT / "docs/compared.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compared():
    return script("benchmarks/compared.py")


def cells(name):
    """Return the cells of the rows that begin with `name`."""
    return [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith(f"| {name}")
    ]


def test_the_lines_of_every_way_are_those_of_its_function(compared):
    for framework in compared.FRAMEWORKS:
        trained_in, _, own, told, ours, *_ = cells(framework.name)[0]
        assert re.fullmatch(rf"{re.escape(framework.name)} [\d.]+", trained_in)
        assert ours == str(compared.lines_of(framework.ours))
        if framework.own is None:
            assert (own, told) == ("-", framework.why_not)
        else:
            assert own == str(compared.lines_of(framework.own))


def test_lines_are_counted_without_signature_docstring_and_blanks(compared):
    assert compared.lines_of(compared.module_with_snn_deploy) == 3
    assert compared.lines_of(compared.file_with_snn_deploy) == 8


def test_what_snn_deploy_says_of_a_network_that_does_not_fit_is_on_the_page(compared):
    (_, told) = cells("snn-deploy")[0]
    assert told == compared.too_large_here()


def test_a_way_with_snn_deploy_gives_the_counts_of_the_cpu_simulator(compared):
    import torch  # noqa: PLC0415 - slow

    import snn_deploy as sd  # noqa: PLC0415

    pytest.importorskip("spikingjelly", reason="spikingjelly is not installed (the group frameworks has it)")
    torch.manual_seed(0)
    net = compared.FRAMEWORKS[2].make().eval()
    _, _, spikes, _ = compared.digits()
    network = sd.from_torch(net, (64,), compared.STEPS, largest_value=1)
    ran = sd.run(sd.export(network).network, spikes[:5].numpy().astype(int))
    with torch.no_grad():
        trained = compared.FRAMEWORKS[2].counts(net, spikes[:5]).numpy()
    assert ran.outputs.shape == trained.shape == (5, 10)
    assert abs(ran.outputs - trained).max() <= 4  # of 16 steps: weights are rounded to 8 bits
