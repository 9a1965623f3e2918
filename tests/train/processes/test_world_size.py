"""WORLD_SIZE is torchrun's; anything that is no number of processes is one line."""

import pytest

from snn_deploy.api.train import several_processes
from snn_deploy.support.user_error import UserError


@pytest.mark.parametrize("count", ["abc", "", "0", "-1", "1.5", "²", "9" * 5000])
def test_what_is_no_number_of_processes_is_refused(count, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", count)
    with pytest.raises(UserError, match="WORLD_SIZE="):
        several_processes()


def test_one_process_is_taken(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert several_processes().count == 1
