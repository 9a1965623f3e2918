"""The pictures of a report, where numbers are few."""

from dataclasses import replace

from snn_deploy.report import charts
from snn_deploy.report.layer_facts import LayerFacts


def layer(weights):
    return LayerFacts("pool", (1,), True, ("input",), 0.5, (), 0, 1.0, weights, 8, 1.0, None)


def test_a_layer_of_one_weight_has_a_bar_and_whole_numbers(monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "as_chart", lambda title, words, figure: drawn.append(figure))
    charts.weights_chart([layer({122: 9}), layer({-2: 1, 3: 4})])
    for axes, weights in zip(drawn[0].axes, ([122], [-2, 3]), strict=False):
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
        low, high = axes.get_xlim()
        assert high - low >= 9  # a bar of one weight is at most a ninth of the picture
        assert low < weights[0] <= weights[-1] < high


def test_the_line_of_a_threshold_that_adapts_is_said_to_be_the_constant_part(monkeypatch):
    said = []
    monkeypatch.setattr(charts, "as_chart", lambda title, words, figure: said.append(words))
    measured = replace(layer({1: 1}), potentials=(1,) * 82)
    for adapts in (False, True):
        charts.potentials_chart([replace(measured, adapts=adapts)])
    assert ["the threshold (of pool before its spikes raise it)" in words for words in said] == [False, True]


def test_one_histogram_takes_no_more_than_a_third_of_the_width(monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "as_chart", lambda title, words, figure: drawn.append(figure))
    for count in (1, 3):
        charts.weights_chart([layer({122: 9})] * count)
        drawn[-1].draw_without_rendering()
    widths = [figure.axes[0].get_window_extent().width / figure.bbox.width for figure in drawn]
    assert all(0.2 < width < 0.35 for width in widths)
