"""cli/live_line: the line that moves, in as many columns as there are."""

import sys

import pytest
from helpers.terminal import on_terminal
from hypothesis import given
from hypothesis import strategies as st

from snn_deploy.cli.live_line import LineParts, Steps, clock, fitted, speed
from snn_deploy.cli.output import Output, wrapped

EPOCH = LineParts("epoch 12/120", 0.5, "204/469", "0:12:40 left", "12.3 batches/s", "cross_entropy 0.0905, im_loss 0.3")
words = st.text("abc d[]…", max_size=40)


def _line(parts, width):
    line = fitted(parts, width)
    return "  ".join(filter(None, [line.before, "━" * line.bar, line.behind]))


@given(
    st.builds(LineParts, words, st.none() | st.floats(0, 1), words, words, words, words),
    st.integers(20, 200),
)
def test_no_line_is_wider_than_the_terminal(parts, width):
    assert len(_line(parts, width)) <= width


@pytest.mark.parametrize("width", [79, 119, 139])
def test_on_a_usual_terminal_place_rate_and_time_left_are_whole_and_there_is_a_bar(width):
    line = _line(EPOCH, width)
    assert line.startswith("epoch 12/120  ━━━━━━━━")
    for text in (EPOCH.count, EPOCH.rate, EPOCH.left):
        assert text in line
    assert line.endswith(EPOCH.more if width > 100 else "…")


def test_on_a_narrow_one_the_place_stays_longest():
    assert _line(EPOCH, 45) == "epoch 12/120  204/469  0:12:40 left"
    assert _line(EPOCH, 30) == "epoch 12/120  204/469"
    assert _line(EPOCH, 20) == "epoch 12/1…  204/469"


def test_times_and_speeds_in_words():
    assert [clock(s) for s in (0.9, 61, 3723)] == ["0:00:00", "0:01:01", "1:02:03"]
    assert [speed(r) for r in (None, 12345.6, 12.34, 0.125)] == ["", "12,346/s", "12.3/s", "8.0 s each"]
    assert [speed(r, "batch") for r in (12.34, 0.5)] == ["12.3 batches/s", "2.0 s a batch"]
    assert speed(2.0, "run") == "2.0 runs/s"


def test_before_there_is_a_rate_it_says_how_long_it_has_taken():
    steps = Steps("cpu", 359)
    parts = steps.parts()
    assert (parts.share, parts.count, parts.rate) == (0.0, "0/359", "")
    assert parts.left == "0:00:00 so far"
    assert Steps("nothing", 0).parts().share == 1.0


def test_lines_break_between_words_and_what_is_copied_stays_whole():
    line = "  left out: static power; the barrier of a step, /a/very/long/path-that-is/nowhere.npz"
    assert wrapped(line, 40) == [
        "  left out: static power; the barrier of",
        "    a step,",
        "    /a/very/long/path-that-is/nowhere.npz",
    ]
    assert wrapped(line, 200) == [line]
    shares = "wrote it  (accuracy: validation 97.92 %, test 99.16 %, of 24 bits)"
    assert wrapped(shares, 53) == ["wrote it  (accuracy: validation 97.92 %, test", "  99.16 %, of 24 bits)"]
    command = "  snn-deploy run demo/loihi --backend cpu --samples 20"
    assert wrapped(command, 30) == [command]
    sentence = "snn-deploy profiles NAME prints one of them. Start your own from it."
    assert wrapped(sentence, 44) == ["snn-deploy profiles NAME prints one of them.", "  Start your own from it."]


LONG = "a line on the way that is so long that it needs two lines on a narrow terminal, and no more"
SCRIPT = (
    f"LONG = {LONG!r}"
    + """
import sys, time
from snn_deploy.cli.main import main
from snn_deploy.cli.output import verb
from snn_deploy.support.result import Table

@main.command("work")
@verb
def work(output):
    time.sleep(2.6)  # without a word
    with output.progress("verify reference, cpu, lava, netx, onnx: data", 120) as advance:
        for number in range(6):
            time.sleep(0.3)
            advance(20)
            if number == 3:
                output.say(LONG)
    titles = ("population", "scale", "weights", "threshold", "largest current", "largest potential", "of 24 bits")
    output.table(Table(titles, (("conv1", "5.3602e-05", "-127..126", 9328, 4781760, 6350775, "75.7 %"),)))

main.get_command = lambda ctx, name: work
main(["work", *sys.argv[1:]])
"""
)


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_seen_on_a_terminal(columns, tmp_path):
    seen = on_terminal("-c", SCRIPT, columns=columns, folder=tmp_path)
    assert seen.exit_code == 0, seen.lines
    first = next(i for i, line in enumerate(seen.moving) if line.startswith("verify"))
    assert seen.moving[0].startswith("working  0:00:0")  # of the two seconds before the bar
    bars = [line for line in seen.moving[first:] if "━" in line and line.startswith("verify ")]
    assert any("/s  0:00:0" in line and line.endswith("left") for line in bars), bars
    assert all(len(line) < columns for line in bars)
    assert any("60/120" in line for line in bars)
    long = [LONG] if columns == 120 else [LONG[: LONG.index(" and no")], "  and no more"]
    assert seen.lines[: len(long)] == long
    table = seen.lines[len(long) :]
    assert len(table) == (4 if columns == 80 else 3)
    assert table[-1].split() == ["conv1", "5.3602e-05", "-127..126", "9328", "4781760", "6350775", "75.7", "%"]


def test_quiet_shows_the_result_only(tmp_path):
    seen = on_terminal("-c", SCRIPT, "--quiet", columns=80, folder=tmp_path)
    assert seen.exit_code == 0
    assert len(seen.lines) == 4
    assert not [line for line in seen.moving if line.startswith(("verify", "working"))]


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_is_closed_is_no_terminal(closed, monkeypatch):
    monkeypatch.setattr(sys, closed, None)  # what Python makes of `>&-`
    output = Output(as_json=False)
    with output.progress("samples", 2) as advance:
        advance(1)
    assert output.columns is None
    output.line("nobody reads it")
