"""The trained network of helpers/chain_run.py."""

import pytest
from helpers.chain_run import CHAIN

import snn_deploy as sd


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    return sd.train(CHAIN, out=tmp_path_factory.mktemp("chain") / "run").folder
