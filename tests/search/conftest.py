"""The small trained and exported network of helpers/small_run.py, for the tests of searches."""

from helpers.small_run import config, exported, run  # noqa: F401 - fixtures
