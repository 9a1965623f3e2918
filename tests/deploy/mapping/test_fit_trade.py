import json
from dataclasses import replace

import pytest

from snn_deploy.deploy.mapping.fit_trade import FitTrade, TradeStage, read_trade, write_trade
from snn_deploy.support.sealed_json import digest_of
from snn_deploy.support.user_error import UserError

BEGUN = TradeStage(0, "runs/whole", "16C3-10", 3, 0.9, 12, 1, None, 0.95)
TRADE = FitTrade(
    "loihi2",
    "6 cores",
    (BEGUN, replace(BEGUN, number=1, run="stage1", cores=8), replace(BEGUN, number=2, run="stage2", busiest=2e-6)),
)


def test_what_is_written_is_read(tmp_path):
    write_trade(tmp_path / "trade.json", TRADE)
    assert read_trade(tmp_path / "trade.json") == TRADE


def test_a_report_of_a_stage_gets_the_trade_up_to_it():
    assert TRADE.until("stage1") == replace(TRADE, stages=TRADE.stages[:2])
    assert TRADE.until("stage2") == TRADE
    assert TRADE.until("whole") is None
    assert TRADE.until("stage3") is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cores", -1),
        ("cores", 2.5),
        ("layers", 3),
        ("validation_accuracy", "0.9"),
        ("busiest", 1e999),
        ("run", None),
        ("density", None),
    ],
)
def test_what_no_fit_writes_is_refused_even_with_the_right_digest(field, value, tmp_path):
    path = tmp_path / "trade.json"
    write_trade(path, TRADE)
    whole = json.loads(path.read_text())
    whole["trade"]["stages"][1][field] = value
    whole["sha256"] = digest_of(whole["trade"])
    path.write_text(json.dumps(whole))
    with pytest.raises(UserError, match=r"trade of a fit|not whole|trade\.json"):
        read_trade(path)


def test_a_missing_field_is_refused(tmp_path):
    path = tmp_path / "trade.json"
    write_trade(path, TRADE)
    whole = json.loads(path.read_text())
    del whole["trade"]["stages"][0]["chips"]
    whole["sha256"] = digest_of(whole["trade"])
    path.write_text(json.dumps(whole))
    with pytest.raises(UserError, match="not the trade of a fit"):
        read_trade(path)
