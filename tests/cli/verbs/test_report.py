"""snn-deploy report as a user calls it, and as a browser sees it."""

import html.parser
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.browser import accessibility_violations, clipped_without_a_sign, needs_chromium, opened
from helpers.cli_help import snn_deploy
from helpers.unsure_cpu import make_cpu_unsure

from snn_deploy.deploy.exits.exit_policy import ExitPolicy, write_exit_policy
from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network.integer_network import read_integer_network, write_integer_network
from snn_deploy.network.state_units import LARGEST_THRESHOLD

WIDTHS = (390, 820, 1280)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run folder with an exported network and its report."""
    folder = tmp_path_factory.mktemp("report") / "small"
    (folder.parent / "small.toml").write_text('[data]\nname = "digits"\n[model]\nlayers = "6C3-P2-8C3-P2-10"\n')
    train = ["train", folder.parent / "small.toml", "--out", folder, "--set", "training.epochs=2"]
    assert snn_deploy(*train, "--set", "training.threads=1").exit_code == 0
    assert snn_deploy("export", folder, "--samples", 20).exit_code == 0
    return folder


def reported(run, out, *options):
    shown = snn_deploy("report", run, "--out", out, "--samples", 40, "--backends", "reference,cpu", "--json", *options)
    assert shown.exit_code == 0, shown.stderr
    return json.loads(shown.stdout)


@pytest.fixture(scope="module")
def page(run):
    reported(run, run.parent / "report.html")
    return run.parent / "report.html"


class _Tags(html.parser.HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_the_numbers_are_those_of_the_other_verbs(run, tmp_path):
    result = reported(run, tmp_path / "a.html")
    ran = json.loads(snn_deploy("run", run / "loihi", "--samples", 40, "--json").stdout)
    assert result["accuracy"] == ran["accuracy"]
    assert result["fits"] == {"loihi2": True}
    text = (tmp_path / "a.html").read_text()
    for population in ran["populations"]:
        assert f'<td class="n">{100 * population["spike_rate"]:.2f} %</td>' in text
    energy = json.loads(snn_deploy("energy", run / "loihi", "--samples", 40, "--json").stdout)
    assert f"{energy['total'] * 1e9:.3g} nJ" in text
    assert "✓ 0 of" in text


def test_the_same_input_gives_the_same_bytes(run, page, tmp_path):
    reported(run, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_nothing_points_out_of_the_page_and_every_picture_has_words(page):
    text = page.read_text()
    tags = _Tags(text).tags
    assert not {"script", "link", "iframe", "object"} & {t for t, a in tags if a.get("href") != "data:,"}
    for tag, attributes in tags:
        for key in ("src", "href"):
            assert (attributes.get(key) or "#").startswith(("#", "data:")), (tag, attributes)
        if tag == "img":
            assert len(attributes["alt"]) > 20
    assert "url(" not in text.split("</style>")[0]
    anchors = {a["href"][1:] for t, a in tags if t == "a"}
    assert anchors <= {a.get("id") for _, a in tags}
    assert {"layers", "chip", "energy", "training", "provenance"} <= anchors


def test_a_network_alone_has_a_report_without_training(run, tmp_path):
    (tmp_path / "alone").mkdir()
    file = tmp_path / "alone" / "network.npz"
    file.write_bytes((run / "loihi" / "network.npz").read_bytes())
    reported(file, tmp_path / "alone.html", "--profile", "loihi2")
    text = (tmp_path / "alone.html").read_text()
    assert 'id="training"' not in text
    assert "loihi1" not in re.sub("<code>.*?</code>", "", text)


@pytest.fixture(scope="module")
def silent(run):
    """Return a network of whose layers none fires: the threshold is beyond anything that arrives."""
    network = read_integer_network(run / "loihi/network.npz")
    populations = tuple(
        replace(p, threshold=np.full(p.shape[0], LARGEST_THRESHOLD)) if p.fires else p for p in network.populations
    )
    folder = run.parent / "silent"
    folder.mkdir()
    write_integer_network(replace(network, populations=populations, provenance={}), folder / "network.npz")
    return folder


def test_another_network_is_measured_as_this_one_is_on_the_same_samples(run, page, silent, tmp_path):
    beside = ("--data", "digits", "--beside", silent, "--profile", "loihi2")
    found = reported(run, tmp_path / "both.html", *beside)["beside"]
    alone = reported(silent, tmp_path / "alone.html", "--data", "digits", "--profile", "loihi2")
    assert (found["accuracy"], found["fits"]) == (alone["accuracy"], alone["fits"])
    text = (tmp_path / "both.html").read_text()
    assert 'id="beside"' not in page.read_text()
    assert f"{found['only_here']} of them are classified rightly by this network alone" in text
    assert "difference may be chance" not in text  # the silent one guesses
    rows = dict(
        re.findall(r'<tr><th scope="row">([^<]*)</th><td class="n">[^<]*</td><td class="n">([^<]*)</td></tr>', text)
    )
    assert rows["accuracy in integers"] == f"{100 * alone['accuracy']:.2f} %"
    assert (rows["spikes a sample"], rows["spikes that differ between backends"]) == ("0", "0 of 0: nothing fired")
    assert rows["Intel Loihi 2"].startswith("fits: ")
    energies = json.loads(snn_deploy("energy", silent, "--samples", 40, "--data", "digits", "--json").stdout)
    assert f"{energies['total'] * 1e9:.3g} nJ" in rows.values()
    for layer in ("conv1", "conv2"):
        assert re.search(rf"{layer}</th>\n<td[^>]*>[^|]* \| [^|]*</td>\n<td[^>]*>[^|]*% \| 0.00 %</td>", text)
    assert f"--beside {silent}" in text
    shown = snn_deploy("report", run, "--beside", tmp_path)
    assert (shown.exit_code, "neither a run nor an exported network" in shown.stderr) == (2, True)


def test_the_same_network_beside_itself_differs_by_chance_alone(run, tmp_path):
    found = reported(run, tmp_path / "both.html", "--beside", run / "loihi")["beside"]
    text = (tmp_path / "both.html").read_text()
    assert (found["only_here"], found["only_there"]) == (0, 0)
    assert "It is the same network." in text
    assert "<b>the difference may be chance</b>" in text
    assert "The grey line is small." in text


def test_where_nothing_fired_no_spike_is_called_the_same(silent, tmp_path):
    reported(silent, tmp_path / "a.html", "--data", "digits", "--profile", "loihi2")
    text = (tmp_path / "a.html").read_text()
    assert "✓ 0 of" not in text
    assert "– no spikes" in text
    assert "cpu</th><td>every output is the same; nothing fired" in text


def test_no_backend_has_an_accuracy_of_samples_that_it_did_not_run(run, page):
    text = page.read_text()
    assert "cpu</th><td>every spike and output is the same</td>" in text
    assert "The backends, compared spike by spike with reference on 10 of these samples" in text
    measured = re.findall(
        r"<tr><th scope=.row.>([^<]*)</th><td class=.n.>[^<]*</td><td class=.n.>[^<]*</td><td>(.*)</td>", text
    )
    assert measured == [("floats", "40 test samples"), ("integers", "40 test samples, on cpu")]


def test_what_is_no_run_or_not_exported_is_one_line(run, tmp_path):
    shown = snn_deploy("report", tmp_path)
    assert (shown.exit_code, "neither a run nor an exported network" in shown.stderr) == (2, True)
    (tmp_path / "float_network.npz").write_bytes((run / "float_network.npz").read_bytes())
    shown = snn_deploy("report", tmp_path)
    assert (shown.exit_code, f"Call snn-deploy export {tmp_path}" in shown.stderr) == (2, True)
    shown = snn_deploy("report", run, "--profile", "cmos45")
    assert (shown.exit_code, "is a way to count energy, not a chip" in shown.stderr) == (2, True)
    assert not list(tmp_path.glob("*.html"))


@needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_a_browser_shows_it_without_a_word_on_its_console(page, tmp_path, width):
    built, console = opened(page, width, tmp_path)
    assert console == []
    assert "✓ fits" in built


@needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_an_accessibility_checker_finds_nothing(page, tmp_path, width):
    assert accessibility_violations(page, width, tmp_path) == []


def test_the_ladder_has_the_floats_on_the_samples_that_the_integers_saw(run, page):
    from snn_deploy.network import float_semantics  # noqa: PLC0415
    from snn_deploy.network.float_network import read_float_network  # noqa: PLC0415
    from snn_deploy.train.datasets.digits import Dataset  # noqa: PLC0415

    floats, test = read_float_network(run / "float_network.npz"), Dataset().load("test").first(40)
    frames = np.broadcast_to(test.inputs, (floats.steps, *test.inputs.shape))
    outputs = float_semantics.run(floats, frames).potentials["output"][-1]
    accuracy = 100 * (outputs.argmax(axis=1) == test.labels).mean()
    row = re.search(r"floats</th>(.*?)</tr>", page.read_text(), flags=re.DOTALL)
    assert row is not None
    assert f"{accuracy:.2f} %" in row[1]
    assert "40 test samples" in row[1]


@needs_chromium
def test_tables_that_are_wider_than_a_phone_show_that_they_go_on(page, tmp_path):
    bare, scrolling = clipped_without_a_sign(page, 390, tmp_path)
    assert bare == []
    assert scrolling > 5  # else nothing was looked at


def test_exits_beside_the_network_are_on_the_first_screen(run, page, tmp_path):
    assert "Early exits" not in page.read_text()
    assert snn_deploy("exits", run / "loihi", "--allowed-loss", 2).exit_code == 0
    try:
        found = reported(run, tmp_path / "a.html")["exits"]
        text = (tmp_path / "a.html").read_text()
        card = re.search(r'<h3>Early exits</h3><p class="big">([\d.]+) of 4 steps</p><p>([\d.]+) % at the', text)
        assert card is not None
        assert text.index(card[0]) < text.index('id="layers"')
        ran = json.loads(
            snn_deploy("run", run / "loihi", "--samples", 40, "--exits", run / "loihi/exits.json", "--json").stdout
        )
        assert float(card[1]) == pytest.approx(np.mean(ran["exit_steps"]), abs=0.005)
        assert float(card[2]) == pytest.approx(100 * ran["accuracy"], abs=0.005)
        options = ("--samples", 40, "--exits", run / "loihi/exits.json", "--profile", "loihi2", "--json")
        energy = json.loads(snn_deploy("energy", run / "loihi", *options).stdout)
        assert found["loihi2"] == energy["exits"]
        assert text.count("<caption><span>Samples that stop early on ") == 2
        other = tmp_path / "other.json"
        assert snn_deploy("exits", run / "loihi", "--allowed-loss", 0, "--out", other).exit_code == 0
        named = reported(run, tmp_path / "b.html", "--exits", other)["exits"]
        assert named["cmos45"]["steps"]["mean"] > found["cmos45"]["steps"]["mean"]
        assert f"--exits {other}" in (tmp_path / "b.html").read_text()
    finally:
        (run / "loihi/exits.json").unlink()


def test_exits_of_another_network_beside_it_are_refused(run):
    other = random_network(0)
    write_exit_policy(ExitPolicy(other.digest, "margin", (None,) * (other.steps - 1)), {}, run / "loihi/exits.json")
    try:
        result = snn_deploy("report", run, "--samples", 5)
        assert result.exit_code == 2
        assert "was fitted on another network" in result.stderr
        assert "Or remove it" in result.stderr.replace("\n", " ")
    finally:
        (run / "loihi/exits.json").unlink()


def test_a_backend_that_stops_elsewhere_is_a_difference(run, tmp_path, monkeypatch):
    assert snn_deploy("exits", run / "loihi", "--allowed-loss", 2, "--out", tmp_path / "e.json").exit_code == 0
    make_cpu_unsure(monkeypatch, 4)
    options = ("--samples", 20, "--backends", "reference,cpu", "--exits", tmp_path / "e.json", "--json")
    result = snn_deploy("report", run, "--out", tmp_path / "a.html", *options)
    assert result.exit_code == 1
    (difference,) = json.loads(result.stdout)["differences"]
    assert difference.startswith("cpu, with exits: sample ")
