"""A thousand damaged files of every kind that the program reads, among them what each file holds: no traceback.

More by hand: python tests/fuzz/readers.py 20000
"""

from fuzz.readers import fuzz


def test_every_damaged_file_is_read_or_refused_in_one_line(tmp_path):
    ended, failures = fuzz(1000, 0, tmp_path)
    assert not failures, f"{len(failures)} of {sum(ended.values())}; the first:\n{failures[0]}"
    assert sum(count for name, count in ended.items() if name.endswith("refused")) > 500
