"""Numbers have the right form of their noun."""

from snn_deploy.support.counted import counted


def test_one_is_singular_and_all_others_are_plural():
    assert [counted(n, "core") for n in (0, 1, 2, 1024)] == ["0 cores", "1 core", "2 cores", "1,024 cores"]
