"""docs/neurobench.md shows what NeuroBench's harness and snn-deploy find now, and both find the same."""

import warnings

import pytest
from helpers.script import ROOT, script

PUBLISHED = {  # of NeuroBench's README and examples/primate_reaching/benchmark_SNN2.py: what needs no data
    "README's 20-256-256-256-35, 200 steps": {"footprint, bytes": 583_900, "dense": 29_030_400},
    "motor prediction, SNN 96-50-2": {"dense": 4_900},
    "motor prediction, SNN 192-50-2": {"dense": 9_700},
}


@pytest.fixture(scope="module")
def rows():
    for package in ("neurobench", "snntorch"):
        pytest.importorskip(
            package, reason=f"{package} is not installed (the groups neurobench and frameworks have it)"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return table(script("docs/neurobench_table.py").tables())


def table(text):
    """Return (network, metric) -> (harness, snn-deploy)."""
    found, network = {}, ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[1] not in ("metric", "---"):
            network = cells[0] or network
            found[network, cells[1]] = tuple(float(cell.replace(",", "")) for cell in cells[2:])
    return found


def test_every_metric_is_the_harness_s_but_for_the_buffers_of_the_framework(rows):
    assert len(rows) == 5 * 8
    for (network, metric), (theirs, ours) in rows.items():
        if metric == "footprint, bytes":
            assert theirs - ours in (24, 36, 48)  # 12 in each layer of neurons
        else:
            assert theirs == ours, (network, metric)


def test_what_neurobench_published_is_found_again(rows):
    for network, figures in PUBLISHED.items():
        for metric, value in figures.items():
            assert rows[network, metric][0] == value


def test_the_table_of_the_page_has_these_rows(rows):
    page = table((ROOT / "docs/neurobench.md").read_text(encoding="utf-8"))
    assert page.keys() == rows.keys()
    exact = ("footprint, bytes", "parameters", "dense")  # the others hang on torch's random numbers
    assert all(page[key] == rows[key] for key in rows if key[1] in exact)
    assert all(theirs == ours for (_, metric), (theirs, ours) in page.items() if metric != "footprint, bytes")
